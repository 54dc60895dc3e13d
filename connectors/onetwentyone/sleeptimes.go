package onetwentyone

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// durationUnits are the endings by which a duration's name tells its unit.
var durationUnits = []struct {
	ending string
	unit   time.Duration
}{
	{"milliseconds", time.Millisecond}, {"millis", time.Millisecond}, {"ms", time.Millisecond},
	{"seconds", time.Second}, {"secs", time.Second}, {"sec", time.Second},
	{"minutes", time.Minute}, {"mins", time.Minute}, {"min", time.Minute},
	{"hours", time.Hour}, {"hrs", time.Hour}, {"hr", time.Hour},
}

// durationNamed reads a duration whose name may tell its unit; without one it is in seconds.
func durationNamed(fields map[string]json.RawMessage, name string) (length time.Duration, there, ok bool) {
	value, unit := fields[name], time.Second
	for _, u := range durationUnits {
		for _, ending := range []string{u.ending, "in" + u.ending} {
			if told, has := fields[name+ending]; has {
				value, unit = told, u.unit
			}
		}
	}
	number, there, ok := connectors.Number(value)
	if number < 0 || number > float64(connectors.MaxSleepRecord/unit) {
		return 0, there, false
	}
	return time.Duration(number * float64(unit)), there, ok
}

// bedSlack is by how much the time in bed may be longer than the session that it is told of.
const bedSlack = 3 * time.Hour

// sleepTimes reads how long the parts of a session took, which lasted that long in all. No stage can have taken longer.
func sleepTimes(fields map[string]json.RawMessage, length time.Duration) (times health.SleepTimes, there, ok bool) {
	unnamed := map[**health.Duration]float64{} // whose names tell no unit
	most := 0.0
	for name, value := range fields {
		part, unit := timesPart(&times, name)
		number, is, isNumber := connectors.Number(value)
		switch {
		case part == nil || !is || !isNumber:
			continue
		case number < 0:
			return times, true, false
		}
		there = true
		if unit == 0 {
			unnamed[part], most = number, max(most, number)
		} else if !setSeconds(part, number, unit) {
			return times, true, false
		}
	}
	// They have one unit: the largest in which all of them fit into the session.
	for _, unit := range []time.Duration{time.Hour, time.Minute, time.Second, time.Millisecond} {
		if most*float64(unit) <= float64(length+bedSlack) {
			for part, number := range unnamed {
				setSeconds(part, number, unit)
			}
			return wholeTimes(times, length, there)
		}
	}
	return times, true, false
}

func setSeconds(part **health.Duration, number float64, unit time.Duration) (ok bool) {
	if number > float64(connectors.MaxSleepRecord/unit) {
		return false
	}
	*part = new(health.Duration(time.Duration(number * float64(unit)).Truncate(time.Second)))
	return true
}

// wholeTimes adds the stages up where the whole is not told, or is less than they are.
func wholeTimes(times health.SleepTimes, length time.Duration, there bool) (health.SleepTimes, bool, bool) {
	var sum health.Duration
	told := false
	for _, part := range []*health.Duration{times.Light, times.Deep, times.REM, times.Unspecified} {
		if part != nil {
			sum, told = sum+*part, true
		}
	}
	if told && (times.Asleep == nil || *times.Asleep < sum) {
		times.Asleep = &sum
	}
	for _, part := range []*health.Duration{times.Asleep, times.Awake} {
		if part != nil && time.Duration(*part) > length {
			return times, there, false
		}
	}
	return times, there, true
}

// timesPart finds what a field's name tells the length of: the name of a stage with words around it. unit is 0 where it names none.
func timesPart(times *health.SleepTimes, name string) (part **health.Duration, unit time.Duration) {
	if slices.Contains(sleepStartNames, name) || slices.Contains(sleepEndNames, name) {
		return nil, 0 // "bedtime" is no time in bed
	}
	for _, u := range durationUnits {
		if short, has := strings.CutSuffix(name, u.ending); has {
			name, unit = strings.TrimSuffix(short, "in"), u.unit
			break
		}
	}
	for _, word := range []string{"total", "time"} {
		name = strings.TrimPrefix(name, word)
	}
	for _, word := range []string{"total", "time", "duration"} {
		name = strings.TrimSuffix(name, word)
	}
	if slices.Contains([]string{"unspecified", "asleepunspecified", "unknown"}, name) {
		return &times.Unspecified, unit
	}
	stage, _ := stageWord(name)
	switch stage {
	case health.StageInBed:
		return &times.InBed, unit
	case health.StageAwake:
		return &times.Awake, unit
	case health.StageAsleep:
		return &times.Asleep, unit
	case health.StageLight:
		return &times.Light, unit
	case health.StageDeep:
		return &times.Deep, unit
	case health.StageREM:
		return &times.REM, unit
	}
	return nil, 0
}
