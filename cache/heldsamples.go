package cache

import (
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// heldSamples are samples in two pieces of memory without a pointer in them: they are most of what is remembered.
type heldSamples struct {
	rows   []sampleRow
	text   string // of all rows, one after the other: an ID, a unit and a device each
	pages  []int  // how many rows each has
	result connectors.SampleResult
}

// sampleRow is a sample: its times in nanoseconds since 1970, and how many bytes of the text are its own.
type sampleRow struct {
	start, end       int64
	value            float64
	id, unit, device uint32
}

const rowBytes = 40

func holdSamples(s samples) held[samples] {
	h := &heldSamples{pages: make([]int, len(s.Pages)), result: s.Result}
	rows, bytes := 0, 0
	for i, page := range s.Pages {
		h.pages[i] = len(page)
		rows += len(page)
		for _, sample := range page {
			bytes += len(sample.ID) + len(sample.Unit) + len(sample.Device)
		}
	}
	h.rows = make([]sampleRow, 0, rows)
	var text strings.Builder
	text.Grow(bytes)
	for _, page := range s.Pages {
		for _, sample := range page {
			h.rows = append(h.rows, sampleRow{
				sample.Start.UnixNano(), sample.End.UnixNano(), sample.Value,
				uint32(len(sample.ID)), uint32(len(sample.Unit)), uint32(len(sample.Device)), //nolint:gosec // of one answer, which is a few megabytes
			})
			text.WriteString(sample.ID)
			text.WriteString(string(sample.Unit))
			text.WriteString(sample.Device)
		}
	}
	h.text = text.String()
	return h
}

func (h *heldSamples) whole() samples {
	s := samples{Pages: make([][]health.Sample, len(h.pages)), Result: h.result}
	all := make([]health.Sample, len(h.rows))
	text := h.text
	take := func(bytes uint32) (taken string) {
		taken, text = text[:bytes], text[bytes:]
		return taken
	}
	for i, row := range h.rows {
		all[i] = health.Sample{
			ID: take(row.id), Unit: health.Unit(take(row.unit)), Device: take(row.device),
			Start: time.Unix(0, row.start).UTC(), End: time.Unix(0, row.end).UTC(), Value: row.value,
		}
	}
	for i, n := range h.pages {
		s.Pages[i], all = all[:n:n], all[n:]
	}
	return s
}

func (h *heldSamples) bytes() int {
	return len(h.rows)*rowBytes + len(h.text) + 8*len(h.pages)
}
