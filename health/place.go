package health

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"
)

// SamplePlace is where a sample stands in a list of samples: by its start, then its end, then what tells it from others there.
// It depends on the sample alone, never on its neighbours, so that a list can be left at a place and taken up again behind it,
// whatever came or went meanwhile. Comparable; the zero place stands before all.
type SamplePlace struct {
	start, end int64  // Unix time in nanoseconds
	identity   uint64 // hash of the source, and of the sample's id, else of its value and device
}

// PlaceOf is where a sample of the data source stands.
func PlaceOf(source DataSourceID, s Sample) SamplePlace {
	var hash xxhash.Digest
	hash.Reset()
	_, _ = hash.WriteString(string(source)) // a hash never fails
	if s.ID != "" {
		_, _ = hash.WriteString("\x00id\x00")
		_, _ = hash.WriteString(s.ID)
	} else {
		var value [8]byte
		binary.BigEndian.PutUint64(value[:], math.Float64bits(s.Value))
		_, _ = hash.Write(value[:])
		_, _ = hash.WriteString(s.Device)
	}
	return SamplePlace{s.Start.UnixNano(), s.End.UnixNano(), hash.Sum64()}
}

// Compare orders places: negative when p stands before q.
func (p SamplePlace) Compare(q SamplePlace) int {
	return cmp.Or(cmp.Compare(p.start, q.start), cmp.Compare(p.end, q.end), cmp.Compare(p.identity, q.identity))
}

// Start is the start of the sample that stands there.
func (p SamplePlace) Start() time.Time { return time.Unix(0, p.start).UTC() }

// IsZero says whether it is the place before all.
func (p SamplePlace) IsZero() bool { return p == SamplePlace{} }

// A cursor is a version and the three parts of a place, big-endian, in base64 for URLs. Whoever holds one held its sample: it
// tells nothing new.
const (
	cursorVersion = 1
	cursorBytes   = 1 + 3*8
	// CursorLength is the length of every cursor of samples, in bytes.
	CursorLength = (cursorBytes*8 + 5) / 6
)

// strictBase64 takes one spelling of each cursor alone.
var strictBase64 = base64.RawURLEncoding.Strict()

// AppendCursor writes the place as a cursor, without quotes: none of its characters needs an escape in JSON.
func (p SamplePlace) AppendCursor(b []byte) []byte {
	raw := [cursorBytes]byte{cursorVersion}
	binary.BigEndian.PutUint64(raw[1:], uint64(p.start)) //nolint:gosec // its bits are what is kept
	binary.BigEndian.PutUint64(raw[9:], uint64(p.end))   //nolint:gosec // likewise
	binary.BigEndian.PutUint64(raw[17:], p.identity)
	return strictBase64.AppendEncode(b, raw[:])
}

// Cursor is the place as an opaque text.
func (p SamplePlace) Cursor() string { return string(p.AppendCursor(make([]byte, 0, CursorLength))) }

// ParseCursor finds the place that a cursor stands for. What is no cursor of samples is BAD_USER_INPUT, and never repeated.
func ParseCursor(cursor string) (SamplePlace, error) {
	raw, err := strictBase64.DecodeString(cursor)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion {
		return SamplePlace{}, Refuse("after", "not a cursor of this list: take one from pageInfo or edges")
	}
	p := SamplePlace{
		start:    int64(binary.BigEndian.Uint64(raw[1:])), //nolint:gosec // its bits are what was kept
		end:      int64(binary.BigEndian.Uint64(raw[9:])), //nolint:gosec // likewise
		identity: binary.BigEndian.Uint64(raw[17:]),
	}
	if p.end < p.start {
		return SamplePlace{}, Refuse("after", "not a cursor of this list: take one from pageInfo or edges")
	}
	return p, nil
}
