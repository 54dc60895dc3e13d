package rook

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"

	"healthgraph/connectors"
	"healthgraph/health"
)

// maxSteps is more than a person walks in a day: ROOK's figure is then no count of steps.
const maxSteps = 1_000_000

// maxDayDrift is by how many days the date in a summary's time may differ from the day asked for. Which instant that time
// is (local midnight, or when ROOK extracted it) and in which zone is not documented, and examples show both Z and offsets.
const maxDayDrift = 1

// document is a physical summary: what of it tells the day's steps, and whose they are.
type document struct {
	Version       json.RawMessage `json:"document_version"`
	UserID        json.RawMessage `json:"user_id"`
	DataStructure *string         `json:"data_structure"`
	Physical      *struct {
		Summary struct {
			Summary struct {
				Metadata struct {
					Time    *string  `json:"datetime_string"`
					Sources []string `json:"sources_of_data_array"`
					UserID  any      `json:"user_id_string"`
				} `json:"metadata"`
				Distance struct {
					Steps json.RawMessage `json:"steps_int"`
				} `json:"distance"`
			} `json:"physical_summary"`
		} `json:"summary"`
	} `json:"physical_health"`
}

// dayTotal reads the answer to one day: a document, or a list of the versions of one, of which the newest counts. {} and
// [] are nothing: ROOK's specification gives even its 204 an empty object.
func (c *Connector) dayTotal(answer connectors.Answer, id string, date health.Date) (health.DayTotal, error) {
	nothing := health.DayTotal{Date: date}
	body := bytes.TrimSpace(answer.Body)
	if bytes.Equal(body, []byte("{}")) {
		return nothing, nil
	}
	documents := []document{{}}
	var err error
	if bytes.HasPrefix(body, []byte("[")) {
		err = c.client.Decode(answer, &documents)
	} else {
		err = c.client.Decode(answer, &documents[0])
	}
	if err != nil {
		return nothing, err
	}
	if len(documents) == 0 {
		return nothing, nil
	}
	newest, version, err := newestOf(documents)
	if err == nil {
		var total health.DayTotal
		if total, err = newest.dayTotal(id, date); err == nil {
			total.Version = version
			return total, nil
		}
	}
	return nothing, c.client.Invalid(err.Error())
}

func newestOf(documents []document) (newest document, version int64, err error) {
	highest := math.Inf(-1)
	for _, d := range documents {
		number, _, ok := connectors.Number(d.Version)
		if !ok {
			return document{}, 0, errors.New("a document's version is no number")
		}
		if number >= highest {
			highest, newest = number, d
		}
	}
	return newest, int64(min(max(highest, 0), math.MaxInt32)), nil
}

func (d document) dayTotal(id string, date health.Date) (health.DayTotal, error) {
	total := health.DayTotal{Date: date}
	if d.DataStructure != nil && *d.DataStructure != "physical_summary" || d.DataStructure == nil && d.Physical == nil {
		return total, errors.New("the document is no physical summary")
	}
	if !isAbout(id, d.UserID) {
		return total, errors.New("the summary is another person's")
	}
	if d.Physical == nil {
		return total, nil
	}
	summary := d.Physical.Summary.Summary
	if summary.Metadata.UserID != nil && summary.Metadata.UserID != id {
		return total, errors.New("the summary is another person's")
	}
	if summary.Metadata.Time != nil {
		day, err := health.ParseDate((*summary.Metadata.Time)[:min(len(*summary.Metadata.Time), len("2006-01-02"))])
		if err != nil {
			return total, errors.New("the summary's time does not begin with a date")
		}
		if drift := date.DaysUntil(day); drift < -maxDayDrift || drift > maxDayDrift {
			return total, errors.New("the summary is another day's")
		}
	}
	steps, there, ok := connectors.Number(summary.Distance.Steps)
	if !ok || steps < 0 || steps > maxSteps || steps != math.Trunc(steps) {
		return total, errors.New("the steps are no count")
	}
	if there {
		total.Steps = new(int(steps))
	}
	total.DataSources = sourcesNamed(summary.Metadata.Sources)
	return total, nil
}

// sourcesNamed gives the sources in ROOK's order, each once.
func sourcesNamed(names []string) []health.DataSource {
	var sources []health.DataSource
	seen := map[health.DataSourceID]bool{}
	for _, name := range names {
		source := sourceNamed(name, "")
		if printable(name) != "" && !seen[source.ID] {
			seen[source.ID] = true
			sources = append(sources, source)
		}
	}
	return sources
}
