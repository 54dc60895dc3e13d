package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"healthgraph/cache"
	"healthgraph/callers"
	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/resolvers"
	"healthgraph/server"
	"healthgraph/server/limits"
	"healthgraph/store"
	"healthgraph/tokens"
	"healthgraph/web"
)

// options are what the settings do not say: what the demo and tests wire differently.
type options struct {
	keyset      []byte     // in clear, in place of the keyset file
	kms         kmsClients // under which the keyset file may be wrapped
	allowOrigin func(origin string) bool
	playground  *web.PlaygroundConfig
	returnPage  *web.ReturnConfig
	now         func() time.Time
	onQuery     func(statement string)
	more        []connectors.Connector // beside the two

	redisURL     string        // where upstreams' answers are shared
	redisTimeout time.Duration // for them; 0 = the cache's own
}

// core is the gateway put together, without anybody to ask it.
type core struct {
	gateway *gateway.Gateway
	store   *store.Store
	answers *cache.Cache
	keyset  *watchedFile // nil where the keyset is no file
}

// app is the whole program.
type app struct {
	*core

	handler  http.Handler
	jwks     *watchedFile // nil where none is configured
	verifier *callers.Verifier
	trusted  *watchedFile       // nil where there is no manifest of trusted documents
	edge     *server.RateLimits // nil where nothing is limited
	streams  *server.Streams

	certificate *watchedFile // set by serve; nil where it speaks plain HTTP
}

// newApp wires everything by hand, from the bottom up.
func newApp(ctx context.Context, s settings, o options, log *slog.Logger) (*app, error) {
	if o.now == nil {
		o.now = time.Now
	}
	documents, trusted, err := s.newDocuments(log)
	if err != nil {
		return nil, err
	}
	o.redisURL = s.RedisURL
	c, err := newCore(ctx, s.gatewaySettings, s.ReturnURLs, o, log)
	if err != nil {
		return nil, err
	}
	verifier, jwks, err := newVerifier(s, o, c.store, log)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	edge, err := s.rateLimits(ctx, c.store, log)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	streams := server.NewStreams(s.streamLimits())
	crowds := connectors.NewCrowds(s.admission().PerUpstream())
	handler := server.New(server.Config{
		Resolver:      &resolvers.Resolver{Gateway: c.gateway, Log: log, Timeout: s.OperationTimeout, Operation: crowds.Operation},
		Verifier:      verifier,
		Introspection: s.Playground,
		Documents:     documents,
		Limits:        limits.New(s.limits(log), documents),
		AllowOrigin:   o.allowOrigin,
		Playground:    o.playground,
		ReturnPage:    o.returnPage,
		Streams:       streams,
		Admission:     s.admission(),
		Now:           o.now,
		Log:           log,

		TrustedProxies: s.proxies(),
		HSTS:           s.HSTSMaxAge,
		RateLimits:     edge,
	})
	return &app{core: c, handler: handler, jwks: jwks, verifier: verifier, trusted: trusted, edge: edge, streams: streams}, nil
}

func newCore(ctx context.Context, s gatewaySettings, returnURLs []string, o options, log *slog.Logger) (*core, error) {
	if o.now == nil {
		o.now = time.Now
	}
	sealer, file, err := newSealer(s, o, log)
	if err != nil {
		return nil, err
	}
	var changes *gateway.Changes
	tell := func(user health.UserID, connector string) {
		changes.Tell(gateway.Change{User: user, Connector: connector})
	}
	db, err := store.Open(ctx, store.Config{URL: s.DatabaseURL, MaxConns: s.DatabaseMaxConns, OnQuery: o.onQuery, OnOusted: tell})
	if err != nil {
		return nil, err
	}
	registry, err := newRegistry(s, o, db, log)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	answers, err := s.newCache(ctx, o, db, sealer, log)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	answers.Before(registry)
	changes = gateway.NewChanges(registry)
	keeper := tokens.NewKeeper(tokens.KeeperConfig{
		Store: db, Sealer: sealer, Now: o.now, Log: log, CallTimeout: s.UpstreamTimeout, ShareAccounts: s.ShareAccounts, OnChange: tell,
	})
	config := gateway.Config{
		Registry: registry, Store: db, Tokens: keeper, Changes: changes, StaleAfter: s.StaleAfter, Now: o.now, Log: log,
		GrantsFreshFor: s.grantsFreshFor(), Forget: answers.Forget,
	}
	if keep, err := s.keepDays(); err != nil {
		return nil, errors.Join(err, db.Close())
	} else if keep > 0 {
		config.Days = sealer
	}
	gw, err := newGateway(ctx, s, returnURLs, config)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &core{gw, db, answers, file}, nil
}

// newRegistry is the explicit list of connectors: a new one is one more append.
func newRegistry(s gatewaySettings, o options, budgets connectors.BudgetStore, log *slog.Logger) (*connectors.Registry, error) {
	client := s.client(o.now, log)
	var all []connectors.Connector
	if s.hasRook() {
		c, err := s.rook(client)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	} else {
		log.Warn("ROOK has no credentials and is left out")
	}
	if s.hasOneTwentyOne() {
		c, err := s.oneTwentyOne(client, budgets)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	} else {
		log.Warn("OneTwentyOne has no credentials and is left out")
	}
	return connectors.NewRegistry(append(all, o.more...)...)
}

func newSealer(s gatewaySettings, o options, log *slog.Logger) (*tokens.Sealer, *watchedFile, error) {
	if o.keyset != nil {
		sealer, err := tokens.NewSealer(o.keyset)
		return sealer, nil, err
	}
	wrapping, err := s.wrapping(o.kms)
	if err != nil {
		return nil, nil, err
	}
	keyset, err := readFile(s.KeysetFile)
	if err != nil {
		return nil, nil, fmt.Errorf("HEALTHGRAPH_KEYSET_FILE: %w", err)
	}
	sealer, err := wrapping.NewSealer(keyset)
	if err != nil {
		return nil, nil, fmt.Errorf("HEALTHGRAPH_KEYSET_FILE: %w", err)
	}
	return sealer, newWatchedFile("keyset", "keys", s.KeysetFile, keyset, sealer.Replace, log), nil
}

// newGateway adds the return URLs to a configuration.
func newGateway(ctx context.Context, s gatewaySettings, returnURLs []string, config gateway.Config) (*gateway.Gateway, error) {
	config.ReturnURLs, config.DefaultReturnURLs = returnURLs, map[string]string{}
	if s.hasOneTwentyOne() && s.OneTwentyOneRedirectURI != "" {
		config.DefaultReturnURLs["onetwentyone"] = s.OneTwentyOneRedirectURI
		if !slices.Contains(returnURLs, s.OneTwentyOneRedirectURI) { // what is the default may be named as well
			config.ReturnURLs = append(slices.Clone(returnURLs), s.OneTwentyOneRedirectURI)
		}
	}
	return gateway.New(ctx, config)
}

// close waits for renewals under way, which have to be stored.
func (c *core) close() error {
	c.gateway.Tokens.Wait()
	return errors.Join(c.answers.Close(), c.store.Close())
}

// close ends what is still open before the store is closed under it.
func (a *app) close() error {
	a.streams.Shutdown()
	err := a.streams.Wait()
	if a.edge != nil {
		err = errors.Join(err, a.edge.Limiter.Close())
	}
	return errors.Join(err, a.core.close())
}
