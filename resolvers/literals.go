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
	// uncoerced is what it says of a variable's value that does not fit, which it repeats, or tells another number in its place.
	uncoerced = regexp.MustCompile(`(?s)^(?:cannot use value .* as|.* is not a valid) (\w+)$`)
	// unnamed and misnamed are what gqlgen says of an operation that it can't find in a document.
	unnamed  = "operation  not found"
	misnamed = regexp.MustCompile(`(?s)^operation .* not found$`)
)

// withoutLiterals is one of GraphQL's own errors without the values that it repeats from the document: one of them may be a
// token that stands where it does not belong. The error's location says where.
func withoutLiterals(e *gqlerror.Error) *gqlerror.Error {
	told := *e
	switch {
	case e.Extensions["code"] == "GRAPHQL_PARSE_FAILED":
		told.Message = misplaced.ReplaceAllString(e.Message, "$1")
	case strings.HasPrefix(e.Rule, "ValuesOfCorrectType") && !strings.HasSuffix(e.Message, ", found null."):
		told.Message = mistyped.ReplaceAllString(e.Message, "$1")
	case e.Message == unnamed:
		told.Message = "operationName is missing: the document has several operations"
	case misnamed.MatchString(e.Message):
		told.Message = "operationName names no operation of the document"
	case e.Rule == "" && len(e.Path) > 0:
		told.Message = uncoerced.ReplaceAllString(e.Message, "this value can't be used as $1")
	}
	return &told
}
