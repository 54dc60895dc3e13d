// Package web holds the pages that the gateway serves itself: the Playground,
// which is GraphiQL built by Vite into dist/, and the page of the demo to which
// a person's browser comes back from a consent page.
//
// Everything is embedded. A page never contacts any host but the gateway's, and
// its Content-Security-Policy makes sure of it.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
)

// dist is what Vite built. In a checkout in which nobody did, it holds nothing
// but a placeholder, without which the embedding would not compile.
//
//go:embed all:dist
var dist embed.FS

// static is served as it is, without any build.
//
//go:embed static
var static embed.FS

// sub returns a directory of a tree. It need not be there.
func sub(files fs.FS, dir string) fs.FS {
	tree, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // dir is a constant of this package, and valid
	}
	return tree
}

// render fills a page's template with its configuration, which the page carries
// as JSON in a script element that is never run: html/template escapes it for
// there, so that nothing in it can end the element.
//
// It is done once for a handler. A template that is there but broken is a
// mistake of the build, hence the panic; only its absence is an error.
func render(files fs.FS, name string, config any) ([]byte, error) {
	if _, err := fs.Stat(files, name); err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := template.Must(template.ParseFS(files, name)).Execute(&page, config); err != nil {
		panic(fmt.Errorf("web: %s: %w", name, err))
	}
	return page.Bytes(), nil
}

// servePage answers with a page that no cache keeps: it may carry a token, and
// names the assets of this very build.
func servePage(status int, page []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(page) // a browser that went away needs no page
	})
}

// serveAsset answers with the file of the directory that the request's path
// names as {name}, kept by caches as cacheControl says.
func serveAsset(files fs.FS, cacheControl string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		// Neither a directory's listing nor a way out of it: Stat refuses
		// names with dots or slashes that lead elsewhere.
		if info, err := fs.Stat(files, name); err != nil || !info.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", cacheControl)
		http.ServeFileFS(w, r, files, name)
	})
}

// secured sets the headers that every answer of a page's handler carries. The
// rest are the server's, the same for all that it answers.
func secured(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
