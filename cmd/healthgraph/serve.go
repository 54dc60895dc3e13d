package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"healthgraph/tokens"
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
	log.Info("healthgraph is ready", "graphql", "http://"+listener.Addr().String()+"/graphql")
	beside, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { background{a.core, c.settings, log, backgroundPause}.run(beside) })
	err = serveUntil(ctx, listener, a.handler, c.OperationTimeout+writeGrace)
	stop()
	work.Wait()
	return errors.Join(err, a.close())
}

// lookAtKeysetEvery bounds how long a process seals and opens under a keyset that was changed.
const lookAtKeysetEvery = 10 * time.Second

// keysetFile is the file of the keyset in use. Its content is compared, as its time tells little: a file that is put in
// place may keep the time that it had elsewhere.
type keysetFile struct {
	path   string
	sealer *tokens.Sealer
	log    *slog.Logger
	seen   string // the digest of the content that was last looked at, or why there was none
	again  bool   // the KMS failed to unwrap that: it is tried again
}

func newKeysetFile(path string, content []byte, sealer *tokens.Sealer, log *slog.Logger) *keysetFile {
	return &keysetFile{path: path, sealer: sealer, log: log, seen: digest(content)}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return string(sum[:])
}

// watch looks at the file until ctx ends.
func (f *keysetFile) watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look(ctx)
		}
	}
}

// look takes the file's keyset if it changed. What can't be used is told once, and the keyset in use stays. A KMS that failed
// is asked again: nobody changes the file once more when it is back.
func (f *keysetFile) look(ctx context.Context) {
	content, err := readFile(f.path)
	seen := digest(content)
	if err != nil {
		seen = err.Error()
	}
	told := seen == f.seen
	if told && !f.again {
		return
	}
	f.seen = seen
	keys := 0
	if err == nil {
		keys, err = f.sealer.Replace(content)
	}
	f.again = errors.Is(err, tokens.ErrKMS)
	switch {
	case told && f.again: // as before
	case err != nil:
		f.log.ErrorContext(ctx, "the changed keyset file can't be used: the keyset read before stays in use", "error", err)
	default:
		f.log.InfoContext(ctx, "the keyset was reloaded", "keys", keys)
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another address with --listen or HEALTHGRAPH_LISTEN)", err)
	}
	return listener, nil
}

// writeGrace is how much longer than its operation a client may take to read the answer.
const writeGrace = 30 * time.Second

// serveUntil serves until ctx ends, and then lets the requests under way finish. longest bounds a request as a whole.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler, longest time.Duration) error {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      longest,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
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
  }
}
`, now.AddDate(0, 0, -6).Format(time.DateOnly), now.Format(time.DateOnly), more)
}
