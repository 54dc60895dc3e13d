package web

import (
	"errors"
	"io/fs"
	"net/http"
)

// PlaygroundConfig is what the Playground opens with.
type PlaygroundConfig struct {
	// Endpoint is the path of the gateway's GraphQL endpoint, such as
	// "/graphql". The page may not contact another host.
	Endpoint string `json:"endpoint"`
	// Token is the bearer token of the demo's person; empty outside the demo.
	Token string `json:"token"`
	// Query is the GraphQL text in the editor, and Variables the JSON text of
	// its variables.
	Query     string `json:"query"`
	Variables string `json:"variables"`
}

// What the Playground needs, and no more: Monaco makes style elements as it
// goes and works in the background, and GraphiQL's styles carry their fonts and
// a few pictures as data.
const playgroundPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; " +
	"font-src 'self' data:; " +
	"img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// An asset's name holds a hash of what is in it, so that it never changes.
const immutable = "public, max-age=31536000, immutable"

// Playground serves the Playground at /playground and its assets below
// /playground/: the handler belongs at both. Where the page was not built, it
// answers 503 with a page that says how to build it.
func Playground(cfg PlaygroundConfig) http.Handler {
	return playground(sub(dist, "dist"), cfg)
}

// PlaygroundBuilt tells whether this program carries a built Playground.
func PlaygroundBuilt() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

func playground(built fs.FS, cfg PlaygroundConfig) http.Handler {
	page := playgroundPage(built, cfg)
	mux := http.NewServeMux()
	mux.Handle("GET /playground", page)
	mux.Handle("GET /playground/{$}", page)
	mux.Handle("GET /playground/assets/{name}", serveAsset(sub(built, "assets"), immutable))
	return secured(playgroundPolicy, mux)
}

func playgroundPage(built fs.FS, cfg PlaygroundConfig) http.Handler {
	page, err := render(built, "index.html", cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return unbuilt()
	}
	if err != nil {
		panic(err) // it is embedded: what is there can be read
	}
	return servePage(http.StatusOK, page)
}

// unbuilt serves the page that takes the place of a Playground nobody built.
func unbuilt() http.Handler {
	page, err := static.ReadFile("static/unbuilt.html")
	if err != nil {
		panic(err) // embedded above
	}
	return servePage(http.StatusServiceUnavailable, page)
}
