package rook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	simulator "healthgraph/simulators/rook"
)

func seconds(n int) *health.Duration { return new(health.Duration(time.Duration(n) * time.Second)) }

func readNight(t *testing.T, status int, body string) connectors.DaySleepResult {
	t.Helper()
	return answering(t, status, body).ReadDailySleep(t.Context(), person, []health.Date{day("2026-03-29")})[0]
}

func TestReadDailySleep(t *testing.T) {
	result := readNight(t, http.StatusOK, file(t, "sleep.json"))
	require.NoError(t, result.Err)
	bedtime, wakeTime := time.Date(2026, 3, 28, 23, 10, 0, 0, time.UTC), time.Date(2026, 3, 29, 6, 0, 0, 0, time.UTC)
	assert.Equal(t, health.DaySleep{
		Date: day("2026-03-29"), DataSources: []health.DataSource{{ID: "oura", Name: "Oura", Kind: health.KindBrowser}},
		Figure: &health.SleepFigure{
			SleepTimes: health.SleepTimes{Asleep: seconds(24000), InBed: seconds(25500), Light: seconds(13000), REM: seconds(6000), Deep: seconds(5000),
				Awake: seconds(600), Latency: seconds(900)},
			Bedtime: &bedtime, WakeTime: &wakeTime, Efficiency: new(94),
		},
	}, result.Sleep)
}

func TestReadDailySleepOfOtherShapes(t *testing.T) {
	sleep := file(t, "sleep.json")
	with := func(old, replacement string) string {
		require.Contains(t, sleep, old)
		return strings.ReplaceAll(sleep, old, replacement)
	}
	asleep := func(value string) string {
		return with(`"sleep_duration_seconds_int":24000`, `"sleep_duration_seconds_int":`+value)
	}
	noBed := `"time_in_bed_seconds_int":null`
	for name, c := range map[string]struct {
		status int
		body   string
		want   *health.Duration
		bed    bool // there is a figure without time asleep
		code   health.Code
	}{
		"zero is a value":             {body: asleep("0"), want: seconds(0)},
		"null is not zero":            {body: asleep("null"), bed: true},
		"a text":                      {body: asleep(`"24000"`), want: seconds(24000)},
		"neither asleep nor in bed":   {body: strings.ReplaceAll(asleep("null"), `"time_in_bed_seconds_int":25500`, noBed)},
		"no duration":                 {body: with(`"duration"`, `"other"`)},
		"a null summary":              {body: `{"data_structure":"sleep_summary","sleep_health":null}`},
		"no content":                  {status: 204},
		"an empty object":             {body: `{}`},
		"a person that ROOK denies":   {status: 404, body: `{"error":"Not Found"}`},
		"a proxy's 404":               {status: 404, body: `not found`, code: health.UpstreamInvalid},
		"the newest of two":           {body: "[" + strings.ReplaceAll(asleep("23000"), `"document_version":1`, `"document_version":2`) + "," + sleep + "]", want: seconds(23000)},
		"the newest of two, last":     {body: "[" + sleep + "," + strings.ReplaceAll(asleep("23000"), `"document_version":1`, `"document_version":2`) + "]", want: seconds(23000)},
		"no scores":                   {body: with(`"scores"`, `"other"`), want: seconds(24000)},
		"no times":                    {body: with(`"2026-03-29T00:10:00.000000+01:00"`, `null`), want: seconds(24000)},
		"the date of the evening":     {body: with(`"sleep_date_string":"2026-03-29"`, `"sleep_date_string":"2026-03-28"`), want: seconds(24000)},
		"another day's":               {body: with(`"sleep_date_string":"2026-03-29"`, `"sleep_date_string":"2026-03-26"`), code: health.UpstreamInvalid},
		"no date":                     {body: with(`"sleep_date_string":"2026-03-29"`, `"sleep_date_string":"last night"`), code: health.UpstreamInvalid},
		"negative":                    {body: asleep("-1"), code: health.UpstreamInvalid},
		"fractional":                  {body: asleep("0.5"), code: health.UpstreamInvalid},
		"more than two days":          {body: asleep("172801"), code: health.UpstreamInvalid},
		"not a number":                {body: asleep(`"NaN"`), code: health.UpstreamInvalid},
		"efficiency beyond a hundred": {body: with(`_score_int":94`, `_score_int":101`), code: health.UpstreamInvalid},
		"a time without an offset":    {body: with(`"2026-03-29T00:10:00.000000+01:00"`, `"2026-03-29T00:10:00"`), code: health.UpstreamInvalid},
		"ends before it begins":       {body: with(`"2026-03-29T08:00:00.000000+02:00"`, `"2026-03-28T08:00:00.000000+02:00"`), code: health.UpstreamInvalid},
		"another person's":            {body: with(`"user_id":"person-a"`, `"user_id":"person-b"`), code: health.UpstreamInvalid},
		"another person's, metadata":  {body: with(`"user_id_string":"person-a"`, `"user_id_string":"person-b"`), code: health.UpstreamInvalid},
		"a physical summary":          {body: file(t, "summary.json"), code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == 0 {
				c.status = http.StatusOK
			}
			result := readNight(t, c.status, c.body)
			require.Equal(t, c.code, code(result.Err))
			assert.Equal(t, day("2026-03-29"), result.Sleep.Date)
			if c.want == nil && !c.bed {
				assert.Nil(t, result.Sleep.Figure)
				return
			}
			require.NotNil(t, result.Sleep.Figure)
			assert.Equal(t, c.want, result.Sleep.Figure.Asleep)
		})
	}
}

// Whichever way ROOK's open questions are answered, the demo person's nights are read.
func TestSimulatedNights(t *testing.T) {
	for name, change := range map[string]func(*simulator.Switches){
		"as assumed":             func(*simulator.Switches) {},
		"by their evening":       func(s *simulator.Switches) { s.NightDate = "evening" },
		"another instant":        func(s *simulator.Switches) { s.SummaryInstant = "extraction" },
		"404 for no data":        func(s *simulator.Switches) { s.NoDataStatus = 404 },
		"422 for days to come":   func(s *simulator.Switches) { s.FutureDateStatus = 422 },
		"sources in snake case":  func(s *simulator.Switches) { s.NameStyle = "snake" },
		"one source, never more": func(s *simulator.Switches) { s.SourcesPerDocument = "one" },
	} {
		t.Run(name, func(t *testing.T) {
			connector, sim := simulated(t, change)
			dates := health.DateRange{From: day("2026-03-21"), To: day("2026-04-03")}.Each()
			nights := 0
			for i, result := range connector.ReadDailySleep(t.Context(), connectors.Account{ID: "demo"}, dates) {
				require.NoError(t, result.Err, dates[i])
				if figure := result.Sleep.Figure; figure != nil {
					nights++
					assert.NotEmpty(t, result.Sleep.DataSources)
					assert.Equal(t, *figure.Asleep, *figure.Light+*figure.Deep+*figure.REM, dates[i])
					assert.True(t, figure.Bedtime.Before(*figure.WakeTime))
				}
			}
			assert.Greater(t, nights, 9)
			assert.Less(t, nights, len(dates), "a day without a night is no zero")
			assert.Equal(t, len(dates), sim.Control().Calls().Routes["sleep_summary"].Calls, "one call for a day")
		})
	}
}
