package tokens_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// canary stands in every token: wherever it is read, a token has leaked.
const canary = "canary"

// vault is a keeper on a real SQLite file, and an upstream that takes some tokens.
type vault struct {
	*tokens.Keeper
	t      *testing.T
	store  *store.Store
	keyset []byte
	clock  *clock
	log    *logtest.Log
	*upstream
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{t: t, clock: &clock{now: time.Date(2026, 3, 29, 12, 0, 0, 123, time.UTC)}, log: &logtest.Log{}}
	v.store = storetest.Open(t, store.Config{URL: storetest.SQLite(t)})
	v.keyset = newKeyset(t)
	v.Keeper = v.another(v.keyset)
	v.upstream = newUpstream(t, v.clock)
	return v
}

func newKeyset(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&b))
	return b.Bytes()
}

// another is a second process on the same database. The upstream has one account, which everybody shares.
func (v *vault) another(keyset []byte) *tokens.Keeper {
	v.t.Helper()
	sealer, err := tokens.NewSealer(keyset)
	require.NoError(v.t, err)
	return tokens.NewKeeper(tokens.KeeperConfig{Store: v.store, Sealer: sealer, ShareAccounts: true, Now: v.clock.Now, Log: slog.New(slog.NewJSONHandler(v.log, nil))})
}

// link stores a grant that lasts for so long, and gives its record.
func (v *vault) link(user health.UserID, lifetime time.Duration) tokens.Record {
	v.t.Helper()
	require.NoError(v.t, v.Save(v.t.Context(), tokens.Linked{User: user, Connector: "up", Grant: v.issue(lifetime)}))
	return v.record(user)
}

func (v *vault) record(user health.UserID) tokens.Record {
	v.t.Helper()
	records, err := v.Grants(v.t.Context(), []health.UserID{user})
	require.NoError(v.t, err)
	require.Len(v.t, records, 1)
	return records[0]
}

// read asks the upstream for data with the record, and gives the status.
func (v *vault) read(keeper *tokens.Keeper, record tokens.Record) (int, error) {
	return v.get(keeper.ClientFor(record, v.upstream))
}

func (v *vault) get(client *http.Client) (int, error) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.server.URL, nil)
	assert.NoError(v.t, err)
	response, err := client.Do(request)
	if err != nil {
		assert.NotContains(v.t, err.Error(), canary)
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	assert.NoError(v.t, response.Body.Close())
	return response.StatusCode, nil
}

// assertSilent says that no token was logged.
func (v *vault) assertSilent() {
	v.t.Helper()
	assert.NotContains(v.t, v.log.String(), canary)
}

// upstream takes the access tokens that it issued and did not end, and each refresh token once.
type upstream struct {
	server *httptest.Server
	clock  *clock

	mu        sync.Mutex
	access    map[string]bool
	refresh   map[string]bool
	lifetime  time.Duration
	issued    int
	reads     int
	refreshes int
	onRefresh func() error
}

func newUpstream(t *testing.T, clock *clock) *upstream {
	t.Helper()
	u := &upstream{clock: clock, access: map[string]bool{}, refresh: map[string]bool{}, lifetime: time.Hour}
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.reads++
		if !u.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(u.server.Close)
	return u
}

func (u *upstream) issue(lifetime time.Duration) connectors.Grant {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.issued++
	serial := strings.Repeat("i", u.issued)
	access, refresh := canary+"-access-"+serial, canary+"-refresh-"+serial
	u.access[access], u.refresh[refresh] = true, true
	return connectors.Grant{AccountID: "account", AccessToken: health.NewSecret(access), RefreshToken: health.NewSecret(refresh), ExpiresAt: u.clock.Now().Add(lifetime)}
}

// endAccess makes all access tokens useless.
func (u *upstream) endAccess() {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.access)
}

func (u *upstream) counts() (reads, refreshes int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.reads, u.refreshes
}

var (
	errRefused = &health.Error{Code: health.ReauthorizationRequired, Message: "no longer accepted"}
	errDown    = &health.Error{Code: health.UpstreamUnavailable, Message: "not available", RetryAfter: time.Minute}
)

// Describe implements connectors.Connector.
func (u *upstream) Describe() connectors.Description { return connectors.Description{ID: "up"} }

// Refresh implements connectors.Refresher.
func (u *upstream) Refresh(_ context.Context, grant connectors.Grant) (connectors.Grant, error) {
	u.mu.Lock()
	u.refreshes++
	good := u.refresh[grant.RefreshToken.Reveal()]
	delete(u.refresh, grant.RefreshToken.Reveal())
	hook := u.onRefresh
	u.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			u.mu.Lock()
			u.refresh[grant.RefreshToken.Reveal()] = good // it did not come that far
			u.mu.Unlock()
			return connectors.Grant{}, err
		}
	}
	if !good {
		return connectors.Grant{}, errRefused
	}
	return u.issue(u.lifetime), nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now moves on with every look, as clocks do, and is more precise than any database.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(1001 * time.Nanosecond)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func codeOf(err error) health.Code {
	if err == nil {
		return ""
	}
	return health.AsError(err).Code
}

// assertUnchanged compares all but the count of writes: taking and giving back the lease are two.
func assertUnchanged(t *testing.T, before, after tokens.Record) {
	t.Helper()
	after.Version = before.Version
	assert.Equal(t, before, after)
}
