package connectortest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// zoned is paper on which people write where they live.
type zoned struct {
	*paper
	times   int  // how often it asks
	forgets bool // what it was told
}

var _ connectors.ZoneReader = zoned{}

func (z zoned) ReadTimeZone(ctx context.Context, account connectors.Account) (*health.TimeZone, error) {
	for range z.times {
		if _, err := get[int](ctx, z.client, z.call("zone", account.ID)); err != nil && !z.forgets {
			return nil, err
		}
	}
	if z.forgets {
		return nil, nil //nolint:nilnil // as it should not
	}
	return &health.UTC, nil
}

func TestTheSuiteSeesEachFaultOfAZone(t *testing.T) {
	connectortest.Run(t, paperHarness(func(p *paper) connectors.Connector { return zoned{p, 1, false} }))
	for want, z := range map[string]zoned{
		"values ReadTimeZone: more than one call":               {times: 2},
		"values ReadTimeZone: the harness's person has no zone": {times: 1, forgets: true},
		"nonsense ReadTimeZone: ":                               {times: 1, forgets: true},
	} {
		violations, err := connectortest.Check(t.Context(), paperHarness(func(p *paper) connectors.Connector { return zoned{p, z.times, z.forgets} }))
		require.NoError(t, err)
		expectViolations(t, []string{want}, violations)
	}
}
