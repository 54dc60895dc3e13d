package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profilingSettings are for whoever looks for where time and memory go.
type profilingSettings struct {
	ProfilingListen string `env:"HEALTHGRAPH_PROFILING_LISTEN" help:"Loopback address, such as 127.0.0.1:6060, for go tool pprof; none when left out."`
}

// complain wants an address that other machines can't reach: a profile tells how the process works.
func (s *profilingSettings) complain(c *complaints) {
	if s.ProfilingListen == "" {
		return
	}
	host, _, err := net.SplitHostPort(s.ProfilingListen)
	ip := net.ParseIP(host)
	c.mistake(err != nil || ip == nil || !ip.IsLoopback(), "HEALTHGRAPH_PROFILING_LISTEN must be a loopback address and a port, such as 127.0.0.1:6060")
}

// profiling serves profiles on a listener of its own until ctx ends. The command line, which can hold secrets, is no profile here.
func profiling(ctx context.Context, listener net.Listener, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	own := listener.Addr().String()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != own { // a page whose name was made to lead here
			http.Error(w, "ask by the address that is configured", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody's profile is worth waiting for
	defer stop()
	log.WarnContext(ctx, "profiles are served to this machine", "profiles", "http://"+own+"/debug/pprof/")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.ErrorContext(ctx, "profiles are served no more", "error", err)
	}
}
