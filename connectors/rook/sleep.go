package rook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// duration is the part of a sleep summary that tells how long the night was.
type duration struct {
	Start   *string         `json:"sleep_start_datetime_string"`
	End     *string         `json:"sleep_end_datetime_string"`
	Date    *string         `json:"sleep_date_string"`
	Asleep  json.RawMessage `json:"sleep_duration_seconds_int"`
	InBed   json.RawMessage `json:"time_in_bed_seconds_int"`
	Light   json.RawMessage `json:"light_sleep_duration_seconds_int"`
	REM     json.RawMessage `json:"rem_sleep_duration_seconds_int"`
	Deep    json.RawMessage `json:"deep_sleep_duration_seconds_int"`
	Latency json.RawMessage `json:"time_to_fall_asleep_seconds_int"`
	Awake   json.RawMessage `json:"time_awake_during_sleep_seconds_int"`
}

// scores is the part of a sleep summary that rates the night.
type scores struct {
	Efficiency json.RawMessage `json:"sleep_efficiency_1_100_score_int"`
}

const (
	maxSleepSeconds = 48 * 60 * 60 // more than any part of a day's sleep lasts
	maxEfficiency   = 100
)

// ReadDailySleep reads each day's sleep summary, one call per date.
//
// A day's sleep is the summary that ROOK gives for its date. That this is the night which ends on the date is not documented, but
// plausible: the summary is made at noon, local time, after the night. 204, and a summary that tells neither time asleep nor time
// in bed, is no sleep: never zero. Leaves that are null stay unknown.
func (c *Connector) ReadDailySleep(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DaySleepResult {
	results := make([]connectors.DaySleepResult, len(dates))
	c.eachDay(dates, func(i int) error {
		results[i].Sleep.Date = dates[i]
		content, err := c.readSummary(ctx, account.ID, dates[i], sleepHealth, sleepSummary)
		if err != nil || content == nil {
			return err
		}
		figure, err := content.night(dates[i])
		if err != nil {
			return c.invalid(err)
		}
		if figure.Asleep != nil || figure.InBed != nil {
			results[i].Sleep.Figure = &figure
		}
		results[i].Sleep.DataSources = sourcesNamed(content.Metadata.Sources)
		return nil
	}, func(i int, err error) { results[i].Sleep.Date, results[i].Err = dates[i], err })
	return results
}

func (s *summary) night(date health.Date) (health.SleepFigure, error) {
	d := s.Duration
	var figure health.SleepFigure
	var err error
	for _, part := range []struct {
		told json.RawMessage
		into **health.Duration
	}{
		{d.Asleep, &figure.Asleep}, {d.InBed, &figure.InBed}, {d.Light, &figure.Light}, {d.REM, &figure.REM},
		{d.Deep, &figure.Deep}, {d.Latency, &figure.Latency}, {d.Awake, &figure.Awake},
	} {
		seconds, failure := count(part.told, maxSleepSeconds)
		if seconds != nil {
			*part.into = new(health.Duration(time.Duration(*seconds) * time.Second))
		}
		err = errors.Join(err, failure)
	}
	var failures [4]error
	figure.Efficiency, failures[0] = count(s.Scores.Efficiency, maxEfficiency)
	figure.Bedtime, failures[1] = moment(d.Start)
	figure.WakeTime, failures[2] = moment(d.End)
	failures[3] = checkDay(d.Date, date)
	if err = errors.Join(append(failures[:], err)...); err == nil && figure.Bedtime != nil && figure.WakeTime != nil && figure.WakeTime.Before(*figure.Bedtime) {
		err = errors.New("the night ends before it begins")
	}
	return figure, err
}

// moment reads an instant with Z or an offset, as ROOK's are documented.
func moment(text *string) (*time.Time, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	at, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return nil, errors.New("a time is no instant")
	}
	return new(at.UTC()), nil
}
