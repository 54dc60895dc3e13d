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

func TestReadTimeZone(t *testing.T) {
	info := file(t, "user_info.json")
	with := func(old, replacement string) string {
		require.Contains(t, info, old)
		return strings.ReplaceAll(info, old, replacement)
	}
	zone := func(value string) string {
		return with(`"time_zone_string":"Europe/Paris"`, `"time_zone_string":`+value)
	}
	newer := strings.ReplaceAll(zone(`"Asia/Tokyo"`), `"document_version":1`, `"document_version":2`)
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
		code   health.Code
	}{
		"as documented":              {body: info, want: "Europe/Paris"},
		"UTC":                        {body: zone(`"UTC"`), want: "UTC"},
		"the newest of two":          {body: "[" + newer + "," + info + "]", want: "Asia/Tokyo"},
		"without what is around":     {body: `{"user_information":{"user_demographics":{"time_zone_string":"Europe/Paris"}}}`, want: "Europe/Paris"},
		"empty":                      {body: zone(`""`)},
		"null":                       {body: zone(`null`)},
		"absent":                     {body: with(`time_zone_string`, `other_string`)},
		"no demographics":            {body: with(`user_demographics`, `other`)},
		"null demographics":          {body: `{"data_structure":"user_info","user_information":{"user_demographics":null}}`},
		"null information":           {body: `{"data_structure":"user_info","user_information":null}`},
		"an offset":                  {body: zone(`"+01:00"`)},
		"a name of Windows'":         {body: zone(`"Romance Standard Time"`)},
		"the machine's own":          {body: zone(`"Local"`)},
		"a path":                     {body: zone(`"../../etc/passwd"`)},
		"a number":                   {body: zone(`60`)},
		"a list":                     {body: zone(`["Europe/Paris"]`)},
		"no content":                 {status: 204},
		"an empty object":            {body: `{}`},
		"an empty list":              {body: `[]`},
		"a person that ROOK denies":  {status: 404, body: `{"error":"Not Found"}`},
		"a proxy's 404":              {status: 404, body: `not found`, code: health.UpstreamInvalid},
		"not ours to ask":            {status: 403, body: `{"error":"Forbidden"}`, code: health.UpstreamInvalid},
		"too many":                   {status: 429, code: health.RateLimited},
		"down":                       {status: 503, code: health.UpstreamUnavailable},
		"not JSON":                   {body: `<html>`, code: health.UpstreamInvalid},
		"another structure":          {body: with(`"user_info"`, `"sleep_summary"`), code: health.UpstreamInvalid},
		"something else":             {body: `{"message":"ok"}`, code: health.UpstreamInvalid},
		"a version that is none":     {body: with(`"document_version":1`, `"document_version":"x"`), code: health.UpstreamInvalid},
		"another person's":           {body: with(`"user_id":"person-a"`, `"user_id":"person-b"`), code: health.UpstreamInvalid},
		"another person's, metadata": {body: with(`"user_id_string":"person-a"`, `"user_id_string":"person-b"`), code: health.UpstreamInvalid},
		"metadata without person":    {body: with(`"user_id_string":"person-a"`, `"user_id_string":null`), want: "Europe/Paris"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == 0 {
				c.status = http.StatusOK
			}
			zone, err := answering(t, c.status, c.body).ReadTimeZone(t.Context(), person)
			assert.Equal(t, c.code, code(err))
			got := ""
			if zone != nil {
				got = zone.String()
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// The date has begun everywhere on Earth, and is no older than it has to be.
func TestTheDateOfTheUserInformation(t *testing.T) {
	for now, want := range map[string]string{
		"2026-04-02T00:00:00Z": "2026-04-01", "2026-04-02T11:59:59Z": "2026-04-01", "2026-04-02T12:00:00Z": "2026-04-02", "2026-04-02T23:59:59Z": "2026-04-02",
	} {
		at, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		var asked []string
		connector := againstAt(t, at, func(_ http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path+" "+r.URL.Query().Get("user_id")+" "+r.URL.Query().Get("date"))
		})
		_, _ = connector.ReadTimeZone(t.Context(), person)
		assert.Equal(t, []string{"/v2/processed_data/user/info person-a " + want}, asked, now)
	}
}

// Whatever ROOK's undocumented zone looks like, it is a zone of IANA's or none.
func TestSimulatedTimeZones(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*simulator.Switches)
		want   string
	}{
		"as assumed":             {func(*simulator.Switches) {}, "Europe/Paris"},
		"of ended days alone":    {func(s *simulator.Switches) { s.UserInfoDays = "ended" }, ""},
		"empty":                  {func(s *simulator.Switches) { s.TimeZoneForm = "empty" }, ""},
		"null":                   {func(s *simulator.Switches) { s.TimeZoneForm = "null" }, ""},
		"absent":                 {func(s *simulator.Switches) { s.TimeZoneForm = "absent" }, ""},
		"an offset":              {func(s *simulator.Switches) { s.TimeZoneForm = "offset" }, ""},
		"a name of Windows'":     {func(s *simulator.Switches) { s.TimeZoneForm = "windows" }, ""},
		"404 for no data":        {func(s *simulator.Switches) { s.NoDataStatus, s.UserInfoDays = 404, "ended" }, ""},
		"422 for days to come":   {func(s *simulator.Switches) { s.FutureDateStatus = 422 }, "Europe/Paris"},
		"instants of extraction": {func(s *simulator.Switches) { s.SummaryInstant = "extraction" }, "Europe/Paris"},
	} {
		connector, sim := simulated(t, c.change)
		zone, err := connector.ReadTimeZone(t.Context(), connectors.Account{ID: "demo"})
		require.NoError(t, err, name)
		assert.Equal(t, c.want == "", zone == nil, name)
		if zone != nil {
			assert.Equal(t, c.want, zone.String(), name)
		}
		assert.Len(t, sim.Control().Calls().Log, 1, "one call")
		nobody, err := connector.ReadTimeZone(t.Context(), connectors.Account{ID: "stranger"})
		require.NoError(t, err, name)
		assert.Nil(t, nobody, name)
	}
}
