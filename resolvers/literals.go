package resolvers

import (
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

var (
	// misplaced is what gqlparser says of a document that does not parse, up to where it repeats a piece of it.
	misplaced = regexp.MustCompile(`(?s)^(Unexpected \w+|Expected .+?, found \w+|Invalid [a-z ]*[a-z])[ :,].*$`)
	// mistyped is what it says of a value that does not fit, up to the value.
	mistyped = regexp.MustCompile(`(?s)^(.*?)(?:, found|:) .*$`)
)

// withoutLiterals is one of GraphQL's own errors without the values that it repeats from the document: one of them may be a
// token that stands where it does not belong. The error's location says where.
func withoutLiterals(e *gqlerror.Error) *gqlerror.Error {
	told := *e
	switch {
	case strings.HasPrefix(e.Message, "operation ") && strings.HasSuffix(e.Message, " not found"): // gqlgen's, with operationName
		told.Message = "the document has no operation of the name that operationName gives"
	case e.Extensions["code"] == "GRAPHQL_PARSE_FAILED":
		told.Message = misplaced.ReplaceAllString(e.Message, "$1")
	case strings.HasPrefix(e.Rule, "ValuesOfCorrectType") && !strings.HasSuffix(e.Message, ", found null."):
		told.Message = mistyped.ReplaceAllString(e.Message, "$1")
	}
	return &told
}
