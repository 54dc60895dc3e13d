package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
)

// upstreamIDOf is the id by which the lister knows the person.
func (h *house) upstreamIDOf(g *gateway.Gateway, user health.UserID) string {
	h.t.Helper()
	people, err := g.People(h.t.Context(), []health.UserID{user})
	require.NoError(h.t, err)
	h.lister.forget()
	g.Links(h.t.Context(), "lister", people)
	return strings.TrimPrefix(h.lister.made()[0], "links ")
}

func TestAnUpstreamKnowsAPersonByTheirOwnIDWhereItTakesIt(t *testing.T) {
	h := newHouse(t)
	for _, user := range []health.UserID{"person-1", "User-7", "0"} {
		assert.Equal(t, string(user), h.upstreamIDOf(h.Gateway, user))
	}
}

func TestAnIDThatTheUpstreamDoesNotTakeIsReplacedByOneThatTellsNothing(t *testing.T) {
	h := newHouse(t)
	seen := map[string]bool{}
	for _, user := range []health.UserID{"auth0|person-1", "person-1@mail.example", "日本語", "person one", health.UserID(strings.Repeat("x", 41))} {
		id := h.upstreamIDOf(h.Gateway, user)
		assert.Regexp(t, `^hg-[0-9a-f]{32}$`, id)
		assert.NotContains(t, id, "person-1")
		assert.False(t, seen[id])
		seen[id] = true
	}
}

func TestAnOwnIDThatLooksLikeAGeneratedOneIsNeverHandedOn(t *testing.T) {
	h := newHouse(t)
	victim := h.upstreamIDOf(h.Gateway, "person-1@mail.example")
	for _, user := range []health.UserID{health.UserID(victim), "hg-", "HG-x", "Hg-00000000000000000000000000000000"} {
		id := h.upstreamIDOf(h.Gateway, user)
		assert.NotEqual(t, string(user), id)
		assert.NotEqual(t, victim, id, "it is another person's")
	}
	assert.Equal(t, "hgx", h.upstreamIDOf(h.Gateway, "hgx"), "what only looks a little like one is handed on")
}

func TestAnUpstreamIDIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	first := h.upstreamIDOf(h.Gateway, "person-1@mail.example")
	assert.Equal(t, first, h.upstreamIDOf(h.Gateway, "person-1@mail.example"))
	assert.Equal(t, first, h.upstreamIDOf(h.another(h.config), "person-1@mail.example"), "another process")
}

func TestTwoProcessesThatMakeAnUpstreamIDAtOnceAgree(t *testing.T) {
	h := newHouse(t)
	gateways := []*gateway.Gateway{h.Gateway, h.another(h.config)}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			people, err := gateways[i%2].People(t.Context(), []health.UserID{"person-1@mail.example"})
			assert.NoError(t, err)
			gateways[i%2].Links(t.Context(), "lister", people)
		})
	}
	all.Wait()
	ids := map[string]bool{}
	for _, call := range h.lister.made() {
		ids[call] = true
	}
	assert.Len(t, ids, 1)
}

func TestStatementsDoNotGrowWithThePeople(t *testing.T) {
	h := newHouse(t)
	users := make([]health.UserID, 50)
	for i := range users {
		users[i] = health.UserID(fmt.Sprintf("person %d", i))
	}
	read := func(users []health.UserID) map[string]int {
		return h.statementsOf(func() {
			people, err := h.People(t.Context(), users)
			require.NoError(t, err)
			require.Len(t, people, len(users))
			links := h.Links(t.Context(), "lister", people)
			for i, own := range links {
				for _, link := range own {
					assert.Equal(t, users[i], link.User)
				}
			}
		})
	}
	assert.Equal(t, read([]health.UserID{"new and alone"}), read(users), "new people")
	assert.Equal(t, read(users[:1]), read(users), "known people")
}

func TestPeopleComeInTheOrderAskedAndTwiceWhereAskedTwice(t *testing.T) {
	h := newHouse(t)
	people, err := h.People(t.Context(), []health.UserID{"b", "a", "b"})
	require.NoError(t, err)
	assert.Equal(t, []health.UserID{"b", "a", "b"}, []health.UserID{people[0].ID, people[1].ID, people[2].ID})
	assert.Same(t, people[0], people[2])
}
