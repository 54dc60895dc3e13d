package limits

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
)

// Size is what a document holds: of its operations and fragments the largest of each. What stands in a fragment counts as
// often as the fragment is spread. Numbers end at math.MaxInt32 instead of
// running over.
type Size struct {
	Depth, Aliases, RootFields, Directives, Fields int
}

// Measure sizes a document up, valid or not, in time that grows with its text alone: each fragment is measured once, however
// often it is spread. One that spreads itself counts as nothing there; validation refuses it.
func Measure(document *ast.QueryDocument) Size {
	m := measurer{fragments: make(map[string]Size, len(document.Fragments)), byName: make(map[string]*ast.FragmentDefinition, len(document.Fragments))}
	for _, fragment := range document.Fragments {
		if m.byName[fragment.Name] == nil { // of two with one name the first, as validation reads it
			m.byName[fragment.Name] = fragment
		}
	}
	var size Size
	for _, operation := range document.Operations {
		of := m.selections(operation.SelectionSet)
		of.Directives = plus(of.Directives, len(operation.Directives))
		for _, variable := range operation.VariableDefinitions {
			of.Directives = plus(of.Directives, len(variable.Directives))
		}
		size = size.largest(of)
	}
	for _, fragment := range document.Fragments { // also the ones that nobody spreads, which are validated all the same
		of := m.fragment(fragment.Name)
		if m.byName[fragment.Name] != fragment {
			of = m.selections(fragment.SelectionSet)
		}
		of.Directives = plus(of.Directives, len(fragment.Directives))
		of.RootFields = 0
		size = size.largest(of)
	}
	return size
}

type measurer struct {
	byName    map[string]*ast.FragmentDefinition
	fragments map[string]Size // a fragment that is being measured is nothing yet
}

// selections is the size of a selection set. RootFields are its fields.
func (m *measurer) selections(selections ast.SelectionSet) Size {
	var size Size
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			within := m.selections(selection.SelectionSet)
			within.Depth = plus(within.Depth, 1)
			within.Fields = plus(within.Fields, 1)
			within.Directives = plus(within.Directives, len(selection.Directives))
			within.RootFields = 1
			if selection.Alias != selection.Name {
				within.Aliases = plus(within.Aliases, 1)
			}
			size = size.beside(within)
		case *ast.InlineFragment:
			within := m.selections(selection.SelectionSet)
			within.Directives = plus(within.Directives, len(selection.Directives))
			size = size.beside(within)
		case *ast.FragmentSpread:
			within := m.fragment(selection.Name)
			within.Directives = plus(within.Directives, len(selection.Directives))
			size = size.beside(within)
		}
	}
	return size
}

func (m *measurer) fragment(name string) Size {
	if size, measured := m.fragments[name]; measured {
		return size
	}
	fragment := m.byName[name]
	if fragment == nil {
		return Size{}
	}
	m.fragments[name] = Size{}
	size := m.selections(fragment.SelectionSet)
	m.fragments[name] = size
	return size
}

// beside is the size of two selections in one set.
func (s Size) beside(other Size) Size {
	return Size{max(s.Depth, other.Depth), plus(s.Aliases, other.Aliases), plus(s.RootFields, other.RootFields), plus(s.Directives, other.Directives), plus(s.Fields, other.Fields)}
}

func (s Size) largest(other Size) Size {
	return Size{max(s.Depth, other.Depth), max(s.Aliases, other.Aliases), max(s.RootFields, other.RootFields), max(s.Directives, other.Directives), max(s.Fields, other.Fields)}
}

// most is where counting ends.
const most = math.MaxInt32

// plus adds two numbers from 0 to most, up to most.
func plus(a, b int) int { return a + min(b, most-a) }

// times multiplies two numbers from 0 to most, up to most.
func times(a, b int) int {
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}
