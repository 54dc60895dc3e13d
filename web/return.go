package web

import "net/http"

// ReturnConfig is what the demo's return page needs to complete an
// authorization.
type ReturnConfig struct {
	// Endpoint is the path of the gateway's GraphQL endpoint.
	Endpoint string `json:"endpoint"`
	// Token is the bearer token of the demo's person.
	Token string `json:"token"`
}

const returnPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ReturnPage serves the demo's page at /demo/return, to which a person's
// browser comes back from a source's consent page, and its script and style
// below /demo/return/: the handler belongs at both.
//
// The page hands its own address to the mutation completeAuthorization. What the
// address says is never written into the page here: its script does everything.
func ReturnPage(cfg ReturnConfig) http.Handler {
	page, err := render(static, "static/return.html", cfg)
	if err != nil {
		panic(err) // embedded, so that it is there
	}

	mux := http.NewServeMux()
	mux.Handle("GET /demo/return", servePage(http.StatusOK, page))
	mux.Handle("GET /demo/return/{name}", serveAsset(sub(static, "static/return"), "no-cache"))
	return secured(returnPolicy, mux)
}
