package onetwentyone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

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

// sampleReader reads samples out of pages in one pass. It remembers what repeats from sample to sample: names of fields, units and
// devices, each by its JSON.
type sampleReader struct {
	measure measure
	now     time.Time
	names   map[string]column
	units   map[string]unit
	devices map[string]string

	spellings map[string]string // of devices, by their lower case
	scratch   []byte
	layout    int // of sampleTimes: the one that the last odd instant was written in
}

func newSampleReader(m measure, now time.Time) *sampleReader {
	return &sampleReader{measure: m, now: now, names: map[string]column{}, units: map[string]unit{}, devices: map[string]string{}, spellings: map[string]string{}}
}

// mostRemembered bounds each of a reader's memories: an honest list has a handful of each.
const mostRemembered = 1000

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
			if json.Unmarshal(value, &pagination) != nil {
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
	page.samples = make([]health.Sample, 0, min(len(s.text)/leastItem, pageSize))
	_, _ = s.ReadToken() // the bracket
	for s.PeekKind() != ']' {
		sample, recognised, ok, err := r.readItem(s)
		if err != nil {
			return false, err
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
	for s.PeekKind() != '}' {
		name, err := s.value()
		if err != nil {
			return sample, false, false, err
		}
		value, err := s.value()
		if err != nil {
			return sample, false, false, err
		}
		c := r.column(name)
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

// column says which of a sample's fields a name stands for.
func (r *sampleReader) column(name []byte) column {
	c, known := r.names[string(name)]
	if !known {
		text, _ := connectors.Text(name)
		c = columnsByName[separators.Replace(strings.ToLower(text))]
		if len(r.names) < mostRemembered {
			r.names[string(name)] = c
		}
	}
	return c
}
