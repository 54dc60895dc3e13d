package rook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

var person = connectors.Account{ID: "person-a"}

func readDay(t *testing.T, status int, body string) connectors.DayResult {
	t.Helper()
	return answering(t, status, body).ReadDailySteps(t.Context(), person, []health.Date{day("2026-03-29")})[0]
}

func TestReadDailySteps(t *testing.T) {
	summary := file(t, "summary.json")
	with := func(old, replacement string) string {
		require.Contains(t, summary, old)
		return strings.ReplaceAll(summary, old, replacement)
	}
	steps := func(value string) string { return with(`"steps_int":9001`, `"steps_int":`+value) }
	at := func(value string) string { return with(`"2026-03-29T00:00:00.000000+01:00"`, value) }
	const none = -1
	for name, c := range map[string]struct {
		status int
		body   string
		want   int
		code   health.Code
	}{
		"the documented summary":            {body: summary, want: 9001},
		"zero is a value":                   {body: steps("0"), want: 0},
		"the most":                          {body: steps("1000000"), want: 1_000_000},
		"null is not zero":                  {body: steps("null"), want: none},
		"no steps":                          {body: with(`"steps_int":9001,`, ``), want: none},
		"no distance":                       {body: with(`"distance"`, `"other"`), want: none},
		"a null distance":                   {body: with(`"distance":{`, `"distance":null,"other":{`), want: none},
		"a null summary":                    {body: `{"data_structure":"physical_summary","physical_health":null}`, want: none},
		"no content":                        {status: 204, want: none},
		"an empty object":                   {body: `{}`, want: none},
		"an empty list":                     {body: `[]`, want: none},
		"a person that ROOK denies":         {status: 404, body: `{"error":"Not Found"}`, want: none},
		"a proxy's 404":                     {status: 404, body: `not found`, code: health.UpstreamInvalid},
		"an integral fraction":              {body: steps("9001.0"), want: 9001},
		"a text":                            {body: steps(`"9001"`), want: 9001},
		"a text with a fraction":            {body: steps(`" 9001.00 "`), want: 9001},
		"the newest of two":                 {body: "[" + strings.ReplaceAll(steps("9100"), `"document_version":1`, `"document_version":3`) + "," + summary + "]", want: 9100},
		"fractional":                        {body: steps("9001.5"), code: health.UpstreamInvalid},
		"negative":                          {body: steps("-1"), code: health.UpstreamInvalid},
		"too many":                          {body: steps("1000001"), code: health.UpstreamInvalid},
		"beyond every number":               {body: steps("1e999"), code: health.UpstreamInvalid},
		"a word":                            {body: steps(`"many"`), code: health.UpstreamInvalid},
		"a hexadecimal text":                {body: steps(`"0x10"`), code: health.UpstreamInvalid},
		"true":                              {body: steps(`true`), code: health.UpstreamInvalid},
		"an object":                         {body: steps(`{}`), code: health.UpstreamInvalid},
		"another person's":                  {body: with(`"user_id":"person-a"`, `"user_id":"person-b"`), code: health.UpstreamInvalid},
		"another person's by metadata":      {body: with(`"user_id_string":"person-a"`, `"user_id_string":"person-b"`), code: health.UpstreamInvalid},
		"no word on whose":                  {body: strings.ReplaceAll(with(`"user_id":"person-a"`, `"user_id":null`), `"user_id_string":"person-a"`, `"x":1`), want: 9001},
		"a day early, another zone's":       {body: at(`"2026-03-28T23:00:00Z"`), want: 9001},
		"a day late, when it was extracted": {body: at(`"2026-03-30T00:01:00+01:00"`), want: 9001},
		"no time":                           {body: at(`null`), want: 9001},
		"two days early":                    {body: at(`"2026-03-27T00:00:00Z"`), code: health.UpstreamInvalid},
		"two days late":                     {body: at(`"2026-03-31T00:00:00Z"`), code: health.UpstreamInvalid},
		"no date":                           {body: at(`"noon"`), code: health.UpstreamInvalid},
		"another document":                  {body: with("physical_summary\",\n", "sleep_summary\",\n"), code: health.UpstreamInvalid},
		"an envelope with 200":              {body: `{"error":"x"}`, code: health.UpstreamInvalid},
		"sources that are no list":          {body: with(`["Garmin","Apple Health","Garmin","Huawei Health"]`, `"Garmin"`), code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			status := c.status
			if status == 0 {
				status = http.StatusOK
			}
			result := readDay(t, status, c.body)
			require.Equal(t, c.code, code(result.Err))
			assert.Equal(t, day("2026-03-29"), result.Total.Date)
			if c.code != "" || c.want == none {
				assert.Nil(t, result.Total.Steps)
				return
			}
			require.NotNil(t, result.Total.Steps)
			assert.Equal(t, c.want, *result.Total.Steps)
			assert.Equal(t, map[bool]int64{false: 1, true: 3}[name == "the newest of two"], result.Total.Version)
		})
	}
}

func TestReadDailyStepsNamesSourcesOnce(t *testing.T) {
	result := readDay(t, http.StatusOK, file(t, "summary.json"))
	require.NoError(t, result.Err)
	assert.Equal(t, []health.DataSource{
		{ID: "garmin", Name: "Garmin", Kind: health.KindBrowser},
		{ID: "apple_health", Name: "Apple Health", Kind: health.KindSDK},
		{ID: "huawei_health", Name: "Huawei Health", Kind: health.KindSDK},
	}, result.Total.DataSources)
}

func TestReadDailyStepsAsksForEachDay(t *testing.T) {
	connector := against(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v2/processed_data/physical_health/summary", r.URL.Path)
		assert.Equal(t, "person-a", r.URL.Query().Get("user_id"))
		w.WriteHeader(http.StatusNoContent)
	})
	dates := health.DateRange{From: day("2026-01-01"), To: day("2026-02-15")}.Each()
	results := connector.ReadDailySteps(t.Context(), person, dates)
	require.Len(t, results, len(dates))
	for i, result := range results {
		assert.NoError(t, result.Err)
		assert.Equal(t, dates[i], result.Total.Date)
	}
}

// A day that has not begun everywhere may be refused; one that has is our mistake.
func TestReadDailyStepsOfADayThatHasNotBegun(t *testing.T) {
	connector := answering(t, http.StatusUnprocessableEntity, `{"error":"Unprocessable Entity"}`) // it is noon on 2 April in UTC
	results := connector.ReadDailySteps(t.Context(), person, []health.Date{day("2026-04-01"), day("2026-04-02"), day("2026-04-03")})
	assert.Equal(t, health.UpstreamInvalid, code(results[0].Err))
	assert.Equal(t, health.UpstreamInvalid, code(results[1].Err))
	assert.NoError(t, results[2].Err)
	assert.Nil(t, results[2].Total.Steps)
}
