package gateway_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// teller is a lister that tells people's zones.
type teller struct {
	*lister
	zone func(ctx context.Context, account string) (*health.TimeZone, error)
}

func (t *teller) ReadTimeZone(ctx context.Context, account connectors.Account) (*health.TimeZone, error) {
	t.note("zone " + account.ID)
	return t.zone(ctx, account.ID)
}

// tellsZones puts a teller in the lister's place.
func (h *house) tellsZones() *teller {
	h.t.Helper()
	t := &teller{lister: h.lister}
	registry, err := connectors.NewRegistry(t, h.granter)
	require.NoError(h.t, err)
	h.config.Registry = registry
	h.Gateway = h.another(h.config)
	h.knows("person-1", "person-2")
	return t
}

func (t *teller) tells(h *house, name string) {
	h.t.Helper()
	zone, err := health.ParseTimeZone(name)
	require.NoError(h.t, err)
	t.zone = func(context.Context, string) (*health.TimeZone, error) { return &zone, nil }
}

func (t *teller) fails(err error) {
	t.zone = func(context.Context, string) (*health.TimeZone, error) { return nil, err }
}

// home is the zone, and the calls that it took.
func (h *house) home(user health.UserID, links gateway.ReadLinks) (zone string, calls []string) {
	h.t.Helper()
	h.lister.forget()
	got := h.Gateway.HomeZone(h.t.Context(), h.person(user), links)
	assert.Equal(h.t, got.TimeZone == health.UTC, got.Origin == health.ZoneDefault)
	return got.TimeZone.String(), h.lister.made()
}

// knows stores a link of each of the people's: zones stand beside links.
func (h *house) knows(users ...health.UserID) {
	h.t.Helper()
	records := []gateway.LinkRecord{}
	for _, user := range users {
		records = append(records, gateway.LinkRecord{
			ID: health.LinkIDPrefix + health.LinkID(user), User: user, Connector: "lister", DataSource: "fitbit", Status: health.StatusNotConnected,
		})
	}
	_, err := h.store.PutLinks(h.t.Context(), records)
	require.NoError(h.t, err)
}

func linked(status health.LinkStatus) gateway.ReadLinks {
	return func(string) ([]health.DataSourceLink, bool) {
		return []health.DataSourceLink{{DataSource: appleHealth, Status: health.StatusNotConnected}, {DataSource: fitbit, Status: status}}, true
	}
}

func TestTheZoneThatAnUpstreamTells(t *testing.T) {
	h := newHouse(t)
	upstream := h.tellsZones()
	upstream.tells(h, "Asia/Tokyo")
	expect := func(why, wantZone string, wantCalls int, links gateway.ReadLinks) {
		t.Helper()
		zone, calls := h.home("person-1", links)
		assert.Equal(t, wantZone, zone, why)
		assert.Len(t, calls, wantCalls, why)
	}
	expect("nothing is linked", "UTC", 0, linked(health.StatusNotConnected))
	expect("nothing is known to be linked", "UTC", 0, nil)
	expect("it can't say now what is linked, and nothing is known", "UTC", 0, linked(health.StatusUnknown))
	expect("linked", "Asia/Tokyo", 1, linked(health.StatusConnected))
	expect("remembered", "Asia/Tokyo", 0, linked(health.StatusConnected))
	expect("it can't say now what is linked", "Asia/Tokyo", 0, linked(health.StatusUnknown))
	expect("nothing is linked any more", "UTC", 0, linked(health.StatusNotConnected))

	h.Gateway = h.another(h.config)
	expect("another process remembers as well", "Asia/Tokyo", 0, linked(health.StatusConnected))

	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	expect("the links are not read now, but known", "Asia/Tokyo", 0, nil)

	upstream.tells(h, "Europe/Paris")
	h.clock.advance(59 * time.Minute)
	expect("not an hour", "Asia/Tokyo", 0, nil)
	h.clock.advance(2 * time.Minute)
	expect("an hour", "Europe/Paris", 1, nil)

	upstream.zone = func(context.Context, string) (*health.TimeZone, error) { return nil, nil } //nolint:nilnil // it names none
	h.clock.advance(time.Hour)
	expect("it names none any more: it is as it was", "Europe/Paris", 1, nil)
	expect("which is remembered too", "Europe/Paris", 0, nil)
	h.clock.advance(time.Hour)
	expect("for an hour", "Europe/Paris", 1, nil)
	assert.Equal(t, []string{"zone person-1"}, h.lister.made())

	_, err := h.store.DeletePerson(t.Context(), "person-1", health.AccessEvent{User: "receipt", At: h.clock.Now(), Action: health.AccessErased, Actor: byPerson})
	require.NoError(t, err)
	expect("who was erased has none", "UTC", 0, linked(health.StatusUnknown))
}

func TestNoZoneIsRememberedToo(t *testing.T) {
	h := newHouse(t)
	h.tellsZones().fails(nil)
	for _, calls := range []int{1, 0, 0} {
		zone, made := h.home("person-1", linked(health.StatusConnected))
		assert.Equal(t, "UTC", zone)
		assert.Len(t, made, calls)
	}
}

func TestAProfileComesBeforeAToldZone(t *testing.T) {
	h := newHouse(t)
	upstream := h.tellsZones()
	upstream.tells(h, "Asia/Tokyo")
	paris, err := health.ParseTimeZone("Europe/Paris")
	require.NoError(t, err)
	h.grant("person-1", &connectors.Profile{TimeZone: &paris})
	zone, calls := h.home("person-1", linked(health.StatusConnected))
	assert.Equal(t, "Europe/Paris", zone)
	assert.Empty(t, calls)

	h.grant("person-2", &connectors.Profile{}) // names none
	zone, calls = h.home("person-2", linked(health.StatusConnected))
	assert.Equal(t, "Asia/Tokyo", zone)
	assert.Len(t, calls, 1)
}

// A failure costs nobody an answer, and is not repeated with every answer.
func TestAZoneThatCanNotBeRead(t *testing.T) {
	invalid := health.Fail(health.UpstreamInvalid, "nonsense", nil)
	limited := &health.Error{Code: health.RateLimited, Message: "enough", RetryAfter: 20 * time.Minute}
	forDays := &health.Error{Code: health.RateLimited, Message: "enough", RetryAfter: 40 * time.Hour}
	for _, test := range []struct {
		err   error
		peace time.Duration
	}{{down, 5 * time.Minute}, {limited, 20 * time.Minute}, {forDays, time.Hour}, {invalid, time.Hour}} {
		h := newHouse(t)
		upstream := h.tellsZones()
		upstream.fails(test.err)
		expect := func(wantZone string, wantCalls int) {
			t.Helper()
			zone, calls := h.home("person-1", linked(health.StatusConnected))
			assert.Equal(t, wantZone, zone, test.err)
			assert.Len(t, calls, wantCalls, test.err)
		}
		expect("UTC", 1)
		h.clock.advance(test.peace - time.Minute)
		expect("UTC", 0)
		upstream.tells(h, "Asia/Tokyo")
		h.clock.advance(time.Minute)
		expect("Asia/Tokyo", 1)
		upstream.fails(test.err)
		h.clock.advance(time.Hour)
		expect("Asia/Tokyo", 1)
	}
}

// Who leaves says nothing of the upstream: the next one asks.
func TestAZoneThatNobodyWaitsForIsNotRemembered(t *testing.T) {
	h := newHouse(t)
	upstream := h.tellsZones()
	person := h.person("person-1")
	ctx, leave := context.WithCancel(t.Context())
	upstream.zone = func(ctx context.Context, _ string) (*health.TimeZone, error) {
		leave()
		<-ctx.Done()
		return nil, health.Fail(health.UpstreamUnavailable, "cut", ctx.Err())
	}
	assert.Equal(t, health.UTC, h.Gateway.HomeZone(ctx, person, linked(health.StatusConnected)).TimeZone)
	upstream.tells(h, "Asia/Tokyo")
	zone, calls := h.home("person-1", linked(health.StatusConnected))
	assert.Equal(t, "Asia/Tokyo", zone)
	assert.Len(t, calls, 1)
}

// Whoever asks at one time shares a call, and nobody shares another person's.
func TestZonesAreReadTogetherAndApart(t *testing.T) {
	h := newHouse(t)
	upstream := h.tellsZones()
	zones := map[string]string{"person-1": "Asia/Tokyo", "person-2": "Europe/Paris"}
	var asked sync.WaitGroup // until both are asked about, nobody is answered
	asked.Add(len(zones))
	upstream.zone = func(_ context.Context, account string) (*health.TimeZone, error) {
		asked.Done()
		asked.Wait()
		zone, err := health.ParseTimeZone(zones[account])
		return &zone, err
	}
	other := h.another(h.config)
	var wait sync.WaitGroup
	people := map[string]*gateway.Person{}
	for user := range zones {
		people[user] = h.person(health.UserID(user)) // as known before anybody asked
	}
	for user, want := range zones {
		for range 20 {
			wait.Go(func() {
				assert.Equal(t, want, h.Gateway.HomeZone(t.Context(), people[user], linked(health.StatusConnected)).TimeZone.String())
			})
		}
	}
	wait.Wait()
	for user, want := range zones {
		assert.Equal(t, want, other.HomeZone(t.Context(), people[user], linked(health.StatusConnected)).TimeZone.String(), "a second process sees it before it asks")
	}
	assert.ElementsMatch(t, []string{"zone person-1", "zone person-2"}, h.lister.made())
}

func TestTheDatabaseFailsAtAZone(t *testing.T) {
	h := newHouse(t)
	h.tellsZones().tells(h, "Asia/Tokyo")
	h.config.Store = amnesiac{h.config.Store}
	h.Gateway = h.another(h.config)
	zone, _ := h.home("person-1", linked(health.StatusConnected))
	assert.Equal(t, "Asia/Tokyo", zone, "the answer stands")
	assert.Contains(t, h.log.String(), "a zone could not be stored")
	assert.NotContains(t, h.log.String(), "Tokyo")
}

// amnesiac can't remember zones.
type amnesiac struct{ gateway.Store }

func (amnesiac) NoteZone(context.Context, gateway.UpstreamID) error { return errors.New("full") }
