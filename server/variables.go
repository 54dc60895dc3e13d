package server

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// variables finishes what gqlparser leaves of coercing an operation's variables. It is an extension of gqlgen, and stands before
// whatever reads variables.
type variables struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = variables{}

// ExtensionName implements graphql.HandlerExtension.
func (variables) ExtensionName() string { return "Variables" }

// Validate implements graphql.HandlerExtension.
func (variables) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses a text where a number is expected, and gives every list one type: gqlparser makes a []string of
// a text that stands for a list of one.
func (variables) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	for _, declared := range operation.Operation.VariableDefinitions {
		value, given := operation.Variables[declared.Variable]
		if !given {
			continue
		}
		if _, isText := value.(string); isText && (declared.Type.NamedType == "Int" || declared.Type.NamedType == "Float") {
			err := gqlerror.ErrorPathf(ast.Path{ast.PathName("variable"), ast.PathName(declared.Variable)}, "cannot use string as %s", declared.Type.NamedType)
			errcode.Set(err, errcode.ValidationFailed)
			return err
		}
		operation.Variables[declared.Variable] = withPlainLists(value)
	}
	return nil
}

// withPlainLists is a value whose lists are all []any, those within objects and lists included.
func withPlainLists(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = withPlainLists(member)
		}
		return value
	case []any:
		for i, element := range value {
			value[i] = withPlainLists(element)
		}
		return value
	}
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice {
		return value
	}
	plain := make([]any, list.Len())
	for i := range plain {
		plain[i] = withPlainLists(list.Index(i).Interface())
	}
	return plain
}
