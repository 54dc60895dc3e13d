package health

import (
	"io"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Columns are lists that are written at once, as scalars: an object for each of ten thousand samples is dear, for who writes it
// and for who draws it. Output only.
type (
	// InstantColumn is written as numbers: milliseconds since 1970 in UTC, what is finer cut off. It is what JavaScript's Date takes, and what
	// the libraries that draw charts take without reading texts.
	InstantColumn []time.Time
	// NumberColumn is written as numbers. It holds no NaN and no infinity.
	NumberColumn []float64
	// TextColumn is written as texts, the empty one as null.
	TextColumn []string
)

// columnChunk is how much of a column is put together before it is handed on, in bytes.
const columnChunk = 4 << 10

// writeColumn writes a list through one small buffer. A response writer keeps its own error, so there is nobody to tell here.
func writeColumn[E any](w io.Writer, column []E, element func(b []byte, e E) []byte) {
	const longest = 64 // almost every element is shorter
	b := make([]byte, 0, min(columnChunk, 2+longest*len(column))+longest)
	b = append(b, '[')
	for i, e := range column {
		if i > 0 {
			b = append(b, ',')
		}
		if b = element(b, e); len(b) >= columnChunk {
			_, _ = w.Write(b)
			b = b[:0]
		}
	}
	_, _ = w.Write(append(b, ']'))
}

// MarshalGQL writes the scalar InstantColumn.
func (c InstantColumn) MarshalGQL(w io.Writer) {
	writeColumn(w, c, func(b []byte, t time.Time) []byte { return strconv.AppendInt(b, t.UnixMilli(), 10) })
}

// MarshalGQL writes the scalar NumberColumn.
func (c NumberColumn) MarshalGQL(w io.Writer) { writeColumn(w, c, AppendNumber) }

// MarshalGQL writes the scalar TextColumn.
func (c TextColumn) MarshalGQL(w io.Writer) {
	writeColumn(w, c, func(b []byte, s string) []byte {
		if s == "" {
			return append(b, "null"...)
		}
		return AppendText(b, s)
	})
}

// UnmarshalGQL refuses: no argument takes a column.
func (c *InstantColumn) UnmarshalGQL(any) error { return refuseColumn() }

// UnmarshalGQL refuses: no argument takes a column.
func (c *NumberColumn) UnmarshalGQL(any) error { return refuseColumn() }

// UnmarshalGQL refuses: no argument takes a column.
func (c *TextColumn) UnmarshalGQL(any) error { return refuseColumn() }

func refuseColumn() error { return Refuse("", "a column is never an input") }

// AppendNumber writes a finite number as JSON, in the shortest form that reads back as the same.
func AppendNumber(b []byte, n float64) []byte {
	if size := math.Abs(n); size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.AppendFloat(b, n, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, n, 'f', -1, 64)
}

// AppendText writes a JSON string. What is no UTF-8 becomes the replacement character.
func AppendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the failure tells of the replacement
	return b
}
