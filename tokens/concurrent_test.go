package tokens_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

func TestFiftyReadersShareOneRenewal(t *testing.T) {
	for name, begin := range map[string]func(v *vault) time.Duration{
		"of an expiring grant": func(*vault) time.Duration { return time.Minute },
		"after a 401":          func(*vault) time.Duration { return time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			record := v.link("person-1", begin(v))
			v.endAccess()
			shared := v.ClientFor(record, v.upstream)
			var all sync.WaitGroup
			for i := range 50 {
				client := shared
				if i%2 == 0 {
					client = v.ClientFor(record, v.upstream) // another operation
				}
				all.Go(func() {
					status, err := v.get(client)
					assert.NoError(t, err)
					assert.Equal(t, http.StatusOK, status)
				})
			}
			all.Wait()
			_, refreshes := v.counts()
			assert.Equal(t, 1, refreshes)
			assert.False(t, v.record("person-1").Refused())
			v.assertSilent()
		})
	}
}

func TestPeopleAreRenewedEachForThemselves(t *testing.T) {
	v := newVault(t)
	first, second := v.link("person-1", time.Minute), v.link("person-2", time.Minute)
	var all sync.WaitGroup
	for _, record := range []struct{ client *http.Client }{{v.ClientFor(first, v.upstream)}, {v.ClientFor(second, v.upstream)}} {
		all.Go(func() {
			status, err := v.get(record.client)
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
		})
	}
	all.Wait()
	_, refreshes := v.counts()
	assert.Equal(t, 2, refreshes)
}

func TestARenewalDoesNotOverwriteANewLink(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	relinked := v.issue(2 * time.Hour)
	v.onRefresh = func() error {
		return v.Save(t.Context(), tokens.Linked{User: "person-1", Connector: "up", Grant: relinked})
	}
	status, err := v.read(v.Keeper, record)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status, "what was under way ends well")
	assert.WithinDuration(t, relinked.ExpiresAt, v.record("person-1").ExpiresAt, time.Microsecond)
	v.onRefresh = nil
	v.mu.Lock()
	v.access = map[string]bool{relinked.AccessToken.Reveal(): true}
	v.mu.Unlock()
	status, err = v.read(v.Keeper, v.record("person-1"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status, "with the new link's token")
}

func TestARefusalOfTheOldGrantDoesNotTouchANewLink(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.onRefresh = func() error {
		assert.NoError(t, v.Save(t.Context(), tokens.Linked{User: "person-1", Connector: "up", Grant: v.issue(time.Hour)}))
		return errRefused
	}
	status, err := v.read(v.Keeper, record)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.False(t, v.record("person-1").Refused())
}

func TestARenewalDoesNotBringBackALinkThatWasEnded(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.onRefresh = func() error {
		_, err := v.Forget(t.Context(), "person-1", "up", health.AccessEvent{})
		return err
	}
	_, err := v.read(v.Keeper, record)
	assert.Equal(t, health.NotConnected, codeOf(err))
	records, err := v.Grants(t.Context(), []health.UserID{"person-1"})
	require.NoError(t, err)
	assert.Empty(t, records)
}

func TestARenewalKeepsTheProfileThatWasReadMeanwhile(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	tokyo, err := health.ParseTimeZone("Asia/Tokyo")
	require.NoError(t, err)
	v.onRefresh = func() error {
		_, err := v.SaveProfile(t.Context(), record, connectors.Profile{TimeZone: &tokyo, Scopes: []string{"steps"}})
		return err
	}
	_, err = v.read(v.Keeper, record)
	require.NoError(t, err)
	stored := v.record("person-1")
	assert.Equal(t, "Asia/Tokyo", stored.TimeZone)
	assert.Equal(t, []string{"steps"}, stored.Scopes)
	assert.True(t, stored.ExpiresAt.After(record.ExpiresAt.Add(30*time.Minute)), "renewed as well")
}

func TestOfTwoProcessesThatRenewAtOnceNeitherLosesTheLink(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	other := v.another(v.keyset)
	first := true
	v.onRefresh = func() error {
		v.mu.Lock()
		mine := first
		first = false
		v.mu.Unlock()
		if mine { // the upstream is so slow that the other process takes the lease over, and stores what it got
			v.clock.advance(13 * time.Second)
			status, err := v.read(other, record)
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
			return errRefused
		}
		return nil
	}
	status, err := v.get(v.ClientFor(record, &late{upstream: v.upstream}))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.False(t, v.record("person-1").Refused(), "the refused refresh token was not the present one")
}

// late is an upstream that another process asks first: what it says is up to onRefresh.
type late struct{ *upstream }

// Refresh implements connectors.Refresher.
func (l *late) Refresh(context.Context, connectors.Grant) (connectors.Grant, error) {
	return connectors.Grant{}, l.onRefresh()
}

func TestARenewalOutlivesTheCallerWhoBeganIt(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	begun, finish := make(chan struct{}), make(chan struct{})
	v.onRefresh = func() error {
		close(begun)
		<-finish
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL, nil)
		assert.NoError(t, err)
		response, err := v.ClientFor(record, v.upstream).Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		left <- err
	}()
	<-begun
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	waiting := make(chan int)
	go func() {
		status, err := v.read(v.Keeper, record)
		assert.NoError(t, err)
		waiting <- status
	}()
	close(finish)
	assert.Equal(t, http.StatusOK, <-waiting)
	_, refreshes := v.counts()
	assert.Equal(t, 1, refreshes, "which is not thrown away: a refresh token may be good for one use")
}
