package connectors_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// described is a connector that can do nothing.
type described connectors.Description

func (d described) Describe() connectors.Description { return connectors.Description(d) }

// listed can read links of people whose ids it takes.
type listed struct{ described }

func (listed) AcceptsID(string) bool { return true }

func (listed) ReadLinks(context.Context, []connectors.Account) []connectors.LinksResult { return nil }

// unidentified reads links, but of nobody.
type unidentified struct{ described }

func (unidentified) ReadLinks(context.Context, []connectors.Account) []connectors.LinksResult {
	return nil
}

// counted has steps twice over.
type counted struct{ listed }

func (counted) ReadDailySteps(context.Context, connectors.Account, []health.Date) []connectors.DayResult {
	return nil
}

func (counted) ReadSamples(context.Context, connectors.Account, connectors.SampleRequest, func([]health.Sample) bool) connectors.SampleResult {
	return connectors.SampleResult{}
}

// drowsy has sleep twice over.
type drowsy struct{ listed }

func (drowsy) ReadDailySleep(context.Context, connectors.Account, []health.Date) []connectors.DaySleepResult {
	return nil
}

func (drowsy) ReadSleepSessions(context.Context, connectors.Account, health.Interval) connectors.SleepRecordsResult {
	return connectors.SleepRecordsResult{}
}

// renewing renews what it never gave.
type renewing struct{ listed }

func (renewing) Refresh(context.Context, connectors.Grant) (connectors.Grant, error) {
	return connectors.Grant{}, nil
}

// personal takes tokens for which it has no use.
type personal struct{ listed }

func (personal) ReadProfile(context.Context, connectors.Account) (connectors.Profile, error) {
	return connectors.Profile{}, nil
}

func (personal) Scopes() []string { return nil }

func (personal) PersonalGrant(string, health.Secret) (connectors.Grant, error) {
	return connectors.Grant{}, nil
}

func description(id string, sources ...health.DataSourceID) described {
	d := described{ID: id, Name: "A name"}
	for _, source := range sources {
		d.DataSources = append(d.DataSources, health.DataSource{ID: source, Name: "Source", Kind: health.KindBrowser})
	}
	return d
}

func TestRegistryRefusesWhatFitsNoSocket(t *testing.T) {
	good := description("paper", "notebook")
	nameless, unnamedSource := good, description("paper", "notebook")
	nameless.Name, unnamedSource.DataSources[0].Name = "", ""
	for why, all := range map[string][]connectors.Connector{
		"a slug":                        {listed{description("Paper", "notebook")}},
		"no name":                       {listed{nameless}},
		"no data sources":               {listed{description("paper")}},
		"the same id":                   {listed{good}, listed{good}},
		"listed twice":                  {listed{good}, listed{description("card", "notebook")}},
		"a slug and a name":             {listed{unnamedSource}},
		"nothing tells":                 {good},
		"it needs AcceptsID":            {unidentified{good}},
		"both daily totals and samples": {counted{listed{good}}},
		"both the sleep of days":        {drowsy{listed{good}}},
		"Refresh without Exchange":      {renewing{listed{good}}},
		"PersonalGrant without":         {personal{listed{good}}},
	} {
		_, err := connectors.NewRegistry(all...)
		assert.ErrorContains(t, err, why)
	}
}

func TestRegistryKeepsTheOrder(t *testing.T) {
	registry, err := connectors.NewRegistry(listed{description("paper", "notebook", "diary")}, listed{description("card", "stack")})
	require.NoError(t, err)
	var ids []health.DataSourceID
	for _, source := range registry.DataSources() {
		ids = append(ids, source.ID)
		assert.Equal(t, []health.Capability{health.CapabilityConnections}, source.Capabilities)
	}
	assert.Equal(t, []health.DataSourceID{"notebook", "diary", "stack"}, ids)
	source, plug, known := registry.DataSource("stack")
	require.True(t, known)
	assert.Equal(t, "card", source.Connector)
	assert.Same(t, registry.Plug("card"), plug)
	_, _, known = registry.DataSource("pile")
	assert.False(t, known)
	assert.Nil(t, registry.Plug("pile"))
	assert.Len(t, registry.Plugs(), 2)
}

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 50} {
		var done, now, most atomic.Int64
		seen := make([]atomic.Bool, n)
		connectors.Each(n, 4, func(i int) {
			most.Store(max(most.Load(), now.Add(1)))
			assert.False(t, seen[i].Swap(true))
			done.Add(1)
			now.Add(-1)
		})
		assert.Equal(t, int64(n), done.Load())
		assert.LessOrEqual(t, most.Load(), int64(4))
	}
	assert.PanicsWithValue(t, "broken", func() {
		connectors.Each(3, 0, func(i int) {
			if i == 1 {
				panic("broken")
			}
		})
	})
}
