package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/documents"
)

const me = `query Me { viewer { id } }`

// request is a GraphQL request; members that are empty are left out.
type request struct {
	Query      string `json:"query,omitempty"`
	DocumentID string `json:"documentId,omitempty"`
	Variables  any    `json:"variables,omitempty"`
	Extensions any    `json:"extensions,omitempty"`
}

func (s *site) ask(method string, r request, headers map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	if method == http.MethodPost {
		text, err := json.Marshal(r)
		require.NoError(s.t, err)
		return s.send(method, "/graphql", string(text), headers)
	}
	values := url.Values{}
	for name, value := range map[string]string{"query": r.Query, "documentId": r.DocumentID} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, value := range map[string]any{"variables": r.Variables, "extensions": r.Extensions} {
		if value != nil {
			text, err := json.Marshal(value)
			require.NoError(s.t, err)
			values.Set(name, string(text))
		}
	}
	return s.send(method, "/graphql?"+values.Encode(), "", headers)
}

// byHash is Apollo's extension that names a document.
func byHash(document string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": documents.Digest(document)}}
}

func TestADocumentIsNamedByItsHashOnceItWasSent(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			d := documents.New(documents.Config{})
			s := newSite(t, func(c *server.Config) { c.Documents = d })
			for accept, status := range map[string]int{newer: http.StatusBadRequest, "application/json": http.StatusOK} {
				w := s.ask(method, request{Extensions: byHash(me)}, map[string]string{"Accept": accept})
				assert.Equal(t, status, w.Code)
				a := read(t, w)
				require.Equal(t, []any{"PERSISTED_QUERY_NOT_FOUND"}, codes(a))
				assert.Equal(t, "PersistedQueryNotFound", a.Errors[0].Message, "what clients look for")
				assert.Nil(t, a.Data)
			}
			for _, r := range []request{{Query: me, Extensions: byHash(me)}, {Extensions: byHash(me)}, {DocumentID: "sha256:" + documents.Digest(me)}, {Extensions: byHash(me)}} {
				a := read(t, s.ask(method, r, nil))
				assert.Empty(t, a.Errors)
				assert.Equal(t, map[string]any{"viewer": map[string]any{"id": "person-1"}}, a.Data)
			}
			assert.EqualValues(t, 1, d.Counters.Persisted.Load())
			assert.EqualValues(t, 3, d.Counters.Found.Load())
			assert.EqualValues(t, 2, d.Counters.NotFound.Load())
			assert.EqualValues(t, 1, d.Counters.Parsed.Load(), "it is parsed once")
			assert.EqualValues(t, 3, d.Counters.Reused.Load())
		})
	}
}

func TestADocumentThatIsNamedTakesVariables(t *testing.T) {
	const document = `query($id: ID!) { user(id: $id) { id } }`
	s := newSite(t)
	for _, r := range []request{{Query: document, DocumentID: "sha256:" + documents.Digest(document)}, {DocumentID: "sha256:" + documents.Digest(document)}} {
		r.Variables = map[string]any{"id": "person-1"}
		assert.Equal(t, map[string]any{"user": map[string]any{"id": "person-1"}}, read(t, s.ask(http.MethodPost, r, nil)).Data)
	}
}

func TestOnlyAGoodDocumentIsRemembered(t *testing.T) {
	for name, document := range map[string]string{
		"cannot be parsed": `{ viewer { id }`,
		"no such field":    `{ nothing }`,
		"too large":        "{" + strings.Repeat(" __typename", 31) + "}",
		"blank":            " ",
	} {
		t.Run(name, func(t *testing.T) {
			d := documents.New(documents.Config{})
			s := newSite(t, func(c *server.Config) { c.Documents = d })
			for range 2 {
				assert.NotEmpty(t, read(t, s.ask(http.MethodPost, request{Query: document, Extensions: byHash(document)}, nil)).Errors)
			}
			assert.Equal(t, []any{"PERSISTED_QUERY_NOT_FOUND"}, codes(read(t, s.ask(http.MethodPost, request{Extensions: byHash(document)}, nil))))
			assert.Zero(t, d.Counters.Persisted.Load())
			assert.Zero(t, d.Bytes(), "nor is it kept parsed")
		})
	}
}

func TestADocumentThatIsNotWhatItsNameSaysIsRefused(t *testing.T) {
	s := newSite(t)
	another := `{ viewer { __typename } }`
	for name, r := range map[string]request{
		"Apollo's":        {Query: another, Extensions: byHash(me)},
		"the draft's":     {Query: another, DocumentID: "sha256:" + documents.Digest(me)},
		"no hash":         {Query: another, DocumentID: "sha256:canary"},
		"in upper case":   {Query: me, DocumentID: "sha256:" + strings.ToUpper(documents.Digest(me))},
		"without a hash":  {Query: me, Extensions: map[string]any{"persistedQuery": map[string]any{"version": 1}}},
		"a number for it": {Query: me, Extensions: map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.ask(http.MethodPost, r, map[string]string{"Accept": newer})
			assert.Equal(t, http.StatusBadRequest, w.Code)
			assert.Equal(t, []any{"PERSISTED_QUERY_HASH_MISMATCH"}, codes(read(t, w)))
			assertNoEcho(t, w)
		})
	}
	assert.Equal(t, []any{"PERSISTED_QUERY_NOT_FOUND"}, codes(read(t, s.ask(http.MethodPost, request{Extensions: byHash(me)}, nil))), "nothing was remembered")
	assert.Equal(t, []any{"PERSISTED_QUERY_NOT_FOUND"}, codes(read(t, s.ask(http.MethodPost, request{DocumentID: "canary"}, nil))))
	assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: me, DocumentID: "a-name-of-the-client"}, nil)).Errors, "a name that is no hash says nothing of the text")
}

func TestAnotherVersionOfTheProtocolIsNotSpoken(t *testing.T) {
	s := newSite(t)
	for _, version := range []any{0, 2, "x", nil, 1.5} {
		extensions := map[string]any{"persistedQuery": map[string]any{"version": version, "sha256Hash": documents.Digest(me)}}
		for _, query := range []string{me, ""} {
			a := read(t, s.ask(http.MethodPost, request{Query: query, Extensions: extensions}, nil))
			require.Equal(t, []any{"PERSISTED_QUERY_NOT_SUPPORTED"}, codes(a), version)
			assert.Equal(t, "PersistedQueryNotSupported", a.Errors[0].Message)
		}
	}
}

func TestWithoutPersistedQueriesAClientIsToldToSendDocuments(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Documents = documents.New(documents.Config{NoPersisted: true}) })
	for range 2 {
		assert.Equal(t, []any{"PERSISTED_QUERY_NOT_SUPPORTED"}, codes(read(t, s.ask(http.MethodGet, request{Extensions: byHash(me)}, nil))))
		assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: me, Extensions: byHash(me)}, nil)).Errors)
	}
}

func TestAMutationThatIsNamedIsNotSentWithGET(t *testing.T) {
	const mutation = `mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`
	s := newSite(t)
	assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: mutation, Extensions: byHash(mutation)}, nil)).Errors)
	made := len(s.upstream.made())
	w := s.ask(http.MethodGet, request{Extensions: byHash(mutation)}, nil)
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, []any{"METHOD_NOT_ALLOWED"}, codes(read(t, w)))
	assert.Len(t, s.upstream.made(), made)
	assert.Empty(t, read(t, s.ask(http.MethodPost, request{Extensions: byHash(mutation)}, nil)).Errors)
}

func TestPersistedQueriesTakeNoMoreThanTheirBytes(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.Documents = documents.New(documents.Config{PersistedBytes: 256 << 10})
	})
	long := func(i int) string { return fmt.Sprintf("{ viewer { id } } #%d", i) + strings.Repeat("x", 10_000) }
	const sent = 100
	for i := range sent {
		assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: long(i), Extensions: byHash(long(i))}, nil)).Errors)
	}
	known := func() int {
		n := 0
		for i := range sent {
			if len(read(t, s.ask(http.MethodPost, request{Extensions: byHash(long(i))}, nil)).Errors) == 0 {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return known() <= 25 }, 10*time.Second, 10*time.Millisecond, "256 KiB hold 25 of 10,000 bytes")
	assert.Positive(t, known())
}
