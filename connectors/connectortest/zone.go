package connectortest

import (
	"context"

	"healthgraph/connectors"
)

// checkZone tries what can be said of any connector's zone when all is well.
func (s *suite) checkZone(ctx context.Context, c connectors.ZoneReader) {
	before := s.upstream.calls.Load()
	if zone, err := c.ReadTimeZone(ctx, connectors.Account{ID: s.harness.Accounts[0]}); err == nil && zone == nil {
		s.violate(RuleValues, ReadTimeZone, "the harness's person has no zone: nothing is tried")
	}
	if s.upstream.calls.Load()-before > 1 {
		s.violate(RuleValues, ReadTimeZone, "more than one call")
	}
}
