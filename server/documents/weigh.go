package documents

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// What a parsed document takes of the heap beside its text, in bytes: measured, and rounded up. The text alone says little: a
// list of one-letter fields takes a hundred times its length, a long comment next to nothing.
const (
	entryBytes = 256 // an entry of a cache, and what surrounds a document
	nodeBytes  = 384 // a field, argument, value, directive, fragment or variable, with its place in the text
)

// weigh estimates the heap that a parsed document holds. It looks at each part of the text once: fragments are not expanded.
func weigh(text string, document *ast.QueryDocument) int {
	nodes := 1
	for _, operation := range document.Operations {
		nodes += 1 + selectionNodes(operation.SelectionSet) + directiveNodes(operation.Directives)
		for _, variable := range operation.VariableDefinitions {
			nodes += 2 + valueNodes(variable.DefaultValue) + directiveNodes(variable.Directives)
		}
	}
	for _, fragment := range document.Fragments {
		nodes += 1 + selectionNodes(fragment.SelectionSet) + directiveNodes(fragment.Directives)
	}
	return entryBytes + len(text) + nodes*nodeBytes
}

func selectionNodes(selections ast.SelectionSet) int {
	nodes := 0
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			nodes += 1 + selectionNodes(selection.SelectionSet) + argumentNodes(selection.Arguments) + directiveNodes(selection.Directives)
		case *ast.InlineFragment:
			nodes += 1 + selectionNodes(selection.SelectionSet) + directiveNodes(selection.Directives)
		case *ast.FragmentSpread:
			nodes += 1 + directiveNodes(selection.Directives)
		}
	}
	return nodes
}

func argumentNodes(arguments ast.ArgumentList) int {
	nodes := 0
	for _, argument := range arguments {
		nodes += 1 + valueNodes(argument.Value)
	}
	return nodes
}

func directiveNodes(directives ast.DirectiveList) int {
	nodes := 0
	for _, directive := range directives {
		nodes += 1 + argumentNodes(directive.Arguments)
	}
	return nodes
}

func valueNodes(value *ast.Value) int {
	if value == nil {
		return 0
	}
	nodes := 1
	for _, child := range value.Children {
		nodes += 1 + valueNodes(child.Value)
	}
	return nodes
}
