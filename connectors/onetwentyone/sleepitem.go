package onetwentyone

import (
	"encoding/json"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// The page about sleep says that it gives sessions, and with include_stages their stages. Its answer could not be read at all, so
// this file guesses. Three forms are taken, on one page as well:
//
//   - a session with a list of its stages: {"start_date":…,"end_date":…,"stages":[{"start_date":…,"end_date":…,"stage":"core"}]}
//   - a single stretch, as HealthKit keeps them: {"start_date":…,"end_date":…,"value":"asleepCore"}, or its number: "value":3
//   - a session with how long each stage took: {"start_date":…,"end_date":…,"deep_sleep_minutes":60,"rem_sleep_minutes":90,…}
//
// A session with none of these is sleep from its start to its end. Times are named as in sample.go, and in the ways below; case,
// hyphens and underscores do not count, and a duration may stand in place of an end.
var (
	sleepStartNames = append([]string{"sleepstart", "bedtime", "bedtimestart"}, sampleNames[startColumn]...)
	sleepEndNames   = append([]string{"sleepend", "waketime", "bedtimeend"}, sampleNames[endColumn]...)
	stageListNames  = []string{"stages", "sleepstages", "stage", "segments", "samples", "intervals", "levels", "phases"}
	stageNames      = []string{"stage", "sleepstage", "value", "sleepvalue", "categoryvalue", "state", "level", "phase"}
	vagueStageNames = []string{"type", "category", "name"} // which may hold something else

	// stageWords are the names of the stages, without what stageWord takes off.
	stageWords = map[string]health.SleepStage{
		"inbed": health.StageInBed, "bed": health.StageInBed, "awake": health.StageAwake, "wake": health.StageAwake,
		"asleep": health.StageAsleep, "sleep": health.StageAsleep, "sleeping": health.StageAsleep, "unspecified": health.StageAsleep, "unknown": health.StageAsleep,
		"core": health.StageLight, "light": health.StageLight, "deep": health.StageDeep, "rem": health.StageREM,
	}
	// stageNumbers are HealthKit's HKCategoryValueSleepAnalysis.
	stageNumbers = []health.SleepStage{health.StageInBed, health.StageAsleep, health.StageAwake, health.StageLight, health.StageDeep, health.StageREM}
)

// maxStages bounds the stages of one session: a night has some dozens.
const maxStages = 5_000

// sleepReading is how the reading of an item went.
type sleepReading struct {
	recognised bool // a start and an end stood there under names that are known
	ok         bool // the record makes sense, at least in part
	refused    int  // stretches that make none
}

func (n fieldNames) fields(item json.RawMessage) map[string]json.RawMessage {
	var raw map[string]json.RawMessage
	if json.Unmarshal(item, &raw) != nil {
		return nil
	}
	fields := make(map[string]json.RawMessage, len(raw))
	for name, value := range raw {
		fields[n.collapse(name)] = value
	}
	return fields
}

func (n fieldNames) readSleep(item json.RawMessage, now time.Time) (record health.SleepRecord, read sleepReading) {
	fields := n.fields(item)
	refuse := func() (health.SleepRecord, sleepReading) {
		return record, sleepReading{read.recognised, false, read.refused + 1}
	}
	record.Interval, read.recognised, read.ok = sleepInterval(fields, now)
	if !read.ok {
		return refuse()
	}
	record.Device = deviceOf(pick(fields, sampleNames[sourceColumn]), pick(fields, sampleNames[deviceColumn]))
	var stages []json.RawMessage
	list := pick(fields, stageListNames)
	switch {
	case json.Unmarshal(list, &stages) == nil && len(stages) > maxStages:
		return refuse()
	case len(stages) > 0:
		for _, stage := range stages {
			span, ok := n.readStage(n.fields(stage), now)
			if !ok {
				read.refused++
				continue
			}
			record.Spans = append(record.Spans, span)
		}
		read.ok = len(record.Spans) > 0
		record.Interval = around(record)
		return record, read
	}
	stage, there, ok := stageOf(fields)
	if there {
		if !ok {
			return refuse()
		}
		record.Spans = []health.SleepSpan{{Interval: record.Interval, Stage: stage}}
		return record, read
	}
	length := record.End.Sub(record.Start)
	if inner := n.fields(list); inner != nil {
		fields = inner // {"stages":{"deep":3600,…}}
	}
	if record.Times, there, ok = sleepTimes(fields, length); !ok {
		return refuse()
	} else if !there {
		record.Spans = []health.SleepSpan{{Interval: record.Interval, Stage: health.StageAsleep}}
	}
	return record, read
}

// around is the record's interval with all of its stretches.
func around(record health.SleepRecord) health.Interval {
	whole := record.Interval
	for _, span := range record.Spans {
		if span.Start.Before(whole.Start) {
			whole.Start = span.Start
		}
		if span.End.After(whole.End) {
			whole.End = span.End
		}
	}
	return whole
}

func (n fieldNames) readStage(fields map[string]json.RawMessage, now time.Time) (span health.SleepSpan, ok bool) {
	span.Interval, _, ok = sleepInterval(fields, now)
	if !ok {
		return span, false
	}
	span.Stage, _, ok = stageOf(fields)
	return span, ok
}

func sleepInterval(fields map[string]json.RawMessage, now time.Time) (span health.Interval, recognised, ok bool) {
	start, end := pick(fields, sleepStartNames), pick(fields, sleepEndNames)
	var length time.Duration
	layout := 0
	if end == nil {
		length, recognised, ok = durationNamed(fields, "duration")
	} else {
		recognised = true
		span.End, ok = instant(end, &layout)
	}
	if start == nil || !recognised {
		return span, false, false
	}
	var isTime bool
	span.Start, isTime = instant(start, &layout)
	if end == nil {
		span.End = span.Start.Add(length)
	}
	ok = ok && isTime && !span.End.Before(span.Start) && span.End.Sub(span.Start) <= connectors.MaxSleepRecord &&
		span.Start.Year() >= firstYear && !span.End.After(now.Add(maxAhead))
	return span, true, ok
}

// stageOf reads the stage of a stretch.
func stageOf(fields map[string]json.RawMessage) (stage health.SleepStage, there, ok bool) {
	if value := pick(fields, stageNames); value != nil {
		stage, ok = stageValue(value)
		return stage, true, ok
	}
	for _, name := range vagueStageNames {
		if text, isText := connectors.Text(fields[name]); isText {
			if stage, ok = stageWord(text); ok && stage != health.StageAsleep { // "type":"sleep" is said of all of them
				return stage, true, true
			}
		}
	}
	return "", false, false
}

func stageValue(value json.RawMessage) (health.SleepStage, bool) {
	if number, there, ok := connectors.Number(value); there && ok {
		for i, stage := range stageNumbers {
			if number == float64(i) {
				return stage, true
			}
		}
		return "", false
	}
	text, _ := connectors.Text(value)
	return stageWord(text)
}

// stageWord takes "HKCategoryValueSleepAnalysisAsleepCore", "asleep_core", "Core sleep" and "core" for the same.
func stageWord(text string) (health.SleepStage, bool) {
	word := separators.Replace(strings.ToLower(strings.TrimSpace(text)))
	word = strings.TrimPrefix(word, "hkcategoryvaluesleepanalysis")
	if stage, ok := stageWords[word]; ok {
		return stage, true
	}
	word = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(word, "stage"), "sleep"), "asleep")
	stage, ok := stageWords[word]
	return stage, ok
}
