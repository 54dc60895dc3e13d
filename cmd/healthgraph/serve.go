package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"healthgraph/web"
)

type serveCommand struct{ settings }

// Help is shown by healthgraph serve --help.
func (serveCommand) Help() string {
	return `Every flag can be set by the environment variable named beside it; secrets are best set so.

A first start, with an embedded SQLite database:

  healthgraph keys create keyset.json
  export HEALTHGRAPH_KEYSET_FILE=keyset.json HEALTHGRAPH_JWT_SECRET=…
  export HEALTHGRAPH_ROOK_CLIENT_UUID=… HEALTHGRAPH_ROOK_SECRET_KEY=…
  healthgraph serve`
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, out console, kms kmsClients) error {
	if err := c.mistakes(kms); err != nil {
		return fmt.Errorf("the configuration is not good:\n%w", err)
	}
	tuneCollector()
	log := slog.New(slog.NewJSONHandler(out.log, nil))
	o := options{kms: kms}
	if len(c.CORSOrigins) > 0 {
		o.allowOrigin = func(origin string) bool { return slices.Contains(c.CORSOrigins, origin) }
	}
	if c.Playground {
		o.playground = &web.PlaygroundConfig{Endpoint: "/graphql", Query: firstQuery(time.Now(), "")}
	}
	a, err := newApp(ctx, c.settings, o, log)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return errors.Join(err, a.close())
	}
	server := bounded(a.handler, c.OperationTimeout+writeGrace, c.MaxConnections)
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // which names addresses: it is not shown
	scheme := "http"
	if c.TLSCertFile != "" {
		var own *certificate
		if own, a.certificate, err = newCertificate(&c.edgeSettings, log); err != nil {
			return errors.Join(err, listener.Close(), a.close())
		}
		listener, scheme = tls.NewListener(listener, own.config()), "https"
	}
	beside, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	if c.ProfilingListen != "" {
		profiles, err := listen(ctx, c.ProfilingListen)
		if err != nil {
			stop()
			return errors.Join(fmt.Errorf("HEALTHGRAPH_PROFILING_LISTEN: %w", err), listener.Close(), a.close())
		}
		work.Go(func() { profiling(beside, profiles, log) })
	}
	log.Info("healthgraph is ready", "graphql", scheme+"://"+listener.Addr().String()+"/graphql")
	work.Go(func() { background{a, c.settings, log, backgroundPause}.run(beside) })
	err = serveUntil(ctx, listener, server, a.streams.Shutdown)
	stop()
	work.Wait()
	return errors.Join(err, a.close())
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another address with --listen or HEALTHGRAPH_LISTEN)", err)
	}
	return listener, nil
}

// serveUntil serves until ctx ends, and then lets the requests under way finish. ends tell those that are not answered at once to
// come to an end.
func serveUntil(ctx context.Context, listener net.Listener, s *http.Server, ends ...func()) error {
	for _, end := range ends {
		s.RegisterOnShutdown(end)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("some requests did not finish in time: %w", err), s.Close())
	}
	return nil
}

// firstQuery is the query to try first: what is connected, and the steps of the week that ends on the day. more are further
// arguments of stepCount.
func firstQuery(now time.Time, more string) string {
	return fmt.Sprintf(`query FirstLook {
  connections {
    dataSource { name connector }
    status
    authorizationUrl
  }
  stepCount(from: "%s", to: "%s"%s) {
    total
    timeZone
    days {
      date
      steps
      presence
      candidates { connector steps chosen reason }
    }
    problems { code message }
    samples(first: 3) {
      nodes { start end value device }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`, now.AddDate(0, 0, -6).Format(time.DateOnly), now.Format(time.DateOnly), more)
}
