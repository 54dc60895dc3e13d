package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// newKeepingHouse is one that keeps days, and whose lister has figures of all of them.
func newKeepingHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.config.Days = h.keeper.Sealer
	h.Gateway = h.another(h.config)
	h.lister.shows(fitbit)
	h.lister.day = func(health.Date) connectors.DayResult {
		steps := 1000
		return connectors.DayResult{Total: health.DayTotal{Steps: &steps, Version: 1}}
	}
	return h
}

// reading gives what reads so many old days of a person.
func (h *house) reading(user health.UserID, connector string) func(ctx context.Context, days int) {
	h.t.Helper()
	person := h.person(user)
	links := h.Links(h.t.Context(), connector, []*gateway.Person{person})[0]
	return func(ctx context.Context, days int) {
		to := health.DateOf(h.clock.Now(), health.UTC).AddDays(-60)
		h.Steps(ctx, person, connector, links, health.DateRange{From: to.AddDays(1 - days), To: to})
	}
}

func (h *house) keptOf(user health.UserID, connector string) int {
	h.t.Helper()
	to := health.DateOf(h.clock.Now(), health.UTC)
	found, err := h.store.KeptDays(h.t.Context(), gateway.KeptDays{
		Users: []health.UserID{user}, Connector: connector, Metric: health.StepCountMetric, Zones: []string{"", "UTC"},
		Days: health.DateRange{From: to.AddDays(-5000), To: to},
	})
	require.NoError(h.t, err)
	return len(found)
}

func TestDaysOfOneOperationAreWrittenTogether(t *testing.T) {
	h := newKeepingHouse(t)
	people := make([]health.UserID, 20)
	reads := make([]func(context.Context, int), len(people))
	for i := range people {
		people[i] = health.UserID(fmt.Sprintf("person-%d", i))
		reads[i] = h.reading(people[i], "lister")
	}
	writes := func(n, days int, together bool) int {
		return h.statementsOf(func() {
			ctx, write := t.Context(), func() {}
			if together {
				ctx, write = h.WriteTogether(ctx)
			}
			for _, read := range reads[:n] {
				read(ctx, days)
			}
			write()
			write() // a second time there is nothing
		})["WITH"]
	}
	assert.Equal(t, 1, writes(5, 20, true))
	for i, user := range people {
		assert.Equal(t, i < 5, h.keptOf(user, "lister") == 20, string(user))
	}
	assert.Zero(t, writes(5, 20, true), "all is kept")
	assert.Equal(t, 1, writes(20, 24, true), "480 rows less those that there are")
	assert.Equal(t, 2, writes(20, 24+30, true), "600, of which 510 were enough to be written before the end")
	assert.Equal(t, 3, writes(3, 60, false), "without an operation each by itself")
	for _, user := range people {
		assert.GreaterOrEqual(t, h.keptOf(user, "lister"), 54, string(user))
	}
}

// How new each person's data is costs an operation one statement, and is not written again for an hour.
func TestNotesOfOneOperationAreWrittenTogether(t *testing.T) {
	h := newHouse(t) // which keeps no days
	h.lister.shows(fitbit)
	h.lister.counts(map[string]int{"25": 2000}, fitbit)
	days := health.DateRange{From: date("2026-03-20"), To: health.DateOf(h.clock.Now(), health.UTC)}
	const people = 20
	user := func(i int) health.UserID { return health.UserID(fmt.Sprintf("person-%d", i)) }
	for i := range people {
		h.links(user(i), "lister")
	}
	look := func(together bool) int {
		return h.statementsOf(func() {
			ctx, write := t.Context(), func() {}
			if together {
				ctx, write = h.WriteTogether(ctx)
			}
			for i := range people {
				person := h.person(user(i))
				links := h.Links(ctx, "lister", []*gateway.Person{person})[0]
				h.Steps(ctx, person, "lister", links, days)
			}
			write()
			write() // a second time there is nothing
		})["WITH"]
	}
	assert.Equal(t, 1, look(true))
	for i := range people {
		link := h.links(user(i), "lister")["fitbit"]
		require.NotNil(t, link.LatestDataAt, user(i))
		assert.Equal(t, date("2026-03-26").Start(health.UTC), *link.LatestDataAt)
		assert.WithinDuration(t, h.clock.Now(), *link.DataCheckedAt, time.Second)
	}
	assert.Zero(t, look(true), "nothing is new")
	h.clock.advance(time.Hour)
	assert.Equal(t, people, look(false), "without an operation each by itself")
}

// Of a long read nothing waits for the operation's end but less than 200 days, and what others brought before is written with it.
func TestALongReadWritesAsItGoes(t *testing.T) {
	h := newKeepingHouse(t)
	long, short := h.reading("person-1", "lister"), h.reading("person-2", "lister")
	ctx, write := h.WriteTogether(t.Context())
	short(ctx, 10)
	require.Zero(t, h.keptOf("person-2", "lister"))
	long(ctx, 450)
	assert.Equal(t, 400, h.keptOf("person-1", "lister"))
	assert.Equal(t, 10, h.keptOf("person-2", "lister"))
	write()
	assert.Equal(t, 450, h.keptOf("person-1", "lister"))
}

func TestWhatWaitsIsNotKeptOfWhomThereIsNothingToBeKept(t *testing.T) {
	h := newKeepingHouse(t)
	for name, c := range map[string]struct {
		connector string
		happens   func(ctx context.Context)
		others    bool // what is kept of the other connector stays
	}{
		"nothing": {"lister", func(context.Context) {}, true},
		"an erasure": {"lister", func(ctx context.Context) {
			payload, err := h.Erase(ctx, "person-1", byPerson)
			require.NoError(t, err)
			assert.True(t, payload.Erased)
		}, false},
		"a link's end": {"lister", func(ctx context.Context) {
			h.lister.shows()
			h.Links(ctx, "lister", []*gateway.Person{h.person("person-1")})
		}, true},
		"a link's end and its return": {"lister", func(ctx context.Context) {
			h.lister.shows()
			h.Links(ctx, "lister", []*gateway.Person{h.person("person-1")})
			h.lister.shows(fitbit)
			h.Links(ctx, "lister", []*gateway.Person{h.person("person-1")})
		}, true},
		"a scope taken back": {"granter", func(ctx context.Context) {
			h.clock.advance(2 * time.Hour)
			h.granter.profile = connectors.Profile{Scopes: []string{"profile"}}
			h.HomeZone(ctx, h.person("person-1"))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h.lister.shows(fitbit)
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				h.lister.shows()
				return connectors.Revocation{}, nil
			}
			h.grant("person-1", &connectors.Profile{Scopes: []string{"steps", "profile"}})
			other := map[string]string{"lister": "granter", "granter": "lister"}[c.connector]
			of, beside, bystander := h.reading("person-1", c.connector), h.reading("person-1", other), h.reading("person-2", "lister")
			for _, connector := range []string{"lister", "granter"} {
				require.NoError(t, h.store.ForgetDays(t.Context(), connector, []health.UserID{"person-1", "person-2"}))
			}
			ctx, write := h.WriteTogether(t.Context())
			of(ctx, 5)
			beside(ctx, 6)
			bystander(ctx, 7)
			c.happens(ctx)
			write()
			want := map[bool]int{true: 5}[name == "nothing"]
			assert.Equal(t, want, h.keptOf("person-1", c.connector))
			assert.Equal(t, map[bool]int{true: 6}[c.others], h.keptOf("person-1", other))
			assert.Equal(t, 7, h.keptOf("person-2", "lister"))
		})
	}
}

func TestWhatWaitsIsWrittenAlsoWhenTheTimeIsUp(t *testing.T) {
	h := newKeepingHouse(t)
	read := h.reading("person-1", "lister")
	ctx, leave := context.WithCancel(t.Context())
	ctx, write := h.WriteTogether(ctx)
	read(ctx, 5)
	leave()
	write()
	assert.Equal(t, 5, h.keptOf("person-1", "lister"))
}
