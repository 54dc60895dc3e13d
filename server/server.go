// Package server is healthgraph's HTTP face: who is calling, GraphQL over GET and POST, and the pages for people.
package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"

	"healthgraph/callers"
	"healthgraph/resolvers"
	"healthgraph/server/documents"
	"healthgraph/server/limits"
	"healthgraph/web"
)

// Config makes the handler.
type Config struct {
	Resolver      *resolvers.Resolver
	Verifier      *callers.Verifier
	Introspection bool
	// Documents remembers GraphQL documents; nil makes one as it is by default.
	Documents *documents.Documents
	// Limits refuses what is too large or too expensive; nil makes the defaults.
	Limits *limits.Limits
	// AllowOrigin says whether a page of that origin may call from a browser; nil lets none.
	AllowOrigin func(origin string) bool
	// Playground is nil where there is none.
	Playground *web.PlaygroundConfig
	// ReturnPage is where browsers come back to in the demo; nil elsewhere.
	ReturnPage *web.ReturnConfig
	// TrustedProxies may say who is behind them, and whether by TLS.
	TrustedProxies Proxies
	// HSTS is for how long browsers that came by TLS are told to come back by TLS alone; 0 tells nothing.
	HSTS time.Duration
	// RateLimits are nil where there are none.
	RateLimits *RateLimits
	// Streams holds what stays open. Whoever makes it can end that; nil makes one that nobody ends.
	Streams *Streams
	// Admission bounds the operations under way.
	Admission Admission
	Now       func() time.Time // nil is time.Now
	Log       *slog.Logger
}

// New gives the handler of /graphql, /livez and the pages that are configured.
func New(c Config) http.Handler {
	if c.Documents == nil {
		c.Documents = documents.New(documents.Config{Log: c.Log})
	}
	if c.Limits == nil {
		c.Limits = limits.New(limits.Config{Log: c.Log}, c.Documents)
	}
	if c.Streams == nil {
		c.Streams = NewStreams(StreamLimits{})
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	allow := neverNull(c.AllowOrigin)
	rates := newRates(c.RateLimits, c.TrustedProxies, c.Log)
	e := &endpoint{newExecutor(c, rates), c.Introspection, c.Limits, c.Verifier, c.Streams, newAdmission(c.Admission, c.Log), c.Now, c.Log}
	// A browser asks nobody before it opens a WebSocket: that is let through by its origin, and by a token that no browser adds.
	graphql := http.Handler(upgradable{
		sockets: &sockets{e, c.Verifier, rates, c.Streams, allow, c.Now, c.Log},
		next:    withoutOptions(authenticated{c.Verifier, rates, e, preflighted{allow, limited{rates, e}}}),
	})
	if allow != nil {
		graphql = crossOrigin(allow, graphql)
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphql)
	mux.HandleFunc("GET /livez", live)
	if c.Playground != nil {
		page := web.Playground(*c.Playground)
		mux.Handle("GET /playground", page)
		mux.Handle("GET /playground/", page)
		mux.Handle("GET /{$}", http.RedirectHandler("/playground", http.StatusFound))
	}
	if c.ReturnPage != nil {
		page := web.ReturnPage(*c.ReturnPage)
		mux.Handle("GET /demo/return", page)
		mux.Handle("GET /demo/return/", page)
	}
	return hardened{c.TrustedProxies, c.HSTS, e, mux}
}

// live says that the process answers. Whether its upstreams do is told in each answer.
func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever asked has gone if this fails
}

func newExecutor(c Config, rates *rates) *executor.Executor {
	resolver := *c.Resolver
	if rates != nil {
		resolver.Admit = rates.admit
	}
	e := executor.New(resolver.NewSchema())
	e.SetErrorPresenter(resolver.Present)
	e.SetRecoverFunc(resolver.Recover)
	e.SetParserTokenLimit(c.Limits.Most(limits.Tokens))
	e.SetQueryCache(c.Documents)
	e.Use(c.Documents) // first: it finds the text of a document that is only named
	e.Use(variables{})
	e.Use(c.Limits)
	e.AroundOperations(resolver.AroundOperation)
	e.Use(resolvers.Scopes{})
	e.Use(extension.Introspection{})         // the endpoint refuses it where it is off: gqlgen would answer with an error of its own
	e.SetDisableSuggestion(!c.Introspection) // it would tell the names of the schema one by one
	e.SetDefaultRulesFn(validation(c.Introspection))
	return e
}
