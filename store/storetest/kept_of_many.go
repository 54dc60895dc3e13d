package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// keptOfMany: days of many people are kept in one call, each person's for themselves.
func keptOfMany(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	both := []health.DataSourceID{"garmin", "oura"}
	var all []gateway.NewDays
	var users []health.UserID
	add := func(user health.UserID, sources []health.DataSourceID, links ...gateway.LinkRecord) {
		put(t, s, len(links), links...)
		users = append(users, user)
		all = append(all, newDays(sources, keptDay(user, "2026-03-01", 1, noon), keptDay(user, "2026-03-02", 1, noon))...)
	}
	gone, elsewhere := link("half", "oura"), link("elsewhere", "garmin")
	gone.Status, elsewhere.Connector = health.StatusRevoked, "onetwentyone"
	add("whole", both, link("whole", "garmin"), link("whole", "oura"))
	add("half", both, link("half", "garmin"), gone)
	add("one", garmin, link("one", "garmin"), link("one", "oura"))
	add("other", garmin, link("other", "oura"))
	add("nobody", garmin)
	add("erased", garmin, link("erased", "garmin"))
	add("elsewhere", garmin, elsewhere)
	add("none needed", nil, link("none needed", "garmin"))
	all = append(all, gateway.NewDays{DataSources: garmin})
	_, err := s.DeletePerson(ctx, "erased", event("link_hash", noon))
	require.NoError(t, err)
	require.NoError(t, s.KeepDays(ctx, all))
	found := kept(t, s, allDays, users...)
	for _, user := range users {
		want := user == "whole" || user == "one"
		for _, day := range []string{"2026-03-01", "2026-03-02"} {
			key := string(user) + "  " + day
			assert.Equal(t, want, found[key].Sealed != nil, key)
		}
	}

	more := keptDay("whole", "2026-03-03", 1, noon)
	require.NoError(t, s.KeepDays(ctx, append(newDays(both, more), newDays([]health.DataSourceID{"fitbit"}, more)...)))
	assert.Len(t, kept(t, s, allDays, "whole"), 2, "of two reads of a person's, all that both say has to be connected")
}

// keptOfManyInParts: days that do not fit into one statement are all kept, also of a person whose days are parted.
func keptOfManyInParts(t *testing.T, s *store.Store) {
	t.Helper()
	var all []gateway.NewDays
	var users []health.UserID
	for i := range 7 {
		user := health.UserID(fmt.Sprintf("person-%d", i))
		users = append(users, user)
		put(t, s, 1, link(user, "garmin"))
		all = append(all, newDays(garmin, manyDays(user, 260)...)...)
	}
	require.NoError(t, s.KeepDays(t.Context(), all))
	assert.Len(t, kept(t, s, allDays, users...), 7*260)
}

func manyDays(user health.UserID, count int) []gateway.KeptDay {
	days := make([]gateway.KeptDay, count)
	for i := range days {
		days[i] = keptDay(user, "2025-01-01", 1, noon)
		days[i].Day = days[i].Day.AddDays(i)
	}
	return days
}

// keptOfManyRaced: writers of the same people in opposite orders do not stop each other, beside those who end links of these people and
// erase some. What is not ended is kept, and of the others nothing is.
func keptOfManyRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	const people, each = 20, 8
	for round := range 5 {
		users := make([]health.UserID, people)
		var linked, ended []gateway.LinkRecord
		for i := range users {
			users[i] = health.UserID(fmt.Sprintf("person-%d-%d", round, i))
			linked = append(linked, link(users[i], "garmin"), link(users[i], "oura"))
			if i%4 == 0 {
				record := link(users[i], "oura")
				record.Version, record.Status = 1, health.StatusRevoked
				ended = append(ended, record)
			}
		}
		put(t, s, len(linked), linked...)
		erased := users[1]
		race(func(i int) {
			switch i {
			case 0:
				written, err := s.PutLinks(ctx, ended)
				assert.NoError(t, err)
				assert.Len(t, written, len(ended))
				for _, record := range ended {
					assert.NoError(t, s.ForgetDays(ctx, "rook", []health.UserID{record.User}))
				}
			case 1:
				_, err := s.DeletePerson(ctx, erased, event("link_hash", noon))
				assert.NoError(t, err)
			default:
				assert.NoError(t, s.KeepDays(ctx, daysOfWriter(i, users, each)))
			}
		})
		for i, user := range users {
			want := each
			if i%4 == 0 || user == erased {
				want = 0
			}
			assert.Len(t, kept(t, s, allDays, user), want, string(user))
		}
	}
}

// daysOfWriter are of most of the people, in an order that is the opposite of the next writer's.
func daysOfWriter(i int, users []health.UserID, each int) (all []gateway.NewDays) {
	for n := range len(users) - 4 {
		days := manyDays(users[(n+i%5)%len(users)], each)
		for d := range days {
			days[d].Version = int64(i)
		}
		if i%2 == 0 {
			slices.Reverse(days)
		}
		all = append(all, newDays([]health.DataSourceID{"oura", "garmin"}, days...)...)
	}
	if i%2 == 0 {
		slices.Reverse(all)
	}
	return all
}
