package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/documents"
)

const (
	mine     = `query($id: ID!) { user(id: $id) { id } }`
	stranger = `{ viewer { __typename } }`
	asks     = `{ __schema { queryType { name } } }`
)

// trusting is a site whose manifest has two documents, one under a name of its own.
func trusting(t *testing.T, mode documents.Mode, more map[string]string, changes ...func(*server.Config)) (*site, *documents.Documents) {
	t.Helper()
	manifest := map[string]string{documents.Digest(me): me, "mine": mine}
	for id, document := range more {
		manifest[id] = document
	}
	text, err := json.Marshal(manifest)
	require.NoError(t, err)
	trusted, err := documents.NewTrusted(text)
	require.NoError(t, err)
	var d *documents.Documents
	s := newSite(t, append(changes, func(c *server.Config) {
		d = documents.New(documents.Config{Trusted: trusted, Mode: mode, Log: c.Log})
		c.Documents = d
	})...)
	return s, d
}

func TestTrustedDocumentsAreNamedInEveryMode(t *testing.T) {
	id := map[string]any{"id": "person-1"}
	for _, mode := range []documents.Mode{"", documents.ModeOff, documents.ModeLog, documents.ModeEnforce} {
		s, d := trusting(t, mode, nil)
		for name, r := range map[string]request{
			"by the draft's hash": {DocumentID: "sha256:" + documents.Digest(me)},
			"by Apollo's hash":    {Extensions: byHash(me)},
			"by its own id":       {DocumentID: "mine", Variables: id},
			"by the hash of it":   {DocumentID: "sha256:" + documents.Digest(mine), Variables: id},
			"in full":             {Query: me},
			"both":                {Query: me, DocumentID: "sha256:" + documents.Digest(me)},
			"both, by its id":     {Query: mine, DocumentID: "mine", Variables: id},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				a := read(t, s.ask(method, r, nil))
				assert.Empty(t, a.Errors, "%s, %s, %s", mode, name, method)
				assert.Len(t, a.Data, 1)
			}
		}
		assert.Equal(t, []any{"PERSISTED_QUERY_HASH_MISMATCH"}, codes(read(t, s.ask(http.MethodPost, request{Query: me, DocumentID: "mine"}, nil))))
		assert.Zero(t, d.Counters.Untrusted.Load())
		assert.Empty(t, s.log.String())
	}
}

func TestWhatIsNotTrustedIsExecutedUnlessThatIsEnforced(t *testing.T) {
	requests := map[string]request{
		"in full":               {Query: stranger},
		"to be remembered":      {Query: stranger, Extensions: byHash(stranger)},
		"with a space more":     {Query: me + " "},
		"under a trusted name":  {Query: stranger, DocumentID: "stranger"},
		"what cannot be parsed": {Query: "{ canary"},
	}
	for _, mode := range []documents.Mode{documents.ModeOff, documents.ModeLog} {
		s, d := trusting(t, mode, nil)
		for name, r := range requests {
			for range 2 {
				a := read(t, s.ask(http.MethodPost, r, nil))
				assert.Equal(t, name == "what cannot be parsed", len(a.Errors) > 0, name)
			}
		}
		if mode == documents.ModeOff {
			assert.Zero(t, d.Counters.Untrusted.Load())
			assert.Empty(t, s.log.String())
			continue
		}
		assert.EqualValues(t, 2*len(requests), d.Counters.Untrusted.Load())
		assert.Equal(t, 3, strings.Count(s.log.String(), "not in the manifest"), "once for each document: %s", s.log.String())
		assert.Contains(t, s.log.String(), documents.Digest(stranger))
		assert.NotContains(t, s.log.String(), canary)
		assert.NotContains(t, s.log.String(), "viewer")
	}

	s, d := trusting(t, documents.ModeEnforce, nil)
	requests["by a hash that is unknown"] = request{Extensions: byHash(stranger)}
	requests["by an id that is unknown"] = request{DocumentID: "stranger"}
	for name, r := range requests {
		for accept, status := range map[string]int{newer: http.StatusBadRequest, "application/json": http.StatusOK} {
			w := s.ask(http.MethodPost, r, map[string]string{"Accept": accept})
			assert.Equal(t, status, w.Code, name)
			a := read(t, w)
			assert.Equal(t, []any{"DOCUMENT_NOT_TRUSTED"}, codes(a), name)
			assert.Nil(t, a.Data)
			assertNoEcho(t, w)
		}
	}
	assert.EqualValues(t, 2*len(requests), d.Counters.Untrusted.Load())
	assert.Empty(t, s.upstream.made())
	assert.Empty(t, s.log.String())
	assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: me}, nil)).Errors)
}

func TestIntrospectionIsADocumentLikeOthers(t *testing.T) {
	on := func(c *server.Config) { c.Introspection = true }
	s, _ := trusting(t, documents.ModeEnforce, nil, on)
	assert.Equal(t, []any{"DOCUMENT_NOT_TRUSTED"}, codes(read(t, s.ask(http.MethodPost, request{Query: asks}, nil))))

	s, _ = trusting(t, documents.ModeEnforce, map[string]string{"asks": asks}, on)
	assert.Empty(t, read(t, s.ask(http.MethodPost, request{Query: asks}, nil)).Errors)

	s, _ = trusting(t, documents.ModeEnforce, map[string]string{"asks": asks})
	assert.Equal(t, []any{"INTROSPECTION_DISABLED"}, codes(read(t, s.ask(http.MethodPost, request{Query: asks}, nil))), "trusted, and off all the same")
}

func TestTheLimitsHoldForTrustedDocumentsToo(t *testing.T) {
	s, _ := trusting(t, documents.ModeEnforce, map[string]string{"wide": "{" + strings.Repeat(" __typename", 31) + "}"})
	assert.Equal(t, []any{"OPERATION_TOO_LARGE"}, codes(read(t, s.ask(http.MethodPost, request{DocumentID: "wide"}, nil))))
}
