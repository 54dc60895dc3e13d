package tokens_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

func TestAGrantIsRenewedFiveMinutesBeforeItExpires(t *testing.T) {
	for lifetime, refreshes := range map[time.Duration]int{time.Hour: 0, 5*time.Minute + time.Second: 0, 5 * time.Minute: 1, time.Second: 1, -time.Hour: 1} {
		v := newVault(t)
		record := v.link("person-1", lifetime)
		status, err := v.read(v.Keeper, record)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		_, made := v.counts()
		assert.Equal(t, refreshes, made, "%s", lifetime)
		assert.Equal(t, refreshes > 0, v.record("person-1").Version > record.Version)
		v.assertSilent()
	}
}

func TestAGrantWithoutAnExpiryIsNotRenewedEarly(t *testing.T) {
	v := newVault(t)
	grant := v.issue(0)
	grant.ExpiresAt = time.Time{}
	require.NoError(t, v.Save(t.Context(), tokens.Linked{User: "person-1", Connector: "up", Grant: grant}))
	status, err := v.read(v.Keeper, v.record("person-1"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	_, refreshes := v.counts()
	assert.Zero(t, refreshes)
}

func TestAnUnexpected401IsAnsweredByOneRenewal(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Hour)
	v.endAccess()
	client := v.ClientFor(record, v.upstream)
	for range 2 {
		status, err := v.get(client)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
	}
	reads, refreshes := v.counts()
	assert.Equal(t, 3, reads)
	assert.Equal(t, 1, refreshes)
	assert.False(t, v.record("person-1").Refused())
}

func TestA401SoonAfterAnEarlyRenewalIsAnsweredByAnother(t *testing.T) {
	v := newVault(t)
	client := v.ClientFor(v.link("person-1", time.Minute), v.upstream)
	_, err := v.get(client)
	require.NoError(t, err)
	v.endAccess()
	status, err := v.get(client)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	_, refreshes := v.counts()
	assert.Equal(t, 2, refreshes)
}

func TestAFreshTokenThatIsRefusedTooIsThePersonsToMend(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Hour)
	v.endAccess()
	v.onRefresh = func() error { return nil }
	deaf := &deafUpstream{v.upstream}
	client := v.ClientFor(record, deaf)
	status, err := v.get(client)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status, "the connector says what it means")
	reads, refreshes := v.counts()
	assert.Equal(t, [2]int{2, 1}, [2]int{reads, refreshes})
	stored := v.record("person-1")
	assert.True(t, stored.Refused())
	assert.NotEmpty(t, stored.Sealed, "the grant is kept")

	for _, c := range []*http.Client{client, v.ClientFor(stored, deaf)} {
		_, err = v.get(c)
		assert.Equal(t, health.ReauthorizationRequired, codeOf(err))
	}
	again, _ := v.counts()
	assert.Equal(t, reads, again, "until they do it costs no call")
	v.assertSilent()
}

// deafUpstream renews, but takes none of what it issues.
type deafUpstream struct{ *upstream }

// Refresh implements connectors.Refresher.
func (d *deafUpstream) Refresh(ctx context.Context, grant connectors.Grant) (connectors.Grant, error) {
	next, err := d.upstream.Refresh(ctx, grant)
	d.endAccess()
	return next, err
}

func TestARefusedRefreshKeepsItsSealedGrant(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.onRefresh = func() error { return errRefused }
	_, err := v.read(v.Keeper, record)
	assert.Equal(t, health.ReauthorizationRequired, codeOf(err))
	stored := v.record("person-1")
	assert.True(t, stored.Refused())
	assert.Equal(t, record.Sealed, stored.Sealed)

	require.NoError(t, v.Save(t.Context(), tokens.Linked{User: "person-1", Connector: "up", Grant: v.issue(time.Hour)}))
	assert.False(t, v.record("person-1").Refused(), "linked again")
	status, err := v.read(v.Keeper, v.record("person-1"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	v.assertSilent()
}

func TestAGrantThatWasRefusedByMistakeRevives(t *testing.T) {
	v := newVault(t)
	v.onRefresh = func() error { return errRefused }
	record := v.link("person-1", time.Minute)
	_, err := v.read(v.Keeper, record)
	require.Error(t, err)
	v.onRefresh = nil
	v.clock.advance(14 * time.Minute)
	_, err = v.read(v.Keeper, v.record("person-1"))
	assert.Equal(t, health.ReauthorizationRequired, codeOf(err), "not tried again before its time")
	v.clock.advance(2 * time.Minute)
	status, err := v.read(v.Keeper, v.record("person-1"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.False(t, v.record("person-1").Refused())
}

func TestATransientFailureChangesNothing(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.onRefresh = func() error { return errDown }
	status, err := v.read(v.Keeper, record)
	require.NoError(t, err, "the token is good for a minute yet: renewing it early can wait")
	assert.Equal(t, http.StatusOK, status)
	v.clock.advance(2 * time.Minute)
	_, err = v.read(v.Keeper, record)
	assert.Equal(t, health.UpstreamUnavailable, codeOf(err))
	assert.Equal(t, time.Minute, health.AsError(err).RetryAfter)
	assertUnchanged(t, record, v.record("person-1"))
	v.onRefresh = nil
	status, err = v.read(v.Keeper, record)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
}

func TestARotatedRefreshTokenIsTheOneUsedNext(t *testing.T) {
	v := newVault(t)
	v.link("person-1", time.Minute)
	v.lifetime = time.Minute
	for range 3 {
		status, err := v.read(v.Keeper, v.record("person-1"))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
	}
	_, refreshes := v.counts()
	assert.Equal(t, 3, refreshes)
}

func TestARenewalOfAnotherAccountIsNotKept(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.clock.advance(2 * time.Minute)
	_, err := v.get(v.ClientFor(record, &strangeUpstream{v.upstream}))
	assert.Equal(t, health.UpstreamInvalid, codeOf(err))
	assertUnchanged(t, record, v.record("person-1"))
}

// strangeUpstream renews somebody else's grant.
type strangeUpstream struct{ *upstream }

// Refresh implements connectors.Refresher.
func (s *strangeUpstream) Refresh(ctx context.Context, grant connectors.Grant) (connectors.Grant, error) {
	next, err := s.upstream.Refresh(ctx, grant)
	next.AccountID = "another"
	return next, err
}

// TestAPanicInARenewalIsItsCallersError ends the test's process where it is more.
func TestAPanicInARenewalIsItsCallersError(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.clock.advance(2 * time.Minute)
	_, err := v.get(v.ClientFor(record, &panickingUpstream{v.upstream}))
	assert.Equal(t, health.Internal, codeOf(err))
	assert.NotContains(t, err.Error(), "canary")
}

// panickingUpstream answers what the connector does not stand.
type panickingUpstream struct{ *upstream }

// Refresh implements connectors.Refresher.
func (*panickingUpstream) Refresh(context.Context, connectors.Grant) (connectors.Grant, error) {
	panic("canary")
}

func TestWhatCannotBeRenewedIsSentOnce(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	v.endAccess()
	status, err := v.get(v.ClientFor(record, nil))
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status, "no refresher")

	v = newVault(t)
	record = v.link("person-1", time.Hour)
	v.endAccess()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.server.URL, strings.NewReader("body"))
	require.NoError(t, err)
	response, err := v.ClientFor(record, v.upstream).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	reads, refreshes := v.counts()
	assert.Equal(t, [2]int{1, 0}, [2]int{reads, refreshes}, "a body is not sent twice")
}

func TestANewGrantSignsBeforeItIsStored(t *testing.T) {
	v := newVault(t)
	status, err := v.get(v.Client(v.issue(time.Hour)))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	records, err := v.Grants(t.Context(), []health.UserID{"person-1"})
	require.NoError(t, err)
	assert.Equal(t, []tokens.Record{}, records)
}

func TestAnAccessTokenThatIsTakenAfterAllRevivesItsGrant(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Hour)
	v.endAccess()
	_, err := v.get(v.ClientFor(record, &deafUpstream{v.upstream}))
	require.NoError(t, err)
	require.True(t, v.record("person-1").Refused())
	v.mu.Lock()
	v.access[canary+"-access-ii"] = true // the one that was got last
	v.mu.Unlock()
	v.clock.advance(16 * time.Minute)
	status, err := v.read(v.Keeper, v.record("person-1"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.False(t, v.record("person-1").Refused())
	_, refreshes := v.counts()
	assert.Equal(t, 1, refreshes, "only the first time")
}

// A token endpoint that hangs costs a caller whose token is good a moment, once, and not the answer.
func TestATokenThatIsStillGoodIsUsedWhileItsRenewalHangs(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", 4*time.Minute)
	hanging := make(chan struct{})
	v.onRefresh = func() error {
		<-hanging
		return nil
	}
	client := v.ClientFor(record, v.upstream)
	for range 3 {
		status, err := v.get(client)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
	}
	_, refreshes := v.counts()
	assert.Equal(t, 1, refreshes)

	waited := make(chan struct{})
	go func() {
		v.Wait()
		close(waited)
	}()
	select {
	case <-waited:
		t.Error("the renewal is under way: what it gives has to be stored")
	case <-time.After(50 * time.Millisecond):
	}
	close(hanging)
	<-waited
	assert.WithinDuration(t, v.clock.Now().Add(time.Hour), v.record("person-1").ExpiresAt, time.Minute, "it was stored before the end")
}
