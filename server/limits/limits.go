// Package limits keeps one GraphQL operation from taking more than its share: what a document may hold is checked before it is
// validated, since validation takes the square of some of it, and what the operation will cost before it is executed.
package limits

import (
	"context"
	"fmt"
	"log/slog"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"healthgraph/server/documents"
)

// The codes of operations that are refused.
const (
	CodeTooLarge     = "OPERATION_TOO_LARGE"     // before it is validated; extensions.limit says by which limit
	CodeTooExpensive = "OPERATION_TOO_EXPENSIVE" // before it is executed
)

// Config are the limits. Zero ones get the defaults, which Defaults has.
type Config struct {
	Depth       int // fields within fields
	Aliases     int // fields with another name than their own
	RootFields  int // fields of Query or Mutation
	Directives  int
	Fields      int // fields, where each fragment counts as often as it is spread
	Tokens      int // names, braces and the like
	QueryBytes  int // of a document that is sent
	BodyBytes   int // of a request
	Cost        int // see Cost
	MeasureOnly bool
	Log         *slog.Logger
}

// Defaults are the limits where nothing else is configured.
func Defaults() Config {
	return Config{
		Depth: 15, Aliases: 100, RootFields: 30, Directives: 50, Fields: 2000, Tokens: 2000,
		QueryBytes: 64 << 10, BodyBytes: 1 << 20, Cost: 1_000_000,
	}
}

// allowed is the limit of that name.
func (c Config) allowed(limit Limit) int {
	switch limit {
	case Depth:
		return c.Depth
	case Aliases:
		return c.Aliases
	case RootFields:
		return c.RootFields
	case Directives:
		return c.Directives
	case Fields:
		return c.Fields
	case Tokens:
		return c.Tokens
	case QueryBytes:
		return c.QueryBytes
	case BodyBytes:
		return c.BodyBytes
	default:
		return c.Cost
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	for _, each := range []struct{ limit, otherwise *int }{
		{&c.Depth, &d.Depth}, {&c.Aliases, &d.Aliases}, {&c.RootFields, &d.RootFields}, {&c.Directives, &d.Directives}, {&c.Fields, &d.Fields},
		{&c.Tokens, &d.Tokens}, {&c.QueryBytes, &d.QueryBytes}, {&c.BodyBytes, &d.BodyBytes}, {&c.Cost, &d.Cost},
	} {
		if *each.limit <= 0 {
			*each.limit = *each.otherwise
		}
	}
	return c
}

// ceilings hold where limits are only measured: they keep the parser, which nothing else bounds, and validation, which takes the
// square of the tokens, to a second.
var ceilings = map[Limit]int{Tokens: 4000, QueryBytes: 256 << 10, BodyBytes: 4 << 20}

// Limits is a gqlgen extension: whatever transport a request came by, it is checked.
type Limits struct {
	Counters Counters

	config    Config
	documents *documents.Documents
	schema    *ast.Schema
	told      *documents.Once
}

var (
	_ graphql.OperationParameterMutator = (*Limits)(nil)
	_ graphql.OperationContextMutator   = (*Limits)(nil)
	_ graphql.OperationInterceptor      = (*Limits)(nil)
	_ graphql.ResponseInterceptor       = (*Limits)(nil)
)

// New makes the limits of a server that keeps these documents.
func New(c Config, d *documents.Documents) *Limits {
	return &Limits{config: c.withDefaults(), documents: d, told: documents.NewOnce()}
}

// Config is what is in force.
func (l *Limits) Config() Config { return l.config }

// ExtensionName implements graphql.HandlerExtension.
func (*Limits) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension: the executor hands over the schema.
func (l *Limits) Validate(schema graphql.ExecutableSchema) error {
	l.schema = schema.Schema()
	return nil
}

// MutateOperationParameters implements graphql.OperationParameterMutator: it refuses a document that is too large, before it
// is validated. A document that can't be parsed is left to the executor.
func (l *Limits) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	document, known := l.documents.Known(params.Query)
	if !known || l.config.MeasureOnly { // where limits are enforced, what is known was not over it
		if n := countTokens(params.Query); l.Refuses(ctx, Tokens, params.Query, n) {
			return tooLarge(Tokens, n, l.Most(Tokens))
		}
	}
	if !known {
		var err error
		if document, err = parser.ParseQuery(&ast.Source{Input: params.Query}); err != nil {
			return nil //nolint:nilerr // the executor parses it once more and says what is wrong
		}
	}
	size := Measure(document)
	for _, each := range []struct {
		limit     Limit
		requested int
	}{{Depth, size.Depth}, {RootFields, size.RootFields}, {Aliases, size.Aliases}, {Directives, size.Directives}, {Fields, size.Fields}} {
		if l.Refuses(ctx, each.limit, params.Query, each.requested) {
			return tooLarge(each.limit, each.requested, l.Most(each.limit))
		}
	}
	return nil
}

// Most is how much passes: the limit, or where limits are only measured its ceiling, if it has one and that is higher.
func (l *Limits) Most(limit Limit) int {
	allowed := l.config.allowed(limit)
	if !l.config.MeasureOnly {
		return allowed
	}
	if ceiling, has := ceilings[limit]; has {
		return max(allowed, ceiling)
	}
	return math.MaxInt
}

// Refuses counts an operation that is over a limit, and says whether it ends there. Where limits are only measured it is told
// in the log, once for each document. text is the document, "" where it was not read.
func (l *Limits) Refuses(ctx context.Context, limit Limit, text string, requested int) bool {
	allowed := l.config.allowed(limit)
	if requested <= allowed {
		return false
	}
	l.Counters.Add(limit)
	if hash := documents.Digest(text); l.config.MeasureOnly && l.told.First(string(limit)+hash) {
		l.config.Log.WarnContext(ctx, "an operation is over a limit that is only measured", "limit", limit, "requested", requested, "allowed", allowed, "sha256", hash)
	}
	return requested > l.Most(limit)
}

func tooLarge(limit Limit, requested, allowed int) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    fmt.Sprintf("the operation is too large: at most %d %s, not %d", allowed, limit.words(), requested),
		Extensions: map[string]any{"code": CodeTooLarge, "limit": limit, "requested": requested, "allowed": allowed},
	}
}

// countTokens counts the tokens of a document, comments included, as far as it can be read.
func countTokens(text string) int {
	tokens := lexer.New(&ast.Source{Input: text})
	for n := 0; ; n++ {
		token, err := tokens.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return n
		}
	}
}
