package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/simulators/rook"
	"healthgraph/tokens"
	"healthgraph/web"
)

// demoPerson is who is signed in, at the gateway and at both simulated upstreams.
const demoPerson = "demo"

const (
	demoClientID     = "demo-client"
	demoClientSecret = "demo-client-secret" //nolint:gosec // of the simulator in this very process
	demoLifetime     = 24 * time.Hour
)

type demoCommand struct {
	Listen      string `env:"HEALTHGRAPH_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on, host:port."`
	JSON        bool   `help:"Print one line of JSON once ready, for programs."`
	AppleHealth string `type:"existingfile" help:"Serve the steps of a real Apple Health export (export.zip or export.xml) through the simulated OneTwentyOne."`
}

// Help is shown by healthgraph demo --help.
func (demoCommand) Help() string {
	return "Needs no account, container or database server. Nothing is kept: the database is gone when it stops."
}

// demo is what has been started, as --json tells it.
type demo struct {
	GraphQL      string     `json:"graphql"`
	Playground   string     `json:"playground"`
	Rook         string     `json:"rook"`
	OneTwentyOne string     `json:"onetwentyone"`
	Tokens       demoTokens `json:"tokens"`
}

type demoTokens struct {
	Demo    string `json:"demo"`
	Service string `json:"service"`
}

// Run serves until ctx ends.
func (c *demoCommand) Run(ctx context.Context, out console) (err error) {
	directory, err := os.MkdirTemp("", "healthgraph-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()

	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	base := "http://" + reachable(listener.Addr().String())
	simulated, err := startSimulators(ctx, out, base+"/demo/return", c.AppleHealth)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	servers, ctx := errgroup.WithContext(ctx)
	for _, s := range simulated.servers {
		servers.Go(func() error { return serveUntil(ctx, s.listener, bounded(s.handler, time.Minute, 0)) })
	}
	a, shown, err := c.start(ctx, out, filepath.Join(directory, "healthgraph.db"), base, simulated)
	if err != nil {
		stop()
		return errors.Join(err, servers.Wait(), listener.Close())
	}
	servers.Go(func() error { return serveUntil(ctx, listener, bounded(a.handler, time.Minute, 0), a.streams.Shutdown) })
	if err := linkDemoPerson(ctx, *shown); err != nil {
		stop()
		return errors.Join(fmt.Errorf("link the demo person: %w", err), servers.Wait(), a.close())
	}
	c.show(out, *shown, simulated.query)
	return errors.Join(servers.Wait(), a.close())
}

// reachable is the address as a browser on this machine writes it: one that listens everywhere has no host of its own.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// start puts the gateway together with throw-away secrets.
func (c *demoCommand) start(ctx context.Context, out console, database, base string, simulated *simulated) (*app, *demo, error) {
	var keyset bytes.Buffer
	if err := tokens.WriteKeyset(&keyset); err != nil {
		return nil, nil, err
	}
	secret := rand.Text() + rand.Text()
	shown := demo{GraphQL: base + "/graphql", Playground: base + "/playground", Rook: simulated.rook, OneTwentyOne: simulated.oneTwentyOne}
	var err error
	if shown.Tokens.Demo, err = callers.Issue(health.NewSecret(secret), demoPerson, nil, time.Now(), demoLifetime); err != nil {
		return nil, nil, err
	}
	if shown.Tokens.Service, err = callers.Issue(health.NewSecret(secret), "demo-service", []string{callers.ScopeAnyUser}, time.Now(), demoLifetime); err != nil {
		return nil, nil, err
	}
	s := settings{
		gatewaySettings: gatewaySettings{
			databaseSettings: databaseSettings{DatabaseURL: "sqlite:" + database},
			RookBaseURL:      simulated.rook, RookClientUUID: rook.DummyClientUUID, RookSecretKey: rook.DummySecret,
			OneTwentyOneBaseURL: simulated.oneTwentyOne, OneTwentyOneClientID: demoClientID, OneTwentyOneClientSecret: demoClientSecret,
			OneTwentyOneRedirectURI: base + "/demo/return", OneTwentyOneEncoding: "json",
			upstreamSettings: upstreamSettings{
				UpstreamTimeout: 8 * time.Second, UpstreamRetries: 2, UpstreamBreakAfter: 10, UpstreamBreakFor: 5 * time.Second,
			},
			StaleAfter: 72 * time.Hour,
		},
		JWTSecret:        secret,
		Playground:       true,
		OperationTimeout: 20 * time.Second,
	}
	a, err := newApp(ctx, s, options{
		keyset:      keyset.Bytes(),
		allowOrigin: isLoopback,
		playground:  &web.PlaygroundConfig{Endpoint: "/graphql", Token: shown.Tokens.Demo, Query: simulated.query},
		returnPage:  &web.ReturnConfig{Endpoint: "/graphql", Token: shown.Tokens.Demo},
	}, slog.New(slog.NewTextHandler(out.log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	return a, &shown, err
}

// isLoopback lets pages call that a developer serves from their own machine.
func isLoopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

func (c *demoCommand) show(out console, shown demo, query string) {
	if c.JSON {
		line, _ := json.Marshal(shown) // strings always encode
		out.print("%s\n", line)
		return
	}
	body, _ := json.Marshal(map[string]string{"query": query}) // strings always encode
	out.print(`healthgraph is ready. Both upstreams are simulated, and nothing is kept when it stops (Ctrl-C).

  GraphQL endpoint       %s
  Playground             %s
  simulated ROOK         %s
  simulated OneTwentyOne %s

The demo person's token:

  %s

A query to paste into the Playground:

%s
The same from a shell:

  curl %s -H 'Content-Type: application/json' \
    -H 'Authorization: Bearer %s' \
    -d '%s'

`, shown.GraphQL, shown.Playground, shown.Rook, shown.OneTwentyOne, shown.Tokens.Demo, query, shown.GraphQL, shown.Tokens.Demo, body)
	if !web.PlaygroundBuilt() {
		out.progress("The Playground was not built into this program: run make build first (it needs Node).")
	}
}

// simulated is the upstreams of the demo.
type simulated struct {
	rook, oneTwentyOne string // base URLs
	query              string // to try first
	servers            []simulatedServer
}

type simulatedServer struct {
	listener net.Listener
	handler  http.Handler
}

func startSimulators(ctx context.Context, out console, returnURL, export string) (*simulated, error) {
	oneTwentyOne := onetwentyone.New(onetwentyone.Config{ClientID: demoClientID, ClientSecret: demoClientSecret, RedirectURIs: []string{returnURL}})
	s := simulated{query: firstQuery(time.Now(), "")}
	if export != "" {
		summary, err := loadAppleHealth(ctx, out, export, oneTwentyOne)
		if err != nil {
			return nil, err
		}
		out.progress(fmt.Sprintf("the export has %d step samples, from %s to %s", summary.Steps, summary.First.Format(time.DateOnly), summary.Last.Format(time.DateOnly)))
		out.progress("they are the source onetwentyone; days are cut in Europe/Paris, the demo person's home, unless the query names a timeZone")
		s.query = firstQuery(summary.Last, `, dataSources: ["onetwentyone"]`)
	}
	for _, each := range []struct {
		url     *string
		handler http.Handler
	}{{&s.rook, rook.New(rook.Config{}).Handler()}, {&s.oneTwentyOne, oneTwentyOne.Handler()}} {
		listener, err := listen(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*each.url = "http://" + listener.Addr().String()
		s.servers = append(s.servers, simulatedServer{listener, each.handler})
	}
	return &s, nil
}
