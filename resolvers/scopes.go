package resolvers

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/callers"
	"healthgraph/health"
)

// Scopes refuses an operation that asks for a field whose scope its caller does not hold: the directive @requiresScope says in
// the schema which that is. It is asked once for a whole operation, before any of it is resolved.
type Scopes struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = Scopes{}

// ExtensionName names it among the executor's extensions.
func (Scopes) ExtensionName() string { return "Scopes" }

// Validate has nothing to check.
func (Scopes) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext changes nothing. Its error names every scope that is missing.
func (Scopes) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	caller := callers.FromContext(ctx)
	w := scopeWalk{operation: operation, seen: map[*ast.FragmentDefinition]bool{}}
	w.visit(operation.Operation.SelectionSet)
	missing := slices.DeleteFunc(w.needed, caller.May)
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return &gqlerror.Error{
		Message:    "this credential lacks " + strings.Join(missing, " and ") + ", which the document asks for",
		Extensions: map[string]any{"code": health.Forbidden, "missingScopes": missing},
	}
}

// scopeWalk collects the scopes that an operation needs. What is skipped by a variable is not asked for.
type scopeWalk struct {
	operation *graphql.OperationContext
	seen      map[*ast.FragmentDefinition]bool
	needed    []string
}

func (w *scopeWalk) visit(selections ast.SelectionSet) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			if w.skipped(s.Directives) {
				continue
			}
			if scope := requiredScope(s.Definition); scope != "" && !slices.Contains(w.needed, scope) {
				w.needed = append(w.needed, scope)
			}
			w.visit(s.SelectionSet)
		case *ast.InlineFragment:
			if !w.skipped(s.Directives) {
				w.visit(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if !w.skipped(s.Directives) && !w.seen[s.Definition] {
				w.seen[s.Definition] = true
				w.visit(s.Definition.SelectionSet)
			}
		}
	}
}

// requiredScope is the scope that a field needs, "" for none.
func requiredScope(field *ast.FieldDefinition) string {
	if field == nil {
		return ""
	}
	directive := field.Directives.ForName("requiresScope")
	if directive == nil {
		return ""
	}
	return directive.Arguments.ForName("scope").Value.Raw
}

func (w *scopeWalk) skipped(directives ast.DirectiveList) bool {
	is := func(name string, value bool) bool {
		directive := directives.ForName(name)
		return directive != nil && directive.ArgumentMap(w.operation.Variables)["if"] == value
	}
	return is("skip", true) || is("include", false)
}
