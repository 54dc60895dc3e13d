package connectors_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
)

// However plain or odd its elements are, an address is the one that net/url joins and reads again.
func TestAddressesAreThoseOfNetURL(t *testing.T) {
	for _, base := range []string{"http://paper.example", "http://paper.example/", "https://paper.example:8443/prefix", "http://paper.example/prefix/", "http://paper.example/a%2Fb", "http://paper.example/a/../b", "http://paper.example:"} {
		c, err := connectors.NewClient(connectors.ClientConfig{Upstream: "Paper", BaseURL: base})
		require.NoError(t, err)
		parsed, err := url.Parse(base)
		require.NoError(t, err)
		rapid.Check(t, func(t *rapid.T) {
			path := rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_-]{0,8}`), rapid.SampledFrom([]string{".", "..", "...", "a/b", "a.b", "%2F", "a b", "健"}), rapid.String()), 1, 4).Draw(t, "path")
			if len(path) == 1 && path[0] == "*" {
				return // net/url has a rule of its own for it, which %2A is as good as
			}
			query := url.Values{}
			for _, name := range rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "query") {
				query.Add(name, name)
			}
			escaped := make([]string, len(path))
			for i, element := range path {
				if escaped[i] = url.PathEscape(element); strings.Trim(element, ".") == "" && len(element) < 3 {
					escaped[i] = strings.ReplaceAll(element, ".", "%2E")
				}
			}
			joined := parsed.JoinPath(escaped...)
			joined.RawQuery = query.Encode()
			want, err := http.NewRequestWithContext(t.Context(), http.MethodGet, joined.String(), http.NoBody)
			require.NoError(t, err)
			got := c.Address(query, path...)
			require.Equal(t, want.URL.RequestURI(), got.RequestURI(), path)
			require.Equal(t, want.Host, got.Host)
		})
	}
}

// An answer is whole whether its length was told or not, and belongs to its caller alone.
func TestAnswersOfUntoldLength(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := strings.Repeat(r.URL.RawQuery, 10_000)
		if r.URL.Path == "/told" {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := connectors.NewClient(connectors.ClientConfig{Upstream: "Paper", BaseURL: server.URL, MaxBodyBytes: 100_000})
	require.NoError(t, err)
	answers := map[string]connectors.Answer{}
	for _, path := range []string{"told", "untold"} {
		for _, letter := range []string{"x=", "y=", "z="} {
			answer, err := c.Do(t.Context(), connectors.Call{Path: []string{path}, Query: url.Values{letter[:1]: {""}}})
			require.NoError(t, err)
			answers[path+letter] = answer
		}
		_, err = c.Do(t.Context(), connectors.Call{Path: []string{path}, Query: url.Values{"long": {"long text"}}})
		require.ErrorContains(t, err, "larger answer")
	}
	for name, answer := range answers {
		letter := name[len(name)-2:]
		assert.Equal(t, strings.Repeat(letter, 10_000), string(answer.Body), name)
	}
}
