package main

import (
	"context"
	"net/http"
	"time"

	"healthgraph/simulators/onetwentyone"
	"healthgraph/simulators/rook"
)

type simulateCommand struct {
	Rook         simulateRookCommand         `cmd:"" help:"Simulate ROOK."`
	OneTwentyOne simulateOneTwentyOneCommand `cmd:"" name:"onetwentyone" help:"Simulate OneTwentyOne."`
}

type simulateRookCommand struct {
	Listen     string `default:"127.0.0.1:8081" help:"Address to listen on, host:port."`
	ClientUUID string `default:"${rook_client}" help:"The client UUID to accept."`
	SecretKey  string `default:"${rook_secret}" help:"The secret key to accept."`
}

// Run simulates until ctx ends.
func (c *simulateRookCommand) Run(ctx context.Context, out console) error {
	s := rook.New(rook.Config{ClientUUID: c.ClientUUID, Secret: c.SecretKey})
	return simulate(ctx, out, c.Listen, "ROOK", s.Handler())
}

type simulateOneTwentyOneCommand struct {
	Listen       string   `default:"127.0.0.1:8082" help:"Address to listen on, host:port."`
	ClientID     string   `default:"demo-client" help:"The client id to accept."`
	ClientSecret string   `default:"demo-client-secret" help:"The client secret to accept."`
	RedirectURI  []string `required:"" help:"A registered redirect URI; may be given several times."`
	AppleHealth  string   `type:"existingfile" help:"Serve the steps of an Apple Health export (export.zip or export.xml) as the person demo's."`
}

// Run simulates until ctx ends.
func (c *simulateOneTwentyOneCommand) Run(ctx context.Context, out console) error {
	s := onetwentyone.New(onetwentyone.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURIs: c.RedirectURI})
	if c.AppleHealth != "" {
		if _, err := loadAppleHealth(ctx, out, c.AppleHealth, s); err != nil {
			return err
		}
	}
	return simulate(ctx, out, c.Listen, "OneTwentyOne", s.Handler())
}

func simulate(ctx context.Context, out console, address, name string, handler http.Handler) error {
	listener, err := listen(ctx, address)
	if err != nil {
		return err
	}
	out.print("%s is simulated at http://%s (tests control it under /_control/)\n", name, listener.Addr())
	return serveUntil(ctx, listener, bounded(handler, time.Minute, 0))
}
