package limits

import (
	"encoding/json"
	"strconv"
)

// arguments are a field's, with variables in place.
type arguments map[string]any

// list is an argument's list as GraphQL coerces it: a single value is a list of one.
func (a arguments) list(name string) []any {
	switch value := a[name].(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

// number is an Int. It has one type in a document and another in variables.
func (a arguments) number(name string) (int, bool) {
	switch value := a[name].(type) {
	case int64:
		return int(value), true
	case json.Number:
		n, err := strconv.Atoi(value.String())
		return n, err == nil
	default:
		return 0, false
	}
}
