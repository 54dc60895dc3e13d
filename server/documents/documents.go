// Package documents is what the server remembers of GraphQL documents: the parsed ones, the ones that clients name by a hash
// (Apollo's automatic persisted queries) and the ones that the operator trusts. All of it is bounded in bytes and lives in
// this process alone.
package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"math"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// What is kept by default, in bytes.
const (
	DefaultCacheBytes     = 16 << 20
	DefaultPersistedBytes = 4 << 20
)

// Config makes a Documents.
type Config struct {
	// CacheBytes bounds the parsed documents; 0 is DefaultCacheBytes.
	CacheBytes int
	// PersistedBytes bounds the documents that clients may name by their hash; 0 is DefaultPersistedBytes.
	PersistedBytes int
	// NoPersisted turns automatic persisted queries off.
	NoPersisted bool
	// Trusted are the operator's documents; nil where there are none.
	Trusted *Trusted
	// Mode says what becomes of a document that is not among Trusted; empty is ModeOff.
	Mode Mode
	Log  *slog.Logger
}

// Counters count what became of documents, for whoever reads metrics.
type Counters struct {
	Parsed    atomic.Int64 // documents that had to be parsed
	Reused    atomic.Int64 // documents that were parsed before
	Persisted atomic.Int64 // documents that a client's hash names from then on
	Found     atomic.Int64 // requests that named a document which is known
	NotFound  atomic.Int64 // requests that named a document which is not
	Untrusted atomic.Int64 // requests with a document that is not in the manifest, refused or not
}

// Documents is a gqlgen extension and gqlgen's cache of parsed documents. The executor adds a document to the cache when it
// is valid, and only then.
type Documents struct {
	Counters Counters

	trusted   *Trusted
	mode      Mode
	log       *slog.Logger
	parsed    *otter.Cache[string, *ast.QueryDocument]
	persisted *otter.Cache[string, string] // by hash; nil where there are no automatic persisted queries
	told      *Once
}

var (
	_ graphql.Cache[*ast.QueryDocument] = (*Documents)(nil)
	_ graphql.OperationParameterMutator = (*Documents)(nil)
	_ graphql.OperationContextMutator   = (*Documents)(nil)
)

// New makes an empty one.
func New(c Config) *Documents {
	d := &Documents{trusted: c.Trusted, mode: c.Mode, log: c.Log, told: NewOnce()}
	d.parsed = otter.Must(&otter.Options[string, *ast.QueryDocument]{
		MaximumWeight: bytesOr(c.CacheBytes, DefaultCacheBytes),
		Weigher:       func(text string, document *ast.QueryDocument) uint32 { return saturated(weigh(text, document)) },
	})
	if !c.NoPersisted {
		d.persisted = otter.Must(&otter.Options[string, string]{
			MaximumWeight: bytesOr(c.PersistedBytes, DefaultPersistedBytes),
			Weigher:       func(hash, text string) uint32 { return saturated(len(hash) + len(text) + entryBytes) },
		})
	}
	return d
}

func bytesOr(configured, otherwise int) uint64 {
	if configured <= 0 {
		configured = otherwise
	}
	return uint64(configured) //nolint:gosec // more than nothing, as was just made sure
}

func saturated(n int) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) } //nolint:gosec // within the bounds

// Get implements graphql.Cache.
func (d *Documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	document, ok := d.parsed.GetIfPresent(text)
	if ok {
		d.Counters.Reused.Add(1)
	}
	return document, ok
}

// Add implements graphql.Cache. The executor calls it with documents that it found valid.
func (d *Documents) Add(_ context.Context, text string, document *ast.QueryDocument) {
	d.Counters.Parsed.Add(1)
	d.parsed.Set(text, document)
}

// Known is Get for whoever looks at a document before the executor asks for it: it is not counted.
func (d *Documents) Known(text string) (*ast.QueryDocument, bool) { return d.parsed.GetIfPresent(text) }

// Bytes is what the parsed documents take, as it is estimated. Evictions that are due are made first.
func (d *Documents) Bytes() int64 {
	d.parsed.CleanUp()
	return int64(d.parsed.WeightedSize()) //nolint:gosec // bounded by an int
}

// ExtensionName implements graphql.HandlerExtension.
func (*Documents) ExtensionName() string { return "Documents" }

// Validate implements graphql.HandlerExtension.
func (*Documents) Validate(graphql.ExecutableSchema) error { return nil }

// Digest is the SHA-256 of a document's text in lower-case hex: how logs and clients name a document.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Once tells what was said before, so that a log has one line where a client sends the same thing all day. It forgets the
// oldest of some thousands.
type Once struct {
	said *otter.Cache[string, struct{}]
}

// NewOnce makes one that has heard nothing.
func NewOnce() *Once {
	const remembered = 4096
	return &Once{otter.Must(&otter.Options[string, struct{}]{MaximumSize: remembered})}
}

// First says whether this is the first time.
func (o *Once) First(what string) bool {
	_, first := o.said.SetIfAbsent(what, struct{}{})
	return first
}
