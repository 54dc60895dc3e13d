package rook_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/rook"
	"healthgraph/health"
)

// Whatever ROOK answers is read without a panic: as what it promised, or as a failure that repeats none of it.
func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"authorizer.json", "links_v1.json", "links_v2.json", "summary.json", "sleep.json"} {
		seed, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(200, seed)
	}
	for _, seed := range []string{
		`{"data_sources":[{"data_source":"Oura","authorized":"yes"}]}`, `{"user_id":"person-b","oura":true}`, `[null]`, `null`, ``, `{"message":"revoked"}`,
		`{"physical_health":{"summary":{"physical_summary":{"activity":{"steps_int":1e9}}}}}`, strings.Repeat(`[`, 10000),
	} {
		f.Add(200, []byte(seed))
		f.Add(404, []byte(seed))
		f.Add(422, []byte(seed))
	}
	oura := health.DataSource{ID: "oura", Name: "Oura", Kind: health.KindBrowser}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		upstream := connectortest.Always{Status: 100 + (status%500+500)%500, Body: body}
		client := &http.Client{Transport: upstream}
		connector, err := rook.New(rook.Config{
			BaseURL: "https://rook.example", ClientUUID: "c9c0f5a5-3a2e-4a0b-8a51-6c1a7d1b2c01", SecretKey: health.NewSecret("secret"),
			Client: connectors.ClientConfig{HTTP: client, Now: func() time.Time { return time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC) }},
		})
		require.NoError(t, err)
		failed := func(err error) bool { return upstream.Failed(t, err) }

		for _, result := range connector.ReadLinks(t.Context(), []connectors.Account{person}) {
			failed(result.Err)
			for _, link := range result.Links {
				require.NotEmpty(t, link.DataSource.ID, "a source without a slug could not be asked for")
				require.NotEmpty(t, link.DataSource.Name)
			}
		}
		for _, result := range connector.ReadDailySteps(t.Context(), person, []health.Date{day("2026-03-29")}) {
			if !failed(result.Err) && result.Total.Steps != nil {
				require.GreaterOrEqual(t, *result.Total.Steps, 0)
			}
		}
		for _, result := range connector.ReadDailySleep(t.Context(), person, []health.Date{day("2026-03-29")}) {
			if !failed(result.Err) && result.Sleep.Figure != nil && result.Sleep.Figure.Asleep != nil {
				require.GreaterOrEqual(t, *result.Sleep.Figure.Asleep, health.Duration(0))
			}
		}
		page, err := connector.Authorize(t.Context(), connectors.AuthorizeRequest{Account: person, DataSource: oura})
		if !failed(err) && !page.Authorized {
			_, err := health.ParseURL(page.URL)
			require.NoError(t, err, "a page that a browser can be sent to")
		}
		_, err = connector.Revoke(t.Context(), person, oura)
		failed(err)
	})
}
