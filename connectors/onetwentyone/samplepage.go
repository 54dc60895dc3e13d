package onetwentyone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"healthgraph/connectors"
	"healthgraph/health"
)

// samplePage is what a pageAnswer has of samples.
type samplePage struct {
	hasMore    *bool
	limit      json.RawMessage
	samples    []health.Sample // as they stood there, repetitions included
	items      int             // as many stood there, whatever they were
	refused    int             // that made no sense
	recognised bool            // an item had a value and a start under names that we know
}

// sampleReader reads samples out of pages in one pass. It remembers what repeats from sample to sample: units and devices, each by its
// JSON, and what the names of the fields stand for, in their order.
type sampleReader struct {
	measure measure
	now     time.Time
	named   []named // of the last item
	units   map[string]unit
	devices map[string]string

	spellings map[string]string // of devices, by their lower case
	scratch   []byte
	layout    int // of sampleTimes: the one that the last odd instant was written in
}

func newSampleReader(m measure, now time.Time) *sampleReader {
	return &sampleReader{measure: m, now: now, named: make([]named, 0, likelyFields), units: map[string]unit{}, devices: map[string]string{}, spellings: map[string]string{}}
}

// mostRemembered bounds each of a reader's memories: an honest list has a handful of each.
const mostRemembered = 1000

// likelyFields are as many as an item is expected to have at most.
const likelyFields = 12

// leastItem is shorter than any item with a value and two instants, in bytes.
const leastItem = 64

// scanner is a decoder that gives values as parts of the text that it reads: they stay good.
type scanner struct {
	*jsontext.Decoder
	text []byte
}

func (s scanner) value() ([]byte, error) {
	v, err := s.ReadValue()
	end := int(s.InputOffset())
	return s.text[end-len(v) : end], err
}

// readPage reads a whole answer. The error says what is wrong with the page, and holds none of it.
func (r *sampleReader) readPage(body []byte) (page samplePage, err error) {
	// Tolerant as encoding/json is: it is not for us to judge their texts.
	s := scanner{jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), body}
	r.named = r.named[:0] // which were parts of the page before
	listed, err := r.readEnvelope(s, &page)
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return page, fmt.Errorf("not JSON from byte %d on", s.InputOffset())
	case err != nil:
		return page, err
	case page.hasMore == nil:
		return page, errors.New("the page does not say whether more follows")
	case !listed:
		return page, errors.New("the page's data is no list")
	}
	return page, nil
}

func (r *sampleReader) readEnvelope(s scanner, page *samplePage) (listed bool, err error) {
	if s.PeekKind() != '{' {
		if _, err := s.value(); err != nil {
			return false, err
		}
		return false, errors.New("the page is no object")
	}
	_, _ = s.ReadToken() // the brace
	for s.PeekKind() != '}' {
		name, err := s.value()
		if err != nil {
			return false, err
		}
		key, _ := connectors.Text(name)
		if strings.EqualFold(key, "data") {
			if listed, err = r.readItems(s, page); err != nil {
				return false, err
			}
			continue
		}
		value, err := s.value()
		switch {
		case err != nil:
			return false, err
		case strings.EqualFold(key, "limit"):
			page.limit = value
		case strings.EqualFold(key, "pagination"):
			var pagination struct {
				HasMore *bool `json:"has_more"`
			}
			if connectors.Unmarshal(value, &pagination) != nil {
				return false, errors.New("the page's pagination has another type than promised")
			}
			page.hasMore = pagination.HasMore
		}
	}
	_, _ = s.ReadToken() // the closing brace
	if _, err = s.ReadToken(); !errors.Is(err, io.EOF) {
		return false, errors.New("there is more than one value")
	}
	return listed, nil
}

func (r *sampleReader) readItems(s scanner, page *samplePage) (listed bool, err error) {
	if s.PeekKind() != '[' {
		_, err = s.value()
		return false, err
	}
	_, _ = s.ReadToken() // the bracket
	for s.PeekKind() != ']' {
		begin := s.InputOffset()
		sample, recognised, ok, err := r.readItem(s)
		if err != nil {
			return false, err
		}
		if page.samples == nil { // the others are about as long
			most := int64(len(s.text)) / max(s.InputOffset()-begin, leastItem)
			page.samples = make([]health.Sample, 0, min(most+1, pageSize))
		}
		page.items++
		page.recognised = page.recognised || recognised
		if ok {
			page.samples = append(page.samples, sample)
		} else {
			page.refused++
		}
	}
	undecided := len(page.samples)
	page.samples = r.measure.decide(page.samples)
	page.refused += undecided - len(page.samples)
	_, err = s.ReadToken()
	return true, err
}

// item is the values of a sample's fields as they stood there; nil where there was none, or null.
type item [columns]struct {
	json []byte
	rank int
}

// readItem reads one item. Without ok it made no sense. recognised says that a value and a start stood there under names that we
// know: a page on which no item is recognised has another shape than guessed.
func (r *sampleReader) readItem(s scanner) (sample health.Sample, recognised, ok bool, err error) {
	if s.PeekKind() != '{' {
		_, err = s.value()
		return sample, false, false, err
	}
	var found item
	_, _ = s.ReadToken() // the brace
	for place := 0; s.PeekKind() != '}'; place++ {
		name, err := s.value()
		if err != nil {
			return sample, false, false, err
		}
		value, err := s.value()
		if err != nil {
			return sample, false, false, err
		}
		c := r.column(place, name)
		if c.rank == 0 || value[0] == 'n' || (found[c.kind].json != nil && found[c.kind].rank < c.rank) {
			continue
		}
		found[c.kind].json, found[c.kind].rank = value, c.rank
	}
	if _, err = s.ReadToken(); err != nil {
		return sample, false, false, err
	}
	sample, recognised, ok = r.sample(&found)
	return sample, recognised, ok, nil
}

// named is a field's name, as a part of its page, and what it stands for.
type named struct {
	name []byte
	column
}

// column says which of a sample's fields a name stands for: most likely what the same name stood for at that place of the item before.
func (r *sampleReader) column(place int, name []byte) column {
	if place < len(r.named) && bytes.Equal(r.named[place].name, name) {
		return r.named[place].column
	}
	c := columnOf(name)
	if place < len(r.named) {
		r.named[place] = named{name, c}
	} else if place < mostRemembered {
		r.named = append(r.named, named{name, c})
	}
	return c
}

func columnOf(name []byte) column {
	var plain [48]byte
	if collapsed, ok := collapsedInto(plain[:0], name); ok {
		return columnsByName[string(collapsed)]
	}
	text, _ := connectors.Text(name)
	return columnsByName[separators.Replace(strings.ToLower(text))]
}

// collapsedInto is what a name is compared by, without its quotes, if it is as names are: short, and of ASCII without escapes.
func collapsedInto(collapsed, name []byte) (_ []byte, ok bool) {
	if len(name) > cap(collapsed) {
		return nil, false
	}
	for _, c := range name[1 : len(name)-1] {
		switch {
		case c == '_' || c == '-' || c == ' ':
		case c >= 'A' && c <= 'Z':
			collapsed = append(collapsed, c-'A'+'a')
		case c == '\\' || c >= utf8.RuneSelf:
			return nil, false
		default:
			collapsed = append(collapsed, c)
		}
	}
	return collapsed, true
}
