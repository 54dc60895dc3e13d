package limits

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

// number is an Int. Those of variables have been coerced by now, and have the type of those in a document.
func (a arguments) number(name string) (int, bool) {
	n, ok := a[name].(int64)
	return int(n), ok
}
