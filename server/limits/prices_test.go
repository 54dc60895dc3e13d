package limits

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/graph"
)

// resolved are the fields that a resolver answers, as "type.field" in lower case: gqlgen gives each type with such fields an
// interface with a method for each of them.
func resolved(t *testing.T) map[string]bool {
	t.Helper()
	fields := map[string]bool{}
	root := reflect.TypeFor[graph.ResolverRoot]()
	for i := range root.NumMethod() {
		of := root.Method(i)
		for j := range of.Type.Out(0).NumMethod() {
			fields[strings.ToLower(of.Name+"."+of.Type.Out(0).Method(j).Name)] = true
		}
	}
	require.True(t, fields["user.stepcount"])
	require.True(t, fields["datasourcelink.authorizationurl"])
	return fields
}

// unpriced are the fields of the schema that read something or multiply, and have no price; unknown are the prices of no such
// field.
func unpriced(schema *ast.Schema, resolved map[string]bool) (missing, unknown []string) {
	unknown = make([]string, 0, len(prices))
	for name := range prices {
		unknown = append(unknown, name)
	}
	for _, definition := range schema.Types {
		if definition.Kind != ast.Object && definition.Kind != ast.Interface || strings.HasPrefix(definition.Name, "__") {
			continue
		}
		for _, field := range definition.Fields {
			name := definition.Name + "." + field.Name
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			_, priced := prices[name]
			unknown = slices.DeleteFunc(unknown, func(other string) bool { return other == name })
			if !priced && (resolved[strings.ToLower(name)] || len(field.Arguments) > 0 || field.Type.Elem != nil) {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	return missing, unknown
}

func TestEveryFieldThatReadsOrMultipliesHasAPrice(t *testing.T) {
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	missing, unknown := unpriced(schema, resolved(t))
	assert.Empty(t, missing, "give each of them a price in prices.go")
	assert.Empty(t, unknown, "prices of fields that there are not")

	t.Run("a new field is found", func(t *testing.T) {
		user := *schema.Types["User"]
		user.Fields = append(slices.Clone(user.Fields),
			&ast.FieldDefinition{Name: "weather", Type: ast.NamedType("StepCount", nil), Arguments: ast.ArgumentDefinitionList{{Name: "on"}}},
			&ast.FieldDefinition{Name: "devices", Type: ast.NonNullListType(ast.NamedType("String", nil), nil)},
			&ast.FieldDefinition{Name: "heart", Type: ast.NamedType("StepCount", nil)},
			&ast.FieldDefinition{Name: "nickname", Type: ast.NamedType("String", nil)},
		)
		changed := *schema
		changed.Types = map[string]*ast.Definition{"User": &user}
		missing, _ := unpriced(&changed, map[string]bool{"user.heart": true})
		assert.Equal(t, []string{"User.devices", "User.heart", "User.weather"}, missing)
	})
}
