// Package server is healthgraph's HTTP face: who is calling, GraphQL over GET and POST, and the pages for people.
package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/rs/cors"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/callers"
	"healthgraph/resolvers"
	"healthgraph/web"
)

// Limits of one request.
const (
	MaxBodyBytes   = 1 << 20
	MaxQueryBytes  = 64 << 10
	MaxTokens      = 2000 // of a document: names, braces and the like
	documentsCache = 500  // parsed documents kept, so at most some 32 MiB of text
)

// Config makes the handler.
type Config struct {
	Resolver      *resolvers.Resolver
	Verifier      *callers.Verifier
	Introspection bool
	// AllowOrigin says whether a page of that origin may call from a browser; nil lets none.
	AllowOrigin func(origin string) bool
	// Playground is nil where there is none.
	Playground *web.PlaygroundConfig
	// ReturnPage is where browsers come back to in the demo; nil elsewhere.
	ReturnPage *web.ReturnConfig
	Log        *slog.Logger
}

// New gives the handler of /graphql, /livez and the pages that are configured.
func New(c Config) http.Handler {
	graphql := http.Handler(authenticated{c.Verifier, &endpoint{newExecutor(c), c.Introspection, c.Log}})
	if c.AllowOrigin != nil {
		graphql = cors.New(cors.Options{
			AllowOriginFunc: c.AllowOrigin,
			AllowedMethods:  []string{http.MethodGet, http.MethodPost},
			AllowedHeaders:  []string{"Authorization", "Content-Type", "Accept"},
			MaxAge:          int((10 * time.Minute).Seconds()),
		}).Handler(graphql)
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
	return mux
}

// live says that the process answers. Whether its upstreams do is told in each answer.
func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever asked has gone if this fails
}

func newExecutor(c Config) *executor.Executor {
	e := executor.New(c.Resolver.NewSchema())
	e.SetErrorPresenter(c.Resolver.Present)
	e.SetRecoverFunc(c.Resolver.Recover)
	e.SetParserTokenLimit(MaxTokens)
	e.SetQueryCache(lru.New[*ast.QueryDocument](documentsCache))
	e.AroundOperations(c.Resolver.AroundOperation)
	e.Use(resolvers.Scopes{})
	e.Use(extension.Introspection{}) // the endpoint refuses it where it is off: gqlgen would answer with an error of its own
	if !c.Introspection {
		e.SetDisableSuggestion(true) // it would tell the names of the schema one by one
	}
	return e
}
