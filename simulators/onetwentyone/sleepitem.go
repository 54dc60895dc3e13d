package onetwentyone

import (
	"strconv"
	"strings"
	"time"
)

// THE SHAPE OF AN ITEM OF SLEEP IS AN ASSUMPTION, of its stages too: the page (api.onetwentyone.ai/sleep) can be read up to its curl
// sample. It calls items sessions, and include_stages asks for their stages; the rest follows item.go. This file is the one place
// that knows the shape, and the switches SleepItems, SleepStageNames, SleepEnds and SleepUnits vary it, beside those of item.go:
//
//	{"id":"…","user_id":"…","start_date":"2026-03-01T22:45:00Z","end_date":"2026-03-02T06:45:00Z","source_name":"watch",
//	 "stages":[{"start_date":"2026-03-01T22:45:00Z","end_date":"2026-03-01T23:10:00Z","stage":"core"}]}

func (sw Switches) sleepItem(session sleepSession, userID string, zone *time.Location, include bool) map[string]any {
	item := map[string]any{"user_id": userID}
	if sw.ItemIDs {
		item["id"] = uuid([]byte("sleep " + userID + session.device + session.stages[0].Stage + strconv.FormatInt(session.start.UnixMilli(), 10)))
	}
	if sw.ItemDevices {
		item["source_name"] = session.device
	}
	sw.sleepSpan(item, session.start, session.end, zone)
	switch {
	case sw.SleepItems == "samples":
		item["value"] = sw.stageName(session.stages[0].Stage)
	case sw.SleepItems == "totals":
		sw.sleepTotals(item, session)
	case include:
		stages := []map[string]any{}
		for _, in := range session.stages {
			stage := map[string]any{"stage": sw.stageName(in.Stage)}
			sw.sleepSpan(stage, in.Start, in.End, zone)
			stages = append(stages, sw.named(stage))
		}
		item["stages"] = stages
	}
	return sw.named(item)
}

func (sw Switches) sleepSpan(item map[string]any, start, end time.Time, zone *time.Location) {
	layout := "2006-01-02T15:04:05.999Z07:00"
	if sw.Times != "z" {
		layout = "2006-01-02T15:04:05.999-07:00"
	}
	if sw.Times != "local" {
		zone = time.UTC
	}
	item["start_date"] = start.In(zone).Format(layout)
	if sw.SleepEnds == "duration" {
		item["duration"] = sw.number(end.Sub(start).Seconds())
		return
	}
	item["end_date"] = end.In(zone).Format(layout)
}

// sleepTotals tells how long the stages of a session took, whose stretches do not overlap.
func (sw Switches) sleepTotals(item map[string]any, session sleepSession) {
	names := map[string]string{"inBed": "time_in_bed", "asleep": "unspecified", "awake": "awake", "core": "core_sleep", "deep": "deep_sleep", "rem": "rem_sleep"}
	unit, suffix := time.Second, "_seconds"
	switch sw.SleepUnits {
	case "minutes":
		unit, suffix = time.Minute, "_minutes"
	case "unnamedMinutes":
		unit, suffix = time.Minute, ""
	case "unnamed":
		suffix = ""
	}
	sums := map[string]time.Duration{}
	for _, in := range session.stages {
		sums[in.Stage] += in.End.Sub(in.Start)
	}
	for stage, sum := range sums {
		item[names[stage]+suffix] = sw.number(sum.Seconds() / unit.Seconds())
	}
}

func (sw Switches) number(n float64) any {
	if sw.Numbers == "string" {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return n
}

// stageName is a stage as the switch has it.
func (sw Switches) stageName(stage string) any {
	i := sleepStage(stage)
	switch sw.SleepStageNames {
	case "number":
		return i
	case "healthkit":
		return sleepStages[i].healthKit
	case "identifier":
		return "HKCategoryValueSleepAnalysis" + strings.ToUpper(sleepStages[i].healthKit[:1]) + sleepStages[i].healthKit[1:]
	case "light":
		return sleepStages[i].light
	default:
		return sleepStages[i].name
	}
}

// named spells the fields' names as the switch has them.
func (sw Switches) named(item map[string]any) map[string]any {
	if sw.ItemNames == "snake" {
		return item
	}
	camel := map[string]any{}
	for name, value := range item {
		words := strings.Split(name, "_")
		for i, word := range words[1:] {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
		camel[strings.Join(words, "")] = value
	}
	return camel
}
