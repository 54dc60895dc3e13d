package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/graph"
	"healthgraph/server"
)

// misspelt are documents with a name that is one letter short of one of the schema, by that name.
func misspelt(t *testing.T) map[string][]string {
	t.Helper()
	documents := map[string][]string{}
	short := func(name string) string { return name[:len(name)-1] }
	add := func(name, format string, args ...any) {
		documents[name] = append(documents[name], fmt.Sprintf(format, args...))
	}
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for _, definition := range schema.Types {
		if strings.HasPrefix(definition.Name, "__") {
			continue
		}
		add(definition.Name, "query($x: %s) { viewer { id } }", short(definition.Name))
		add(definition.Name, "{ ... on %s { id } }", short(definition.Name))
		add(definition.Name, "{ ...F } fragment F on %s { id }", short(definition.Name))
		for _, value := range definition.EnumValues {
			add(value.Name, "query($x: %s = %s) { viewer { id } }", definition.Name, short(value.Name))
		}
		for _, field := range definition.Fields {
			if definition.IsInputType() {
				add(field.Name, "query($x: %s = {%s: 1}) { viewer { id } }", definition.Name, short(field.Name))
				continue
			}
			if len(field.Name) > 2 && !strings.HasPrefix(field.Name, "__") {
				add(field.Name, "fragment F on %s { %s } { ...F }", definition.Name, short(field.Name))
			}
			for _, argument := range field.Arguments {
				add(argument.Name, "fragment F on %s { %s(%s: 1) { id } } { ...F }", definition.Name, field.Name, short(argument.Name))
			}
		}
	}
	for name := range schema.Directives {
		add(name, "{ viewer @%s { id } }", short(name))
	}
	add("if", "{ viewer @skip(i: true) { id } }")
	require.Greater(t, len(documents), 100)
	return documents
}

func TestNoNameIsSuggestedWhereIntrospectionIsOff(t *testing.T) {
	off, on := newSite(t), newSite(t, func(c *server.Config) { c.Introspection = true })
	helped := 0
	for name, documents := range misspelt(t) {
		for _, document := range documents {
			a := read(t, off.post(document, nil))
			require.NotEmpty(t, a.Errors, document)
			for _, e := range a.Errors {
				assert.NotContains(t, e.Message, "Did you mean", document)
				if !strings.Contains(document, name) && !strings.Contains(e.Message, "required") { // which is told of a field that was found
					assert.NotContains(t, strings.Fields(strings.NewReplacer(`"`, " ", ",", " ", ".", " ", "?", " ").Replace(e.Message)), name, document)
				}
			}
			if strings.Contains(on.post(document, nil).Body.String(), "Did you mean") {
				helped++
			}
		}
	}
	assert.Greater(t, helped, 100, "where it is on, people are helped")
}
