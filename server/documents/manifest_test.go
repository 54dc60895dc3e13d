package documents_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/documents"
)

const (
	me    = `query Me { viewer { id } }`
	links = `query Links { connections { status } }`
)

func asJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

type object = map[string]any

func apollo(operations ...any) object {
	return object{"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
}

func TestBothFormsOfManifestAreRead(t *testing.T) {
	for name, manifest := range map[string]any{
		"graphql-codegen": object{documents.Digest(me): me, documents.Digest(links): links},
		"with prefixes":   object{"sha256:" + documents.Digest(me): me, "sha256:" + documents.Digest(links): links},
		"Apollo":          apollo(object{"id": documents.Digest(me), "name": "Me", "type": "query", "body": me}, object{"id": documents.Digest(links), "name": "Links", "type": "query", "body": links}),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := documents.ParseManifest(asJSON(t, manifest))
			require.NoError(t, err)
			assert.Equal(t, 2, m.Len())
			for _, want := range []string{me, links} {
				text, ok := m.Find("sha256:" + documents.Digest(want))
				assert.True(t, ok)
				assert.Equal(t, want, text)
			}
			for _, unknown := range []string{"", "Me", "sha256:", "sha256:" + documents.Digest("x"), "x-" + documents.Digest(me)} {
				_, ok := m.Find(unknown)
				assert.False(t, ok, unknown)
			}
		})
	}
	t.Run("ids of one's own", func(t *testing.T) {
		sha1 := strings.Repeat("a", 40)
		m, err := documents.ParseManifest(asJSON(t, object{"me-1": me, sha1: links}))
		require.NoError(t, err)
		for id, want := range map[string]string{"me-1": me, sha1: links, "sha256:" + sha1: links, "sha256:" + documents.Digest(me): me} {
			text, ok := m.Find(id)
			assert.True(t, ok, id)
			assert.Equal(t, want, text, id)
		}
	})
}

func TestABadManifestIsRefusedWithoutAnEcho(t *testing.T) {
	for name, c := range map[string]struct{ manifest, says string }{
		"nothing":                  {``, "no JSON object"},
		"no JSON":                  {`canary`, "no JSON object"},
		"a list":                   {`["canary"]`, "no JSON object"},
		"cut short":                {`{"canary": "{ canary }"`, "no JSON object"},
		"something after it":       {`{"canary": "{ canary }"} canary`, "no JSON object"},
		"empty":                    {`{}`, "has no documents"},
		"no text":                  {`{"a": "{ a }", "canary": {"canary": 1}}`, "entry 2 of the manifest: its document is no text"},
		"null":                     {`{"canary": null}`, "entry 1 of the manifest: its document is no text"},
		"no id":                    {`{"": "{ canary }"}`, "entry 1 of the manifest: it has no id"},
		"an id twice":              {`{"canary": "{ a }", "canary": "{ b }"}`, "entry 2 of the manifest: its id was there before"},
		"no GraphQL":               {`{"canary": "{ canary"}`, "entry 1 of the manifest: its document is no GraphQL document"},
		"no operation":             {`{"canary": "fragment canary on User { id }"}`, "with an operation"},
		"another hash":             {`{"sha256:canary": "{ canary }"}`, "entry 1 of the manifest: its id is not the SHA-256 of its document"},
		"Apollo, another version":  {`{"format":"apollo-persisted-query-manifest","version":2,"operations":[{"id":"canary","body":"{ a }"}]}`, "has version 1"},
		"Apollo, no list":          {`{"format":"apollo-persisted-query-manifest","version":1,"operations":"canary"}`, "operations with an id and a body"},
		"Apollo, empty":            {`{"format":"apollo-persisted-query-manifest","version":1,"operations":[]}`, "has no documents"},
		"Apollo, without a body":   {`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","body":"{ a }"},{"id":"canary"}]}`, "entry 2 of the manifest: its document is no text"},
		"Apollo, without an id":    {`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"body":"{ canary }"}]}`, "it has no id"},
		"another format of a tool": {`{"format":"canary","version":1}`, "entry 1 of the manifest: its document is no GraphQL document"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := documents.ParseManifest([]byte(c.manifest))
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "canary")
			_, err = documents.NewTrusted([]byte(c.manifest))
			require.Error(t, err)
		})
	}
}

func TestABadManifestLeavesTheOneInUse(t *testing.T) {
	trusted, err := documents.NewTrusted(asJSON(t, object{"a": me}))
	require.NoError(t, err)
	_, err = trusted.Replace([]byte("{}"))
	require.Error(t, err)
	n, err := trusted.Replace(asJSON(t, object{"a": me, "b": links}))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
}

func FuzzParseManifest(f *testing.F) {
	for _, seed := range []string{
		`{"a": "{ viewer { id } }"}`, `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"Me","type":"query","body":"{ a }"}]}`,
		`{"sha256:x": "{ a }"}`, `{"a": 1}`, `{}`, `[]`, `{"a":"{ a }","a":"{ a }"}`, `{"format":"apollo-persisted-query-manifest"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := documents.ParseManifest(content)
		if err != nil {
			if m != nil || len(err.Error()) > 200 {
				t.Fatalf("%v of %q", err, content)
			}
			return
		}
		if m.Len() == 0 || !json.Valid(content) {
			t.Fatalf("%d documents of %q", m.Len(), content)
		}
	})
}
