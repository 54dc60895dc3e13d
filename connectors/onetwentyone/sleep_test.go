package onetwentyone_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

// lastNight is the span asked for in these tests.
var lastNight = health.Interval{Start: day("2026-03-28").Start(health.UTC), End: day("2026-03-30").Start(health.UTC)}

// sleepOf is what comes of one item.
func sleepOf(t *testing.T, item string) connectors.SleepRecordsResult {
	t.Helper()
	connector, account := answering(t, http.StatusOK, page(false, item))
	return connector.ReadSleepSessions(t.Context(), account, lastNight)
}

// spelled writes a record as its stages, or its times.
func spelled(record health.SleepRecord) string {
	var parts []string
	for _, span := range record.Spans {
		parts = append(parts, fmt.Sprintf("%s %s-%s", span.Stage, span.Start.Format("15:04"), span.End.Format("15:04")))
	}
	for _, part := range []struct {
		name string
		told *health.Duration
	}{
		{"asleep", record.Times.Asleep}, {"in bed", record.Times.InBed}, {"light", record.Times.Light}, {"deep", record.Times.Deep}, {"rem", record.Times.REM},
		{"unspecified", record.Times.Unspecified}, {"awake", record.Times.Awake},
	} {
		if part.told != nil {
			parts = append(parts, part.name+" "+strings.TrimPrefix(part.told.String(), "PT"))
		}
	}
	return strings.Join(parts, ", ")
}

// What OneTwentyOne answers is not known: each of these forms is plausible.
func TestReadSleepSessionsInEveryForm(t *testing.T) {
	const from, to = `"2026-03-28T23:00:00Z"`, `"2026-03-29T07:00:00Z"`
	const whole = `"start_date":` + from + `,"end_date":` + to
	for name, c := range map[string]struct{ item, want string }{
		"a session with stages": {`{` + whole + `,"stages":[{"start_date":` + from + `,"end_date":"2026-03-29T01:00:00Z","stage":"core"},{"start_date":"2026-03-29T01:00:00Z","end_date":` + to + `,"stage":"deep"}]}`,
			"LIGHT 23:00-01:00, DEEP 01:00-07:00"},
		"camel case, HealthKit's numbers": {`{"startDate":` + from + `,"endDate":` + to + `,"sleepStages":[{"startDate":` + from + `,"endDate":` + to + `,"value":5}]}`, "REM 23:00-07:00"},
		"stages that say how long":        {`{"start":` + from + `,"end":` + to + `,"segments":[{"start":` + from + `,"duration":3600,"type":"awake"}]}`, "AWAKE 23:00-00:00"},
		"minutes of a stage":              {`{"start":` + from + `,"end":` + to + `,"stages":[{"start":` + from + `,"duration_minutes":90,"level":"N3"},{"start":` + from + `,"durationMinutes":"90","level":"light"}]}`, "LIGHT 23:00-00:30"},
		"a single stretch":                {`{` + whole + `,"value":"HKCategoryValueSleepAnalysisAsleepCore"}`, "LIGHT 23:00-07:00"},
		"its number":                      {`{` + whole + `,"value":0}`, "IN_BED 23:00-07:00"},
		"its number as a text":            {`{` + whole + `,"value":"2"}`, "AWAKE 23:00-07:00"},
		"asleep, unspecified":             {`{` + whole + `,"stage":"asleepUnspecified"}`, "ASLEEP 23:00-07:00"},
		"in snake case":                   {`{` + whole + `,"sleep_stage":"asleep_rem"}`, "REM 23:00-07:00"},
		"in words":                        {`{` + whole + `,"state":"Deep sleep"}`, "DEEP 23:00-07:00"},
		"by its type":                     {`{` + whole + `,"type":"in_bed"}`, "IN_BED 23:00-07:00"},
		"a type that all have":            {`{` + whole + `,"type":"HKCategoryTypeIdentifierSleepAnalysis","value":4}`, "DEEP 23:00-07:00"},
		"nothing but a session":           {`{` + whole + `,"type":"sleep"}`, "ASLEEP 23:00-07:00"},
		"no stages":                       {`{` + whole + `,"stages":[]}`, "ASLEEP 23:00-07:00"},
		"a session's length":              {`{"bedtime":` + from + `,"duration":"28800"}`, "ASLEEP 23:00-07:00"},
		"bedtime and wake time":           {`{"bedtime":` + from + `,"wake_time":` + to + `}`, "ASLEEP 23:00-07:00"},
		"totals in seconds":               {`{` + whole + `,"deep_sleep_seconds":3600,"rem_sleep_seconds":5400,"light_sleep_seconds":12600,"awake_seconds":600}`, "asleep 6H, light 3H30M, deep 1H, rem 1H30M, awake 10M"},
		"totals in minutes":               {`{` + whole + `,"totalSleepMinutes":420,"timeInBedMinutes":480}`, "asleep 7H, in bed 8H"},
		"totals without a unit: minutes":  {`{` + whole + `,"asleep":420,"in_bed":500,"awake":0}`, "asleep 7H, in bed 8H20M, awake 0S"},
		"totals without a unit: seconds":  {`{` + whole + `,"asleep":25200,"deep":3600}`, "asleep 7H, deep 1H"},
		"totals without a unit: hours":    {`{` + whole + `,"total_sleep_time":7.5,"deep":1.25}`, "asleep 7H30M, deep 1H15M"},
		"totals by stage":                 {`{` + whole + `,"stages":{"core":14400,"deep":3600,"rem":5400,"unknown":1800}}`, "asleep 7H, light 4H, deep 1H, rem 1H30M, unspecified 30M"},
		"stages that are more than told":  {`{` + whole + `,"asleep_minutes":60,"deep_minutes":120}`, "asleep 2H, deep 2H"},
		"a text where a total might be":   {`{` + whole + `,"awake":"no"}`, "ASLEEP 23:00-07:00"},
	} {
		t.Run(name, func(t *testing.T) {
			result := sleepOf(t, c.item)
			require.NoError(t, result.Err)
			if name == "minutes of a stage" {
				assert.Equal(t, 1, result.Refused, "no stage is called N3")
				result.Refused = 0
			}
			assert.Zero(t, result.Refused)
			require.Len(t, result.Records, 1)
			assert.Equal(t, c.want, spelled(result.Records[0]))
		})
	}
}

func TestSleepThatMakesNoSenseIsLeftOutAndCounted(t *testing.T) {
	const good = `{"start_date":"2026-03-28T23:00:00Z","end_date":"2026-03-29T07:00:00Z"}`
	for name, bad := range map[string]string{
		"it ends before it starts":       `{"start":"2026-03-29T07:00:00Z","end":"2026-03-28T23:00:00Z"}`,
		"it lasts two days":              `{"start":"2026-03-28T00:00:00Z","end":"2026-03-30T00:00:00Z"}`,
		"years from now":                 `{"start":"2031-03-28T23:00:00Z","end":"2031-03-29T07:00:00Z"}`,
		"before there were phones":       `{"start":"1926-03-28T23:00:00Z","end":"1926-03-29T07:00:00Z"}`,
		"times without an offset":        `{"start":"2026-03-28T23:00:00","end":"2026-03-29T07:00:00"}`,
		"no end":                         `{"start":"2026-03-28T23:00:00Z"}`,
		"a length below zero":            `{"start":"2026-03-28T23:00:00Z","duration":-5}`,
		"a length that is none":          `{"start":"2026-03-28T23:00:00Z","duration":"NaN"}`,
		"an unknown stage":               `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","stage":"dreaming"}`,
		"an unknown number":              `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","value":6}`,
		"half a number":                  `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","value":2.5}`,
		"totals below zero":              `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","deep_minutes":-5}`,
		"totals longer than the session": `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","deep_minutes":500}`,
		"totals that can't be":           `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","deep":1e300}`,
		"stages that make no sense":      `{"start":"2026-03-28T23:00:00Z","end":"2026-03-29T07:00:00Z","stages":[{"stage":"deep"}]}`,
		"no object":                      `"asleep"`,
	} {
		t.Run(name, func(t *testing.T) {
			result := sleepOf(t, bad+","+good)
			require.NoError(t, result.Err)
			assert.Equal(t, 1, result.Refused)
			assert.Len(t, result.Records, 1, "the others stand")
		})
	}
	assert.Equal(t, health.UpstreamInvalid, code(sleepOf(t, `{"night":"2026-03-29","hours":7}`).Err), "a page of another shape is no night without sleep")
}

func TestReadSleepSessionsAsksForEachPageOnce(t *testing.T) {
	night := func(at string) string {
		return fmt.Sprintf(`{"start_date":"2026-03-%sT23:00:00Z","end_date":"2026-03-%sT23:30:00Z"}`, at, at)
	}
	for name, c := range map[string]struct {
		pages   []string
		code    health.Code
		records int
		until   string
	}{
		"to the end":                  {[]string{page(true, night("28")), page(false, night("29"))}, "", 2, "0001-01-01"},
		"a page that fails":           {[]string{page(true, night("28")), ""}, health.UpstreamUnavailable, 1, "2026-03-28"},
		"the same page again":         {[]string{page(true, night("28"))}, health.UpstreamInvalid, 1, "2026-03-28"},
		"an empty page, more to come": {[]string{page(true, night("28")), page(true)}, health.UpstreamInvalid, 1, "2026-03-28"},
		"newest first all the same":   {[]string{page(true, night("29"), night("28")), ""}, health.UpstreamUnavailable, 2, "0001-01-01"},
		"in order but for one":        {[]string{page(true, night("29"), night("28"), night("29")), ""}, health.UpstreamUnavailable, 3, "0001-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			connector, account := against(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				assert.Equal(t, "/api/v1/sleep/"+accountID, r.URL.Path)
				assert.Equal(t, fmt.Sprintf("endDate=2026-03-31&include_stages=true&page=%d&pageSize=10000&sort=asc&startDate=2026-03-27", calls), r.URL.RawQuery)
				content := c.pages[min(calls, len(c.pages))-1]
				if content == "" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				_, _ = io.WriteString(w, content)
			})
			result := connector.ReadSleepSessions(t.Context(), account, lastNight)
			assert.Equal(t, c.code, code(result.Err))
			assert.Len(t, result.Records, c.records)
			assert.Equal(t, c.until, result.ReadUntil.Format(time.DateOnly))
			assert.Equal(t, max(len(c.pages), min(calls, 2)), calls)
		})
	}
}

// Whichever way the open questions about sleep are answered, it takes the same time.
func TestSleepAgainstTheSimulator(t *testing.T) {
	want := [3]time.Duration{12*time.Hour + 33*time.Minute, 5*time.Hour + 19*time.Minute, 26*time.Hour + 14*time.Minute} // of the invented nights
	for name, change := range map[string]func(*switches){
		"as assumed":             func(*switches) {},
		"samples":                func(s *switches) { s.SleepItems = "samples" },
		"samples by number":      func(s *switches) { s.SleepItems, s.SleepStageNames = "samples", "number" },
		"HealthKit's names":      func(s *switches) { s.SleepStageNames = "healthkit" },
		"HealthKit's, in full":   func(s *switches) { s.SleepItems, s.SleepStageNames = "samples", "identifier" },
		"light for core":         func(s *switches) { s.SleepStageNames = "light" },
		"lengths":                func(s *switches) { s.SleepEnds = "duration" },
		"lengths, as texts":      func(s *switches) { s.SleepEnds, s.Numbers = "duration", "string" },
		"totals":                 func(s *switches) { s.SleepItems = "totals" },
		"totals in minutes":      func(s *switches) { s.SleepItems, s.SleepUnits = "totals", "minutes" },
		"totals, unit unnamed":   func(s *switches) { s.SleepItems, s.SleepUnits = "totals", "unnamed" },
		"minutes, unit unnamed":  func(s *switches) { s.SleepItems, s.SleepUnits = "totals", "unnamedMinutes" },
		"totals in camel case":   func(s *switches) { s.SleepItems, s.ItemNames = "totals", "camel" },
		"camel case, no devices": func(s *switches) { s.ItemNames, s.ItemDevices, s.ItemIDs = "camel", false, false },
		"local times":            func(s *switches) { s.Times = "local" },
		"the end excluded":       func(s *switches) { s.EndDate, s.PlainDates = "exclusive", "home" },
		"by overlap":             func(s *switches) { s.RangeBy = "overlap" },
		"a foreign next page":    func(s *switches) { s.NextPage = "foreign" },
		"limits in headers":      func(s *switches) { s.LimitIn = "headers" },
	} {
		t.Run(name, func(t *testing.T) {
			w := simulated(t, change, onetwentyone.JSON)
			grant, err := w.link("allow", "sleep")
			require.NoError(t, err)
			for _, pageSize := range []string{"", "7"} {
				result := w.ReadSleepSessions(t.Context(), account(grant, pageSize), health.Interval{
					Start: time.Date(2026, 3, 27, 18, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 31, 18, 0, 0, 0, time.UTC)})
				require.NoError(t, result.Err)
				assert.Zero(t, result.Refused)
				sums := map[health.SleepStage]time.Duration{}
				for _, record := range result.Records {
					for _, span := range record.Spans {
						sums[span.Stage] += span.End.Sub(span.Start)
					}
					for stage, told := range map[health.SleepStage]*health.Duration{health.StageLight: record.Times.Light, health.StageDeep: record.Times.Deep, health.StageInBed: record.Times.InBed} {
						if told != nil {
							sums[stage] += time.Duration(*told)
						}
					}
				}
				assert.Equal(t, want, [3]time.Duration{sums[health.StageLight], sums[health.StageDeep], sums[health.StageInBed]})
			}
		})
	}
}

func TestSleepThatWasNotGranted(t *testing.T) {
	w := simulated(t, func(*switches) {}, onetwentyone.JSON)
	grant, err := w.link("allow", "quantity")
	require.NoError(t, err)
	result := w.ReadSleepSessions(t.Context(), account(grant, ""), lastNight)
	assert.True(t, connectors.IsScopeMissing(result.Err))
	assert.Equal(t, health.ReauthorizationRequired, code(result.Err))

	w = simulated(t, func(s *switches) { s.NeverEnding = true }, onetwentyone.JSON)
	grant, err = w.link("allow", "sleep")
	require.NoError(t, err)
	assert.Equal(t, health.UpstreamInvalid, code(w.ReadSleepSessions(t.Context(), account(grant, "3"), lastNight).Err), "pages without end")
}
