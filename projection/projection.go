// Package projection writes objects of an answer into one buffer, the selected fields and nothing else.
//
// gqlgen resolves each field of each object by itself: for a list, a goroutine and a context for each element. That is what
// resolvers need. Objects whose fields are all there already need none of it: here a selection is worked out once, and each element
// is then a loop over the fields that it selects.
//
// A Go type that GraphQL's type is bound to in gqlgen.yml, and whose MarshalGQLContext calls Write, is written so. Schema, introspection,
// validation and limits are as for any other type. The fields take no arguments, never fail, and the types implement no interface, but for
// links: tests hold what is described against the schema, and links against what gqlgen makes of them.
package projection

import (
	"context"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/health"
)

// Object describes an object type: how each of its fields is written from a T.
type Object[T any] map[string]Field[T]

// Field makes the writer of a field for one selection of it.
type Field[T any] func(operation *graphql.OperationContext, field graphql.CollectedField) writer[T]

// writer writes a value. v is only read.
type writer[T any] func(o *output, v *T)

// output is a buffer that is handed on when it is full. A response writer keeps its own error, so there is nobody to tell here.
type output struct {
	b []byte
	w io.Writer // nil: all of it stays in the buffer
}

// Write is for scalars that write themselves.
func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

const (
	chunk   = 16 << 10 // bytes that are handed on at once
	sampled = 20       // element of a list after which its length is estimated: small elements then fit into a chunk
)

func (o *output) flush(least int) {
	if len(o.b) >= least && o.w != nil {
		_, _ = o.w.Write(o.b)
		o.b = o.b[:0]
	}
}

// expect makes room for a list in a writer that keeps all it is given, once the first elements show how long they are: else it would
// double again and again.
func (o *output) expect(written, rest int) {
	if w, keeps := o.w.(interface{ Grow(n int) }); keeps {
		w.Grow(len(o.b) + len(o.b)*rest/written*9/8)
	}
}

// Write writes v as the field that ctx stands at selects it. It is for MarshalGQLContext.
func Write[T any](ctx context.Context, w io.Writer, object Object[T], v *T) {
	write := object.selected(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field)
	o, _ := outputs.Get().(*output)
	o.b, o.w = o.b[:0], w
	write(o, v)
	o.flush(0)
	o.w = nil
	outputs.Put(o)
}

// outputs are those whose buffers nobody fills at the moment: a page of few samples needs little of one.
var outputs = sync.Pool{New: func() any { return &output{b: make([]byte, 0, chunk+chunk/8)} }}

// fieldsOf are the fields that a field selects of its object, which may implement interfaces.
func fieldsOf(operation *graphql.OperationContext, of graphql.CollectedField, interfaces ...string) []graphql.CollectedField {
	return graphql.CollectFields(operation, of.Selections, append(interfaces, of.Definition.Type.Name()))
}

// selected works out what a field selects of the object.
func (object Object[T]) selected(operation *graphql.OperationContext, of graphql.CollectedField, interfaces ...string) writer[T] {
	typeName := of.Definition.Type.Name()
	type step struct {
		key   string
		write writer[T]
	}
	fields := fieldsOf(operation, of, interfaces...)
	steps := make([]step, len(fields))
	for i, field := range fields {
		key := `"` + field.Alias + `":` // a name needs no escapes
		if i > 0 {
			key = "," + key
		}
		if field.Name == "__typename" {
			steps[i] = step{key: key + `"` + typeName + `"`, write: func(*output, *T) {}}
			continue
		}
		steps[i] = step{key, object[field.Name](operation, field)}
	}
	return func(o *output, v *T) {
		o.b = append(o.b, '{')
		for i := range steps {
			o.b = append(o.b, steps[i].key...)
			steps[i].write(o, v)
		}
		o.b = append(o.b, '}')
	}
}

// writeList writes the elements of a list, commas between them, for one element of gqlgen's to be all of them: it puts the brackets around.
// For a list of several gqlgen would begin a goroutine for each.
func writeList[T any](write writer[T], list []T) []byte {
	const likely = 64 // bytes of an element
	o := output{b: make([]byte, 0, likely*len(list))}
	for i := range list {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		write(&o, &list[i])
		if i == sampled {
			o.b = slices.Grow(o.b, len(o.b)*(len(list)-i-1)/(i+1)*9/8)
		}
	}
	return o.b
}

// Leaf is a field of a scalar or an enum, whose JSON is appended.
func Leaf[T any](appendTo func(b []byte, v *T) []byte) Field[T] {
	write := func(o *output, v *T) { o.b = appendTo(o.b, v) }
	return func(*graphql.OperationContext, graphql.CollectedField) writer[T] { return write }
}

// Text is a Leaf of type String or ID, or an enum.
func Text[T any, S ~string](get func(v *T) S) Field[T] {
	return Leaf(func(b []byte, v *T) []byte { return health.AppendText(b, string(get(v))) })
}

// Scalar is a nullable Leaf of a type that writes itself.
func Scalar[T any, S interface{ MarshalGQL(w io.Writer) }](get func(v *T) *S) Field[T] {
	return func(*graphql.OperationContext, graphql.CollectedField) writer[T] {
		return func(o *output, v *T) {
			if s := get(v); s != nil {
				(*s).MarshalGQL(o)
				return
			}
			o.b = append(o.b, "null"...)
		}
	}
}

// Bool is a Leaf of type Boolean.
func Bool[T any](get func(v *T) bool) Field[T] {
	return Leaf(func(b []byte, v *T) []byte {
		if get(v) {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	})
}

// Nullable is a Leaf that is null where get gives nil, and what appendTo appends elsewhere.
func Nullable[T, S any](get func(v *T) *S, appendTo func(b []byte, s S) []byte) Field[T] {
	return Leaf(func(b []byte, v *T) []byte {
		if s := get(v); s != nil {
			return appendTo(b, *s)
		}
		return append(b, "null"...)
	})
}

// Int is a Leaf of type Int.
func Int[T any](get func(v *T) int) Field[T] {
	return Leaf(func(b []byte, v *T) []byte { return strconv.AppendInt(b, int64(get(v)), 10) })
}

// NullableInt is the same: null where there is none.
func NullableInt[T any](get func(v *T) *int) Field[T] {
	return Nullable(get, func(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) })
}

// NullableText is a Leaf of type String or of an enum: null where there is none.
func NullableText[T any, S ~string](get func(v *T) *S) Field[T] {
	return Nullable(get, func(b []byte, s S) []byte { return health.AppendText(b, string(s)) })
}

// NullableInstant is a Leaf of type DateTime, likewise.
func NullableInstant[T any](get func(v *T) *time.Time) Field[T] { return Nullable(get, appendInstant) }

// NullableBool is a Leaf of type Boolean, likewise.
func NullableBool[T any](get func(v *T) *bool) Field[T] { return Nullable(get, strconv.AppendBool) }

// Texts is a Leaf of type [String!]!, or of a list of an enum.
func Texts[T any, S ~string](get func(v *T) []S) Field[T] {
	return Leaf(func(b []byte, v *T) []byte { return appendTexts(b, get(v)) })
}

// NullableTexts is the same: null where get gives nil.
func NullableTexts[T any](get func(v *T) []string) Field[T] {
	return Leaf(func(b []byte, v *T) []byte {
		if texts := get(v); texts != nil {
			return appendTexts(b, texts)
		}
		return append(b, "null"...)
	})
}

func appendTexts[S ~string](b []byte, texts []S) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = health.AppendText(b, string(text))
	}
	return append(b, ']')
}

// One is a field of an object type: null where there is none.
func One[T, U any](object Object[U], get func(v *T) *U) Field[T] {
	return func(operation *graphql.OperationContext, field graphql.CollectedField) writer[T] {
		write := object.selected(operation, field)
		return func(o *output, v *T) {
			if u := get(v); u != nil {
				write(o, u)
				return
			}
			o.b = append(o.b, "null"...)
		}
	}
}

// Many is a field of a list of objects, none of them null.
func Many[T, U any](object Object[U], get func(v *T) []U) Field[T] {
	return func(operation *graphql.OperationContext, field graphql.CollectedField) writer[T] {
		write := object.selected(operation, field)
		return func(o *output, v *T) {
			o.b = append(o.b, '[')
			list := get(v)
			for i := range list {
				if i > 0 {
					o.b = append(o.b, ',')
				}
				write(o, &list[i])
				if i == sampled {
					o.expect(i+1, len(list)-i-1)
				}
				o.flush(chunk)
			}
			o.b = append(o.b, ']')
		}
	}
}
