package projection

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/health"
)

// MarshalDateTime writes the scalar DateTime.
func MarshalDateTime(t time.Time) graphql.Marshaler { return graphql.MarshalTime(t) }

// UnmarshalDateTime reads the scalar DateTime: RFC 3339, so that it is always told where the clock stands.
func UnmarshalDateTime(v any) (time.Time, error) {
	text, _ := v.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, health.Refuse("", "an instant is an RFC 3339 time with its offset, such as \"2026-03-29T07:30:00Z\"")
	}
	return t, nil
}
