package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Mode says what becomes of a document that is not in the manifest.
type Mode string

// The modes. In each of them the manifest's documents can be named by their ids.
const (
	ModeOff     Mode = "off"         // it is executed
	ModeLog     Mode = "log-unknown" // it is executed, and told in the log once
	ModeEnforce Mode = "enforce"     // it is refused with DOCUMENT_NOT_TRUSTED
)

// apolloFormat is how a manifest of Apollo's tools names itself.
const apolloFormat = "apollo-persisted-query-manifest"

// sha256Prefix begins an id that is the SHA-256 of the document, as the GraphQL over HTTP draft has it.
const sha256Prefix = "sha256:"

// Manifest is a list of documents that the operator trusts.
type Manifest struct {
	byID   map[string]string
	byHash map[string]string // SHA-256 of the text, in hex
}

// entry is one document of a manifest, as it stands there.
type entry struct {
	ID   string `json:"id"`
	Body any    `json:"body"`
}

// ParseManifest reads a manifest in either of two forms: graphql-codegen's object of ids and documents, or Apollo's
// apollo-persisted-query-manifest. Its errors say which entry is wrong, counting from 1, and repeat nothing of it.
func ParseManifest(content []byte) (*Manifest, error) {
	entries, err := entriesOf(content)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errors.New("the manifest has no documents")
	}
	m := &Manifest{map[string]string{}, map[string]string{}}
	for i, e := range entries {
		if err := m.add(e); err != nil {
			return nil, fmt.Errorf("entry %d of the manifest: %w", i+1, err)
		}
	}
	return m, nil
}

// entriesOf reads the one form or the other.
func entriesOf(content []byte) ([]entry, error) {
	entries, err := members(content)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(entries, func(e entry) bool { return e.ID == "format" && e.Body == apolloFormat }) {
		return entries, nil
	}
	var apollo struct {
		Version    int     `json:"version"`
		Operations []entry `json:"operations"`
	}
	if json.Unmarshal(content, &apollo) != nil || apollo.Version != 1 {
		return nil, errors.New("an " + apolloFormat + " has version 1, and operations with an id and a body each")
	}
	return apollo.Operations, nil
}

// members are those of a JSON object, in order: a map would hide an id that stands there twice.
func members(content []byte) ([]entry, error) {
	notOne := errors.New("the manifest is no JSON object: it has ids and documents, or is an " + apolloFormat)
	decoder := json.NewDecoder(bytes.NewReader(content))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, notOne
	}
	var entries []entry
	for decoder.More() {
		var e entry
		key, err := decoder.Token()
		id, ok := key.(string)
		if err != nil || !ok || decoder.Decode(&e.Body) != nil {
			return nil, notOne
		}
		e.ID = id
		entries = append(entries, e)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, notOne
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, notOne
	}
	return entries, nil
}

func (m *Manifest) add(e entry) error {
	id := e.ID
	text, ok := e.Body.(string)
	if !ok {
		return errors.New("its document is no text")
	}
	hash := Digest(text)
	named, prefixed := strings.CutPrefix(id, sha256Prefix)
	switch _, twice := m.byID[id]; {
	case id == "":
		return errors.New("it has no id")
	case twice:
		return errors.New("its id was there before")
	case prefixed && named != hash:
		return errors.New("its id is not the SHA-256 of its document")
	}
	document, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil || len(document.Operations) == 0 {
		return errors.New("its document is no GraphQL document with an operation")
	}
	m.byID[id], m.byHash[hash] = text, text
	return nil
}

// Len is how many documents it has.
func (m *Manifest) Len() int { return len(m.byID) }

// Find gives the document that a client names, by its id or by sha256: and its hash.
func (m *Manifest) Find(id string) (text string, ok bool) {
	if text, ok = m.byID[id]; ok {
		return text, true
	}
	hash, ok := strings.CutPrefix(id, sha256Prefix)
	if !ok {
		return "", false
	}
	if text, ok = m.byHash[hash]; ok {
		return text, true
	}
	text, ok = m.byID[hash] // the tools write bare hashes, some of a text of their own making
	return text, ok
}

// Trusted is the manifest in use, which may be replaced while requests are served.
type Trusted struct {
	current atomic.Pointer[Manifest]
}

// NewTrusted reads a first manifest.
func NewTrusted(content []byte) (*Trusted, error) {
	t := &Trusted{}
	_, err := t.Replace(content)
	return t, err
}

// Replace takes another manifest and says how many documents it has. One that can't be used changes nothing.
func (t *Trusted) Replace(content []byte) (int, error) {
	m, err := ParseManifest(content)
	if err != nil {
		return 0, err
	}
	t.current.Store(m)
	return m.Len(), nil
}

// find is Find where there may be no manifest.
func (t *Trusted) find(id string) (string, bool) {
	if t == nil {
		return "", false
	}
	return t.current.Load().Find(id)
}

// has says whether the document is trusted.
func (t *Trusted) has(hash string) bool {
	if t == nil {
		return false
	}
	_, ok := t.current.Load().byHash[hash]
	return ok
}
