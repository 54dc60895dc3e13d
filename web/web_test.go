package web

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// builtTree is what a build leaves, in small. The page is the template Vite
// works on: it leaves the configuration's place alone.
func builtTree(t *testing.T) fs.FS {
	t.Helper()
	page, err := os.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		".gitkeep":                {},
		"index.html":              {Data: page},
		"assets/index-Ab12.js":    {Data: []byte("export {}")},
		"assets/index-Cd34.css":   {Data: []byte("body {}")},
		"assets/sub/hidden-Ef.js": {Data: []byte("export {}")},
	}
}

func request(handler http.Handler, method, target string) (*http.Response, string) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	return recorder.Result(), recorder.Body.String()
}

func get(handler http.Handler, target string) (*http.Response, string) {
	return request(handler, http.MethodGet, target)
}

// configOf reads the configuration out of a page as a browser does: the text
// up to the first end of the script element, as JSON.
func configOf[T any](t *testing.T, page string) (config T) {
	t.Helper()
	_, rest, found := strings.Cut(page, `<script id="config" type="application/json">`)
	if !found {
		t.Fatalf("no configuration in the page:\n%s", page)
	}
	text, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("configuration %q: %v", text, err)
	}
	return config
}

func wantHeaders(t *testing.T, response *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := response.Header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

func TestPlaygroundPage(t *testing.T) {
	handler := playground(builtTree(t), PlaygroundConfig{Endpoint: "/graphql"})
	for _, target := range []string{"/playground", "/playground/"} {
		response, body := get(handler, target)
		if response.StatusCode != http.StatusOK {
			t.Errorf("GET %s: status %d", target, response.StatusCode)
		}
		if !strings.Contains(body, "<title>healthgraph Playground</title>") {
			t.Errorf("GET %s: no title in\n%s", target, body)
		}
		wantHeaders(t, response, map[string]string{
			"Cache-Control":           "no-store",
			"Content-Type":            "text/html; charset=utf-8",
			"Content-Security-Policy": playgroundPolicy,
			"Referrer-Policy":         "no-referrer",
			"X-Content-Type-Options":  "nosniff",
		})
	}
}

// Whatever the configuration says arrives in the page as it is, and nothing of
// it becomes markup.
func TestConfigIsEscaped(t *testing.T) {
	cfg := PlaygroundConfig{
		Endpoint:  `/graphql?a=1&b="2"`,
		Token:     `ey.J'"<!--.x`,
		Query:     "# </script><script>alert(1)</script> {{.Token}}\nquery { a(b: \"\\u2028 \u2028 ü\") }",
		Variables: `{"date": "</SCRIPT ><img src=x onerror=alert(2)>"}`,
	}
	_, body := get(playground(builtTree(t), cfg), "/playground")
	if got := configOf[PlaygroundConfig](t, body); got != cfg {
		t.Errorf("got %+v, want %+v", got, cfg)
	}
	for _, markup := range []string{"<script>alert", "<img", "</SCRIPT", "<!--"} {
		if strings.Contains(body, markup) {
			t.Errorf("%q got into the page:\n%s", markup, body)
		}
	}

	returnCfg := ReturnConfig{Endpoint: "/graphql", Token: `</script><script>alert(1)</script>`}
	_, body = get(ReturnPage(returnCfg), "/demo/return")
	if got := configOf[ReturnConfig](t, body); got != returnCfg {
		t.Errorf("got %+v, want %+v", got, returnCfg)
	}
}

func TestPolicies(t *testing.T) {
	for name, policy := range map[string]string{"playground": playgroundPolicy, "return": returnPolicy} {
		for _, forbidden := range []string{"unsafe-eval", "http:", "https:", "*"} {
			if strings.Contains(policy, forbidden) {
				t.Errorf("%s: the policy allows %s: %s", name, forbidden, policy)
			}
		}
		if !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the page may be framed: %s", name, policy)
		}
	}
}

func TestAssets(t *testing.T) {
	handler := playground(builtTree(t), PlaygroundConfig{})
	response, body := get(handler, "/playground/assets/index-Ab12.js")
	if response.StatusCode != http.StatusOK || body != "export {}" {
		t.Errorf("status %d, body %q", response.StatusCode, body)
	}
	wantHeaders(t, response, map[string]string{
		"Cache-Control":          "public, max-age=31536000, immutable",
		"Content-Type":           "text/javascript; charset=utf-8",
		"X-Content-Type-Options": "nosniff",
	})

	for _, target := range []string{
		"/playground/assets/",
		"/playground/assets/missing-Ab12.js",
		"/playground/assets/sub",
		"/playground/assets/..%2Findex.html",
		"/playground/index.html",
		"/playground/.gitkeep",
		"/elsewhere",
	} {
		response, _ := get(handler, target)
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", target, response.StatusCode)
		}
		if cached := response.Header.Get("Cache-Control"); strings.Contains(cached, "immutable") {
			t.Errorf("GET %s: a failure is kept for good: %s", target, cached)
		}
	}
}

func TestMethods(t *testing.T) {
	handlers := map[string]http.Handler{
		"/playground":  playground(builtTree(t), PlaygroundConfig{}),
		"/demo/return": ReturnPage(ReturnConfig{}),
	}
	for target, handler := range handlers {
		for method, want := range map[string]int{
			http.MethodHead: http.StatusOK,
			http.MethodPost: http.StatusMethodNotAllowed,
		} {
			if response, _ := request(handler, method, target); response.StatusCode != want {
				t.Errorf("%s %s: status %d, want %d", method, target, response.StatusCode, want)
			}
		}
	}
}

func TestPlaygroundUnbuilt(t *testing.T) {
	handler := playground(fstest.MapFS{".gitkeep": {}}, PlaygroundConfig{Token: "secret"})
	response, body := get(handler, "/playground")
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", response.StatusCode)
	}
	wantHeaders(t, response, map[string]string{
		"Cache-Control":           "no-store",
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": playgroundPolicy,
	})
	if !strings.Contains(body, "make build") {
		t.Errorf("the page does not say how to build it:\n%s", body)
	}
	if strings.Contains(body, "secret") {
		t.Errorf("the token is in a page that has no use for it:\n%s", body)
	}
	if response, _ := get(handler, "/playground/assets/index.js"); response.StatusCode != http.StatusNotFound {
		t.Errorf("an asset: status %d, want 404", response.StatusCode)
	}
}

// The embedded tree is one or the other, and the exported functions agree.
func TestPlaygroundBuilt(t *testing.T) {
	want := http.StatusServiceUnavailable
	if PlaygroundBuilt() {
		want = http.StatusOK
	}
	response, _ := get(Playground(PlaygroundConfig{Endpoint: "/graphql"}), "/playground")
	if response.StatusCode != want {
		t.Errorf("built: %v, but status %d", PlaygroundBuilt(), response.StatusCode)
	}
}

func TestReturnPage(t *testing.T) {
	handler := ReturnPage(ReturnConfig{Endpoint: "/graphql", Token: "secret"})
	response, body := get(handler, "/demo/return?code=c0de&state=<script>&error=access_denied")
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
	wantHeaders(t, response, map[string]string{
		"Cache-Control":           "no-store",
		"Content-Security-Policy": returnPolicy,
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
	})
	if strings.Contains(body, "c0de") || strings.Contains(body, "<script>") {
		t.Errorf("the address is in the page:\n%s", body)
	}

	for name, kind := range map[string]string{"return.js": "text/javascript", "return.css": "text/css"} {
		if !strings.Contains(body, `"/demo/return/`+name+`"`) {
			t.Errorf("the page does not load %s", name)
		}
		response, _ := get(handler, "/demo/return/"+name)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", name, response.StatusCode)
		}
		wantHeaders(t, response, map[string]string{
			"Cache-Control": "no-cache",
			"Content-Type":  kind + "; charset=utf-8",
		})
	}
}
