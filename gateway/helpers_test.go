package gateway_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/cache"
	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

const returnURL = "https://app.example/back"

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is a gateway on a real database, with one upstream of each kind.
type house struct {
	*gateway.Gateway
	t       *testing.T
	lister  *lister
	granter *granter
	clock   *clock
	store   *store.Store
	tokens  *tokens.Keeper
	log     *logtest.Log
	keeper  tokens.KeeperConfig
	config  gateway.Config
	cache   *cache.Cache // which remembers nothing, and lets reads be shared

	mu         sync.Mutex
	statements []string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseAt(t, storetest.SQLite(t))
}

func newHouseAt(t *testing.T, url string) *house {
	t.Helper()
	h := &house{t: t, lister: newLister(), granter: newGranter(), clock: &clock{now: time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)}, log: &logtest.Log{}}
	h.store = storetest.Open(t, store.Config{URL: url, OnQuery: func(statement string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.statements = append(h.statements, statement)
	}})
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	var keyset bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&keyset))
	sealer, err := tokens.NewSealer(keyset.Bytes())
	require.NoError(t, err)
	h.keeper = tokens.KeeperConfig{Store: h.store, Sealer: sealer, Now: h.clock.Now, Log: log}
	h.tokens = tokens.NewKeeper(h.keeper)
	registry, err := connectors.NewRegistry(h.lister, h.granter)
	require.NoError(t, err)
	h.cache = cache.New(cache.Config{Now: h.clock.Now})
	h.cache.Before(registry)
	h.config = gateway.Config{
		Registry: registry, Store: h.store, Tokens: h.tokens, ReturnURLs: []string{returnURL, "https://app.example/other"},
		DefaultReturnURLs: map[string]string{"granter": returnURL}, Now: h.clock.Now, Log: log,
	}
	h.Gateway = h.another(h.config)
	return h
}

// another is a second process on the same database.
func (h *house) another(config gateway.Config) *gateway.Gateway {
	h.t.Helper()
	g, err := gateway.New(h.t.Context(), config)
	require.NoError(h.t, err)
	return g
}

// shareAccounts lets several people link the same account.
func (h *house) shareAccounts() {
	h.t.Helper()
	h.keeper.ShareAccounts = true
	h.config.Tokens = tokens.NewKeeper(h.keeper)
	h.Gateway = h.another(h.config)
}

func (h *house) person(user health.UserID) *gateway.Person {
	h.t.Helper()
	people, err := h.People(h.t.Context(), []health.UserID{user})
	require.NoError(h.t, err)
	return people[0]
}

// HomeZone is the person's zone where no links are read beside it.
func (h *house) HomeZone(ctx context.Context, p *gateway.Person) gateway.Zone {
	return h.Gateway.HomeZone(ctx, p, nil)
}

// links are one person's links at one connector, by source.
func (h *house) links(user health.UserID, connector string) map[health.DataSourceID]health.DataSourceLink {
	h.t.Helper()
	byID := map[health.DataSourceID]health.DataSourceLink{}
	for _, link := range h.Links(h.t.Context(), connector, []*gateway.Person{h.person(user)})[0] {
		byID[link.DataSource.ID] = link
	}
	return byID
}

// stored is everything that is remembered of a person.
func (h *house) stored(user health.UserID) (records []gateway.LinkRecord, grants []tokens.Record) {
	h.t.Helper()
	records, err := h.store.Links(h.t.Context(), []health.UserID{user})
	require.NoError(h.t, err)
	grants, err = h.store.Grants(h.t.Context(), []health.UserID{user})
	require.NoError(h.t, err)
	return records, grants
}

// grant links the person to the granter.
func (h *house) grant(user health.UserID, profile *connectors.Profile) {
	h.t.Helper()
	require.NoError(h.t, h.tokens.Save(h.t.Context(), tokens.Linked{User: user, Connector: "granter", Actor: byPerson, Profile: profile, Grant: connectors.Grant{
		AccountID: "account-of-" + string(user), AccessToken: health.NewSecret("access-canary"),
		RefreshToken: health.NewSecret("refresh-canary"), ExpiresAt: h.clock.Now().Add(24 * time.Hour),
	}}))
}

// statementsOf counts the statements of f, by their first word.
func (h *house) statementsOf(f func()) map[string]int {
	h.mu.Lock()
	h.statements = nil
	h.mu.Unlock()
	f()
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := map[string]int{}
	for _, statement := range h.statements {
		counts[statement]++
	}
	return counts
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now moves on with every look, as clocks do.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
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

// byPerson is who does most things in these tests.
var byPerson = health.Actor{Kind: health.ActorPerson}

func pointer[T any](v T) *T { return &v }
