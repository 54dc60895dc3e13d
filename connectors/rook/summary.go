package rook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"

	"healthgraph/connectors"
	"healthgraph/health"
)

// maxDayDrift is by how many days a date in a summary may differ from the day asked for. Which instant its time is (local midnight,
// or when ROOK extracted it) and in which zone is not documented, and examples show both Z and offsets. Nor is documented whether
// a night's date is that of the evening or of the morning.
const maxDayDrift = 1

// The structures of the summaries that are read, and the parts of the address that they stand at.
const (
	physicalSummary = "physical_summary"
	physicalHealth  = "physical_health"
	sleepSummary    = "sleep_summary"
	sleepHealth     = "sleep_health"
)

// document is one of ROOK's documents about a day: what of it tells steps, sleep or a zone, and whose they are.
type document struct {
	Version       json.RawMessage `json:"document_version"`
	UserID        json.RawMessage `json:"user_id"`
	DataStructure *string         `json:"data_structure"`
	Physical      *struct {
		Summary struct {
			Summary summary `json:"physical_summary"`
		} `json:"summary"`
	} `json:"physical_health"`
	Sleep *struct {
		Summary struct {
			Summary summary `json:"sleep_summary"`
		} `json:"summary"`
	} `json:"sleep_health"`
	Information *information `json:"user_information"`
	Metadata    *struct {
		UserID any `json:"user_id_string"`
	} `json:"metadata"` // of user_info; that of a summary is within it
	version int64 // Version as a number
}

// summary is the content of a document. Parts of another structure are absent.
type summary struct {
	Metadata struct {
		Time    *string  `json:"datetime_string"`
		Sources []string `json:"sources_of_data_array"`
		UserID  any      `json:"user_id_string"`
	} `json:"metadata"`
	version  int64    // of the document that it stands in
	Distance distance `json:"distance"`
	Duration duration `json:"duration"`
	Scores   scores   `json:"scores"`
}

// eachDay asks for each date with one call, since ROOK has no range, as many at once as the client allows, and no more once ROOK
// has answered 429.
func (c *Connector) eachDay(dates []health.Date, read func(i int) error, failed func(i int, err error)) {
	var brake brake
	connectors.Each(len(dates), c.client.MaxInFlight(), func(i int) {
		if err := brake.run(func() error { return read(i) }); err != nil {
			failed(i, err)
		}
	})
}

// readSummary reads the summary of one day. nil is no data, and never zero.
func (c *Connector) readSummary(ctx context.Context, id string, date health.Date, pillar, structure string) (*summary, error) {
	newest, err := c.readDocument(ctx, partSummaries, id, date, pillar, "summary")
	if err != nil || newest == nil {
		return nil, err
	}
	content, err := newest.about(id, date, structure)
	return content, c.invalid(err)
}

// readDocument reads the newest version of a document about one of a person's days, as it came. nil is no data, which 204 is.
func (c *Connector) readDocument(ctx context.Context, part, id string, date health.Date, path ...string) (*document, error) {
	if err := c.checkID(id); err != nil {
		return nil, err
	}
	call := c.call(part, append([]string{"v2", "processed_data"}, path...)...)
	call.Query = url.Values{"user_id": {id}, "date": {date.String()}}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	defer answer.Release()
	if answer.Status == http.StatusNoContent || deniesPerson(answer) || deniesDay(answer, date, c.client.Now()) {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	if err := c.client.Failure(call, answer); err != nil {
		return nil, err
	}
	documents, err := c.documents(answer)
	if err != nil {
		return nil, err
	}
	newest, err := newestOf(documents)
	return newest, c.invalid(err)
}

// documents reads an answer: a document, or a list of the versions of one. {} and [] are none: ROOK's specification gives even
// its 204 an empty object.
func (c *Connector) documents(answer connectors.Answer) ([]document, error) {
	body := bytes.TrimSpace(answer.Body)
	if bytes.Equal(body, []byte("{}")) {
		return nil, nil
	}
	if bytes.HasPrefix(body, []byte("[")) {
		var versions []document
		return versions, c.client.Decode(answer, &versions)
	}
	one := make([]document, 1)
	return one, c.client.Decode(answer, &one[0])
}

// newestOf is nil where there are none.
func newestOf(documents []document) (newest *document, err error) {
	highest := math.Inf(-1)
	for i := range documents {
		number, _, ok := connectors.Number(documents[i].Version)
		if !ok {
			return nil, errors.New("a document's version is no number")
		}
		if number >= highest {
			highest, newest = number, &documents[i]
			newest.version = int64(min(max(highest, 0), math.MaxInt32))
		}
	}
	return newest, nil
}

// about is the summary in the document, nil where it is empty, if it is the person's and the day's.
func (d document) about(id string, date health.Date, structure string) (*summary, error) {
	var content *summary
	switch {
	case structure == physicalSummary && d.Physical != nil:
		content = &d.Physical.Summary.Summary
	case structure == sleepSummary && d.Sleep != nil:
		content = &d.Sleep.Summary.Summary
	}
	if err := d.check(id, structure, content != nil); err != nil {
		return nil, err
	}
	if content == nil {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	if content.Metadata.UserID != nil && content.Metadata.UserID != id {
		return nil, errNotTheirs
	}
	content.version = d.version
	return content, checkDay(content.Metadata.Time, date)
}

var errNotTheirs = errors.New("the document is another person's")

// check refuses a document of another structure than the one asked for, or of another person. there says whether it has what the
// structure is for.
func (d document) check(id, structure string, there bool) error {
	if d.DataStructure != nil && *d.DataStructure != structure || d.DataStructure == nil && !there {
		return errors.New("the document is no " + structure)
	}
	if !isAbout(id, d.UserID) {
		return errNotTheirs
	}
	return nil
}

// checkDay refuses a text that begins with the date of another day. What is not there says nothing.
func checkDay(text *string, date health.Date) error {
	if text == nil {
		return nil
	}
	day, err := health.ParseDate((*text)[:min(len(*text), len("2006-01-02"))])
	if err != nil {
		return errors.New("the summary's time does not begin with a date")
	}
	if drift := date.DaysUntil(day); drift < -maxDayDrift || drift > maxDayDrift {
		return errors.New("the summary is another day's")
	}
	return nil
}

// count reads a whole number from 0 to most. nil is one that is null or missing, which is not zero.
func count(value json.RawMessage, most float64) (*int, error) {
	n, there, ok := connectors.Number(value)
	if !ok || n < 0 || n > most || n != math.Trunc(n) {
		return nil, errors.New("a figure is no count")
	}
	if !there {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	return new(int(n)), nil
}

// sourcesNamed gives the sources in ROOK's order, each once.
func sourcesNamed(names []string) []health.DataSource {
	var sources []health.DataSource
	seen := map[health.DataSourceID]bool{}
	for _, name := range names {
		source := sourceNamed(name, "")
		if !source.nameless && !seen[source.ID] {
			seen[source.ID] = true
			sources = append(sources, source.DataSource)
		}
	}
	return sources
}
