package onetwentyone

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"sort"
	"time"
)

// Step is one step sample to be served, as [Simulator.LoadSteps] takes it.
type Step struct {
	ID         string    // may be empty: then one is made that stays the same
	Start, End time.Time // in any zone; kept to the millisecond
	Value      float64
	Source     string // the device as its owner calls it; may be empty
	Product    string // the kind of device, "Watch7,1"; may be empty
}

// check refuses what no phone records and no page could show.
func (s Step) check() error {
	switch {
	case s.End.Before(s.Start):
		return errors.New("a sample ends before it starts")
	case s.Start.Year() < 1900 || s.End.Year() > 9999:
		return errors.New("a sample is outside of the years 1900 to 9999")
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0):
		return errors.New("the value of a sample is not finite")
	}
	return nil
}

// record is a sample in 32 bytes, because a real history has millions of them.
type record struct {
	start, end int64 // milliseconds since 1970
	value      float64
	source     int32 // index into history.sources
	id         int32 // index into history.ids, or -1
}

type source struct{ name, product string }

// history is all samples of one person and metric, in order of start. It never changes once it is published: changes
// make a new one, so that pages are written while samples arrive.
type history struct {
	records []record
	sources []source
	ids     []string
	longest int64 // the longest sample, in milliseconds
	live    bool  // samples are hidden until they have ended
}

// builder collects samples in any order.
type builder struct {
	history
	known     map[source]int32
	published bool
}

func newBuilder() *builder { return &builder{known: map[source]int32{}} }

func (b *builder) add(s Step) {
	src := source{s.Source, s.Product}
	index, ok := b.known[src]
	if !ok {
		index = int32(min(len(b.sources), math.MaxInt32)) //nolint:gosec // bounded
		b.known[src] = index
		b.sources = append(b.sources, src)
	}
	r := record{start: s.Start.UnixMilli(), end: s.End.UnixMilli(), value: s.Value, source: index, id: -1}
	if s.ID != "" {
		r.id = int32(min(len(b.ids), math.MaxInt32)) //nolint:gosec // bounded
		b.ids = append(b.ids, s.ID)
	}
	b.records = append(b.records, r)
	b.longest = max(b.longest, r.end-r.start)
}

func compare(a, b record) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.source, b.source))
}

// publish sorts what was added. The builder may go on being used.
func (b *builder) publish() *history {
	if !slices.IsSortedFunc(b.records, compare) {
		if b.published { // somebody may be reading these very records
			b.records = slices.Clone(b.records)
		}
		slices.SortStableFunc(b.records, compare)
	}
	b.published = true
	h := b.history
	return &h
}

// with is the history with one more sample.
func (h *history) with(s Step) *history {
	b := builder{history: *h, known: map[source]int32{}}
	for i, src := range h.sources {
		b.known[src] = int32(i) // as many as fitted before
	}
	b.sources, b.ids, b.records = slices.Clip(b.sources), slices.Clip(b.ids), slices.Clip(b.records)
	b.add(s)
	return b.publish()
}

// selection is the samples of a range, without a copy of them: a few, by their places, that began before the range and reach into
// it (or all, where they are in another order than that of their start), and then all records from first to last.
type selection struct {
	h           *history
	reaching    []int
	first, last int
}

// between selects by bounds in milliseconds, from included and to excluded. overlap adds the samples that began before
// the range and end in it or later. Of a live history, nothing is shown that has not ended by now.
func (h *history) between(from, to, now int64, overlap bool) selection {
	after := func(at int64) int {
		return sort.Search(len(h.records), func(i int) bool { return h.records[i].start >= at })
	}
	sel := selection{h: h, first: after(from), last: after(to)}
	if h.live {
		for i := after(now - h.longest); i < sel.last; i++ {
			if h.records[i].end > now {
				sel.last = i
			}
		}
	}
	if overlap && from > math.MinInt64+h.longest {
		for i := after(from - h.longest); i < min(sel.first, sel.last); i++ {
			if h.records[i].end >= from {
				sel.reaching = append(sel.reaching, i)
			}
		}
	}
	sel.first = min(sel.first, sel.last)
	return sel
}

func (s selection) len() int { return len(s.reaching) + s.last - s.first }

// index is the place in the history of the nth sample of the range.
func (s selection) index(n int, descending bool) int {
	if descending {
		n = s.len() - 1 - n
	}
	if n < len(s.reaching) {
		return s.reaching[n]
	}
	return s.first + n - len(s.reaching)
}

// sorted is the same samples in another order.
func (s selection) sorted(compare func(h *history, i, j int) int) selection {
	all := make([]int, s.len())
	for n := range all {
		all[n] = s.index(n, false)
	}
	slices.SortFunc(all, func(i, j int) int { return compare(s.h, i, j) })
	return selection{h: s.h, reaching: all}
}

// id is the sample's own or one made from the person, the metric and the sample. Equal samples, which real exports
// hold, stand next to each other and are told apart by their number.
func (h *history) id(owner string, i int) string {
	r := h.records[i]
	if r.id >= 0 {
		return h.ids[r.id]
	}
	twin := 0
	for i > twin && h.records[i-twin-1] == r {
		twin++
	}
	src := h.sources[r.source]
	key := make([]byte, 0, 160)
	key = append(key, owner...)
	key = append(key, 0)
	key = append(key, src.name...)
	key = append(key, 0)
	key = append(key, src.product...)
	key = append(key, 0)
	key = binary.BigEndian.AppendUint64(key, uint64(r.start)) //nolint:gosec // bits for a hash
	key = binary.BigEndian.AppendUint64(key, uint64(r.end))   //nolint:gosec // bits for a hash
	key = binary.BigEndian.AppendUint64(key, math.Float64bits(r.value))
	key = binary.BigEndian.AppendUint64(key, uint64(twin)) // not negative
	return uuid(key)
}

// uuid makes a UUID of version 8, the one left to applications, that follows from the key.
func uuid(key []byte) string {
	sum := sha256.Sum256(key)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	text := hex.EncodeToString(sum[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
