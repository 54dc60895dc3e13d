package connectors

import (
	"context"

	"healthgraph/health"
)

// ZoneReader reads a person's time zone at an upstream that takes our ids and knows it. Where a grant is the link, the zone comes
// with the profile: see ProfileReader.
type ZoneReader interface {
	Identifier
	// ReadTimeZone gives the person's zone, by one call at most; nil where the upstream names none that is IANA's.
	ReadTimeZone(ctx context.Context, account Account) (*health.TimeZone, error)
}
