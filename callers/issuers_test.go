package callers_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

const (
	taken   = health.Code("")
	refused = health.Unauthenticated
	waiting = callers.CodeIssuerUnavailable
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestANewKeyIsFoundWhenATokenNamesIt(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	s := newSite(t, nil, p)
	assert.Equal(t, taken, s.code(p.token("rsa", "k1", nil)))
	assert.Equal(t, refused, s.code(p.token("p256", "k2", nil)))
	assert.Equal(t, 1, p.called(keysPath), "two tokens within the gap")

	p.shows([3]string{"rsa", "k1", ""}, [3]string{"p256", "k2", ""})
	assert.Equal(t, refused, s.code(p.token("p256", "k2", nil)), "not yet looked for")
	assert.Zero(t, p.called(keysPath))
	s.clock.move(10 * time.Second)
	assert.Equal(t, taken, s.code(p.token("p256", "k2", nil)))
	assert.Equal(t, taken, s.code(p.token("rsa", "k1", nil)), "the one before stays")
	assert.Equal(t, 1, p.called(keysPath))
}

func TestManyTokensWithAnUnknownKeyCostOneFetch(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	s := newSite(t, nil, p)
	tokens := []string{p.token("rsa", "k1", nil), p.token("p256", "k2", nil), p.token("rsa", "k9", nil)}
	for round, want := range []struct {
		shown        [][3]string
		move         time.Duration
		taken, calls int
	}{
		{[][3]string{{"rsa", "k1", ""}}, 0, 1, 1},
		{[][3]string{{"rsa", "k1", ""}, {"p256", "k2", ""}}, time.Second, 1, 0},
		{[][3]string{{"rsa", "k1", ""}, {"p256", "k2", ""}}, 10 * time.Second, 2, 1},
		{[][3]string{{"rsa", "k1", ""}, {"p256", "k2", ""}}, time.Hour, 2, 1},
	} {
		p.shows(want.shown...)
		s.clock.move(want.move)
		exp := s.clock.now().Add(time.Hour).Unix()
		if round == 3 { // a later time needs later tokens
			tokens = []string{p.token("rsa", "k1", claims{"exp": exp}), p.token("p256", "k2", claims{"exp": exp}), p.token("rsa", "k9", claims{"exp": exp})}
		}
		var good atomic.Int64
		var wait sync.WaitGroup
		start := make(chan struct{})
		for i := range 201 {
			wait.Go(func() {
				<-start
				_, err := s.Verify(t.Context(), "Bearer "+tokens[i%3])
				if err == nil {
					good.Add(1)
				} else {
					assert.Equal(t, refused, health.AsError(err).Code)
				}
			})
		}
		close(start)
		wait.Wait()
		assert.EqualValues(t, 67*want.taken, good.Load(), "round %d", round)
		assert.Equal(t, want.calls, p.called(keysPath), "round %d", round)
		assert.Equal(t, want.calls, p.called(discoveryPath), "round %d", round)
	}
}

func TestAKeyThatTheIssuerRemovedStopsWorking(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""}, [3]string{"p256", "k2", ""})
	s := newSite(t, nil, p)
	s.Refresh(t.Context())
	p.shows([3]string{"p256", "k2", ""})
	s.clock.move(10*time.Minute - time.Second)
	s.Refresh(t.Context())
	assert.Equal(t, 1, p.called(keysPath), "not yet time")
	assert.Equal(t, taken, s.code(p.token("rsa", "k1", nil)))
	s.clock.move(time.Second)
	s.Refresh(t.Context())
	assert.Equal(t, refused, s.code(p.token("rsa", "k1", nil)))
	assert.Equal(t, refused, s.code(p.token("rsa", "", nil)))
	assert.Equal(t, taken, s.code(p.token("p256", "k2", nil)))
	assert.Equal(t, 1, p.called(keysPath))

	p.shows() // all of them
	s.clock.move(10 * time.Minute)
	s.Refresh(t.Context())
	assert.Equal(t, refused, s.code(p.token("p256", "k2", nil)), "an issuer that shows none has none")
}

func TestAnOutageOfTheIssuerIsOutlivedForADay(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	s := newSite(t, nil, p)
	week := claims{"exp": now.Add(7 * 24 * time.Hour).Unix()}
	token, other := p.token("rsa", "k1", week), p.token("p256", "k2", week)
	assert.Equal(t, taken, s.code(token))
	p.answers(status(http.StatusInternalServerError), nil)
	for passed := time.Duration(0); passed < 24*time.Hour-30*time.Minute; passed += 30 * time.Minute {
		s.clock.move(30 * time.Minute)
		s.Refresh(t.Context())
		require.Equal(t, taken, s.code(token), "%s", passed)
		require.Equal(t, waiting, s.code(other), "nobody knows whether it is one of the issuer's")
	}
	s.clock.move(30 * time.Minute)
	assert.Equal(t, waiting, s.code(token), "too old to be relied on")
	assert.Contains(t, s.log.String(), `"level":"WARN","msg":"the keys of an issuer can't be read: those read before stay in use","issuer":1,"cause":"its discovery document was answered with HTTP status 500"`)
	assert.Contains(t, s.log.String(), `"level":"ERROR","msg":"the keys of an issuer can't be read: its tokens are answered with ISSUER_UNAVAILABLE"`)

	p.answers(nil, nil)
	assert.Equal(t, waiting, s.code(token), "it was asked a moment ago")
	s.clock.move(10 * time.Second)
	assert.Equal(t, taken, s.code(token))
	assert.Equal(t, refused, s.code(other))
	assert.Contains(t, s.log.String(), `"msg":"the keys of an issuer were read","issuer":1,"keys":1`)
	assert.NotContains(t, s.log.String(), p.url)
}

func TestAnIssuerThatIsDownIsTriedAgainWithoutBeingAskedFor(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	s := newSite(t, nil, p)
	p.answers(status(http.StatusServiceUnavailable), nil)
	for range 4 {
		s.Refresh(t.Context())
	}
	assert.Equal(t, 1, p.called(discoveryPath), "at once, and not again before ten seconds")
	s.clock.move(10 * time.Second)
	p.answers(nil, nil)
	s.Refresh(t.Context())
	assert.Equal(t, 1, p.called(keysPath))
	assert.Equal(t, taken, s.code(p.token("rsa", "k1", nil)))
	assert.Zero(t, p.called(keysPath), "it is known already")
}

func TestAFailureIsToldOnceAMinute(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	s := newSite(t, nil, p)
	p.answers(nil, status(http.StatusServiceUnavailable))
	for range 12 { // two minutes
		assert.Equal(t, waiting, s.code(p.token("rsa", "k1", nil)))
		s.clock.move(10 * time.Second)
	}
	assert.Equal(t, 12, p.called(keysPath))
	assert.Equal(t, 2, strings.Count(s.log.String(), "\n"), s.log.String())
}

func TestWatchingReadsTheKeysAtOnceAndEnds(t *testing.T) {
	p, silent := newProvider(t, [3]string{"rsa", "k1", ""}), newProvider(t)
	release := make(chan struct{})
	silent.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, nil)
	s := newSite(t, nil, p, silent)
	ctx, cancel := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() { s.Watch(ctx) })
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"keys":1`) }, 10*time.Second, time.Millisecond)
	assert.Equal(t, taken, s.code(p.token("rsa", "k1", nil)), "one issuer does not wait for another")
	cancel()
	watch.Wait()
	close(release)
	newSite(t, func(c *callers.Config) { c.Secret = health.NewSecret(sharedSecret) }).Watch(t.Context())
}

func TestARequestThatHasNoMoreTimeDoesNotWaitForTheIssuer(t *testing.T) {
	p := newProvider(t, [3]string{"rsa", "k1", ""})
	release := make(chan struct{})
	p.answers(nil, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write(p.jwks)
	})
	s := newSite(t, nil, p)
	token := p.token("rsa", "k1", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Verify(ctx, "Bearer "+token)
	assert.Equal(t, waiting, health.AsError(err).Code)
	close(release) // the attempt goes on for the others
	assert.Equal(t, taken, s.code(token))
	assert.Equal(t, 1, p.called(keysPath))
}
