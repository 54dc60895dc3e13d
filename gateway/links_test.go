package gateway_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

func TestEveryDataSourceHasALinkInTheOrderOfTheCatalogue(t *testing.T) {
	h := newHouse(t)
	zepp, amazfit := health.DataSource{ID: "zepp", Name: "Zepp"}, health.DataSource{ID: "amazfit", Name: "Amazfit"}
	h.lister.shows(zepp, appleHealth, amazfit)
	links := h.Links(t.Context(), "lister", []*gateway.Person{h.person("person-1")})[0]
	var order []health.DataSourceID
	for _, link := range links {
		order = append(order, link.DataSource.ID)
	}
	assert.Equal(t, []health.DataSourceID{"fitbit", "apple_health", "amazfit", "zepp"}, order)
	assert.Equal(t, health.StatusNotConnected, links[0].Status)
	assert.Equal(t, health.StatusConnected, links[1].Status)
	assert.Equal(t, "lister", links[2].DataSource.Connector)
	assert.Contains(t, links[2].DataSource.Capabilities, health.CapabilityRevoke, "what is not in the catalogue can be revoked as well")
}

func TestALinkKeepsItsIDAndItsBeginning(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	first := h.links("person-1", "lister")["fitbit"]
	require.NotNil(t, first.ConnectedAt)
	h.clock.advance(48 * time.Hour)
	second := h.links("person-1", "lister")["fitbit"]
	assert.Equal(t, first.ID(), second.ID())
	assert.Equal(t, first.ConnectedAt, second.ConnectedAt)
	assert.True(t, second.CheckedAt.After(*first.CheckedAt))

	assert.True(t, strings.HasPrefix(string(first.ID()), health.LinkIDPrefix))
	assert.NotContains(t, string(first.ID()), "person-1")
	assert.NotEqual(t, first.ID(), h.links("person-2", "lister")["fitbit"].ID(), "another person's")
	assert.NotEqual(t, first.ID(), h.links("person-1", "lister")["apple_health"].ID(), "another source's")
	owners, err := h.LinkOwners(t.Context(), []health.LinkID{first.ID()})
	owner, found := owners[first.ID()]
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, health.UserID("person-1"), owner.User)
}

func TestWhileAnUpstreamIsDownItsLastKnownSetStands(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit, health.DataSource{ID: "zepp", Name: "Zepp"})
	good := h.links("person-1", "lister")
	before, _ := h.stored("person-1")
	h.lister.isDown()
	h.clock.advance(24 * time.Hour)
	for _, g := range []*gateway.Gateway{h.Gateway, h.another(h.config)} {
		h.Gateway = g
		bad := h.links("person-1", "lister")
		require.Len(t, bad, 3, "never fewer")
		for id, link := range bad {
			assert.Equal(t, health.StatusUnknown, link.Status)
			assert.Equal(t, good[id].ID(), link.ID())
			assert.Equal(t, good[id].ConnectedAt, link.ConnectedAt)
			require.NotNil(t, link.Problem)
			assert.Equal(t, health.UpstreamUnavailable, link.Problem.Code)
			assert.Equal(t, "PT1M", link.Problem.RetryAfter.String())
		}
	}
	after, _ := h.stored("person-1")
	assert.ElementsMatch(t, before, after, "a failure says nothing about the links")

	h.lister.shows(fitbit)
	assert.Equal(t, good["fitbit"].ConnectedAt, h.links("person-1", "lister")["fitbit"].ConnectedAt)
}

func TestOfAPersonNeverSeenTheCatalogueStandsWhileAnUpstreamIsDown(t *testing.T) {
	h := newHouse(t)
	h.lister.isDown()
	links := h.links("person-1", "lister")
	require.Len(t, links, 2)
	assert.Equal(t, health.StatusUnknown, links["fitbit"].Status)
	records, _ := h.stored("person-1")
	assert.Empty(t, records)
}

// An upstream offers the same sources to everybody: of them, what a person's links were is worth remembering.
func TestWhatAnUpstreamOffersIsKnownWhileItIsDown(t *testing.T) {
	h := newHouse(t)
	zepp := health.DataSource{ID: "zepp", Name: "Zepp"}
	h.lister.links = func(account string) connectors.LinksResult {
		if account == "person-2" {
			return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: appleHealth}}} // to whom nothing is linked
		}
		return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: true}, {DataSource: zepp}}}
	}
	h.links("person-1", "lister")
	h.links("person-2", "lister")
	h.lister.isDown()
	h.clock.advance(time.Minute)
	shown := func(user health.UserID) map[health.DataSourceID]bool {
		checked := map[health.DataSourceID]bool{}
		for id, link := range h.links(user, "lister") {
			assert.Equal(t, health.StatusUnknown, link.Status)
			checked[id] = link.CheckedAt != nil
		}
		return checked
	}
	type checked = map[health.DataSourceID]bool
	assert.Equal(t, checked{"fitbit": true, "zepp": true}, shown("person-1"), "zepp was in the list as well")
	assert.Equal(t, checked{"fitbit": false, "zepp": false}, shown("person-2"))
	h.Gateway = h.another(h.config)
	assert.Equal(t, checked{"fitbit": true, "apple_health": true}, shown("person-1"), "a new process knows the catalogue")

	payload, err := h.RevokeAll(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	require.Len(t, payload.Results, 1, "what was not connected when the list was read need not be ended")
	assert.Equal(t, health.DataSourceID("fitbit"), payload.Results[0].Link.DataSource.ID)
}

// A name or a logo that changes is shown as it is now, also while the upstream is down, and of sources beyond the catalogue.
func TestANewNameOrLogoOfADataSourceIsNoticed(t *testing.T) {
	h := newHouse(t)
	fitbit, zepp := fitbit, health.DataSource{ID: "zepp", Name: "Zepp"}
	for _, change := range []struct{ logo, zeppLogo, name string }{
		{"https://logos.example/1.svg", "", "Zepp"},
		{"https://logos.example/2.svg", "", "Zepp"},
		{"https://logos.example/2.svg", "https://logos.example/zepp.svg", "Zepp"},
		{"https://logos.example/2.svg", "https://logos.example/zepp.svg", "Zepp by Amazfit"},
	} {
		fitbit.LogoURL, zepp.Name, zepp.LogoURL = new(health.URL(change.logo)), change.name, nil
		if change.zeppLogo != "" {
			zepp.LogoURL = new(health.URL(change.zeppLogo))
		}
		h.lister.links = func(string) connectors.LinksResult {
			return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: true}, {DataSource: zepp}}}
		}
		shown := func(user health.UserID, status health.LinkStatus) {
			links := h.links(user, "lister")
			require.Len(t, links, 2)
			assert.Equal(t, status, links["zepp"].Status)
			assert.Equal(t, fitbit.LogoURL, links["fitbit"].DataSource.LogoURL)
			assert.Equal(t, []any{zepp.Name, zepp.LogoURL}, []any{links["zepp"].DataSource.Name, links["zepp"].DataSource.LogoURL})
		}
		shown("person-1", health.StatusNotConnected)
		statements := h.statementsOf(func() { shown("person-1", health.StatusNotConnected) })
		assert.Equal(t, []string{"SELECT"}, keys(statements), "nothing is written of it twice")
		h.lister.isDown()
		shown("person-1", health.StatusUnknown)
		shown("newcomer", health.StatusUnknown)
		sources := h.DataSources()
		assert.Equal(t, zepp.Name, sources[len(sources)-1].Name)
	}
	_, err := h.Filter(t.Context(), []string{"nothing"}) // it looks into the store again, which has the first name
	require.Error(t, err)
	sources := h.DataSources()
	assert.Equal(t, "Zepp by Amazfit", sources[len(sources)-1].Name)
}

func TestOnePersonsFailureIsNobodyElses(t *testing.T) {
	h := newHouse(t)
	h.lister.links = func(account string) connectors.LinksResult {
		if account == "person-2" {
			return connectors.LinksResult{Err: down}
		}
		return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: true}}}
	}
	links := h.Links(t.Context(), "lister", []*gateway.Person{h.person("person-1"), h.person("person-2"), h.person("person-3")})
	assert.Equal(t, health.StatusConnected, links[0][0].Status)
	assert.Equal(t, health.StatusUnknown, links[1][0].Status)
	assert.Equal(t, health.StatusConnected, links[2][0].Status)
}

func TestASourceThatOneProcessDiscoversIsKnownToAll(t *testing.T) {
	h := newHouse(t)
	older := h.another(h.config)
	_, err := older.Filter(t.Context(), []string{"zepp"})
	assert.Equal(t, health.BadUserInput, codeOf(err))
	assert.ErrorContains(t, err, "fitbit", "what is known is listed")

	h.lister.shows(health.DataSource{ID: "zepp", Name: "Zepp"})
	h.links("person-1", "lister")
	h.clock.advance(time.Second) // the store is asked about unknown slugs once a second
	for name, g := range map[string]*gateway.Gateway{"the one that saw it": h.Gateway, "an older one": older, "a newer one": h.another(h.config)} {
		filter, err := g.Filter(t.Context(), []string{"zepp"})
		require.NoError(t, err, name)
		assert.True(t, filter.Allows("zepp"))
		assert.False(t, filter.Allows("fitbit"))
		assert.Equal(t, []string{"lister"}, g.LinkConnectors(filter), name)
		sources := g.DataSources()
		assert.Equal(t, health.DataSourceID("zepp"), sources[len(sources)-1].ID, name)
	}
}

func TestASourceWithTheSlugOfAnotherUpstreamsGetsOneOfItsOwn(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(health.DataSource{ID: "granter", Name: "Granter"})
	links := h.links("person-1", "lister")
	assert.Equal(t, health.StatusConnected, links["lister_granter"].Status)
	assert.NotContains(t, links, health.DataSourceID("granter"))
	assert.Equal(t, health.StatusNotConnected, h.links("person-1", "granter")["granter"].Status)
}

func TestALinkByGrantNeedsNoCall(t *testing.T) {
	h := newHouse(t)
	assert.Equal(t, health.StatusNotConnected, h.links("person-1", "granter")["granter"].Status)
	h.grant("person-1", &connectors.Profile{Scopes: []string{"steps", "profile"}})
	link := h.links("person-1", "granter")["granter"]
	assert.Equal(t, health.StatusConnected, link.Status)
	assert.Equal(t, []string{"steps", "profile"}, link.ScopesGranted)
	assert.Empty(t, link.ScopesMissing)
	assert.Nil(t, link.Problem)

	h.grant("person-1", &connectors.Profile{Scopes: []string{"profile"}})
	link = h.links("person-1", "granter")["granter"]
	assert.Equal(t, health.StatusConnected, link.Status)
	assert.Equal(t, []string{"steps"}, link.ScopesMissing)
	require.NotNil(t, link.Problem)
	assert.Equal(t, health.ReauthorizationRequired, link.Problem.Code)
	assert.Contains(t, string(*link.Problem.AuthorizationURL), "https://granter.example/consent?state=")

	h.grant("person-1", nil)
	link = h.links("person-1", "granter")["granter"]
	assert.Nil(t, link.ScopesGranted, "not known is not none")
	assert.Nil(t, link.Problem)
	assert.Empty(t, h.granter.made())
}

func TestARefusedGrantAsksThePersonToLinkAgain(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.links("person-1", "granter")
	_, grants := h.stored("person-1")
	grants[0].RefusedAt = h.clock.Now()
	written, err := h.store.UpdateGrant(t.Context(), grants[0])
	require.NoError(t, err)
	require.True(t, written)
	link := h.links("person-1", "granter")["granter"]
	assert.Equal(t, health.StatusReauthorizationRequired, link.Status)
	assert.NotNil(t, link.Problem.AuthorizationURL)

	h.clock.advance(time.Second)
	h.grant("person-1", nil)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "granter")["granter"].Status, "linked again")
}

// meddling is a store on which somebody else writes first.
type meddling struct {
	gateway.Store
	once   sync.Once
	before func()
	broken error
}

// PutLinks implements gateway.Store.
func (m *meddling) PutLinks(ctx context.Context, records []gateway.LinkRecord, events ...health.AccessEvent) ([]health.LinkID, error) {
	m.once.Do(m.before)
	if m.broken != nil {
		return nil, m.broken
	}
	return m.Store.PutLinks(ctx, records, events...)
}

func TestAChangeIsAppliedToWhatAnotherProcessWrote(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	plain := h.Gateway
	config := h.config
	config.Store = &meddling{Store: h.store, before: func() {
		h.clock.advance(2 * time.Hour) // so that the other's look at the list is worth a write
		people, err := plain.People(t.Context(), []health.UserID{"person-1"})
		assert.NoError(t, err)
		plain.Links(t.Context(), "lister", people)
		h.lister.shows()
	}}
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true, LateData: time.Hour}, nil
	}
	payload, err := h.another(config).Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstream, payload.Outcome)
	assert.Equal(t, health.StatusRevoked, payload.Link.Status)
	h.lister.isDown()
	records, _ := h.stored("person-1")
	for _, record := range records {
		if record.DataSource == "fitbit" {
			assert.Equal(t, health.StatusRevoked, record.Status)
			assert.False(t, record.RevokedAt.IsZero(), "not lost to the other's write")
		}
	}
	assert.Empty(t, h.log.String())
}

func TestAnAnswerStandsWhenItCannotBeWrittenDown(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	config := h.config
	config.Store = &meddling{Store: h.store, before: func() {}, broken: errors.New("disk full")}
	h.Gateway = h.another(config)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "lister")["fitbit"].Status)
	assert.Contains(t, h.log.String(), "links could not be stored")
}

func TestARevocationThatCannotBeRememberedSaysSo(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true, LateData: time.Hour}, nil
	}
	config := h.config
	config.Store = &meddling{Store: h.store, before: func() {}, broken: errors.New("disk full")}
	payload, err := h.another(config).Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstreamPending, payload.Outcome, "the upstream took it")
	require.NotNil(t, payload.Problem)
	assert.Equal(t, health.Internal, payload.Problem.Code)
	payload, err = h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstreamPending, payload.Outcome)
	assert.Nil(t, payload.Problem)
}

func TestALinkIsWrittenThoughTheCallerHasGone(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	person := h.person("person-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.Links(ctx, "lister", []*gateway.Person{person})
	records, _ := h.stored("person-1")
	assert.Len(t, records, 1)
}

func TestManyRevocationsAtOnceEndInOneTruth(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.shows()
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true}, nil
	}
	gateways := []*gateway.Gateway{h.Gateway, h.another(h.config)}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			payload, err := gateways[i%2].Revoke(t.Context(), "person-1", "fitbit", byPerson)
			assert.NoError(t, err)
			assert.Equal(t, health.StatusRevoked, payload.Link.Status)
		})
	}
	all.Wait()
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status)
}
