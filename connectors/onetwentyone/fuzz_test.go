package onetwentyone_test

import (
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

// Whatever OneTwentyOne answers is read without a panic: as what it promised, or as a failure that repeats none of it.
func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"page1.json", "page2.json", "sleep1.json", "sleep2.json", "profile.json"} {
		seed, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(200, seed)
	}
	for _, seed := range []string{
		`{"access_token":"at_1","refresh_token":"rt_1"}`, `{"access_token":"at_2","expires_in":3600}`, `{"error":{"code":"invalid_grant"}}`, `[]`, `null`, ``,
		`{"data":[{"value":"NaN","start":"2026-03-29T10:00:00Z","end":"2026-03-29T09:00:00Z"}]}`, `{"data":[{"value":1e400}],"pagination":{"has_more":true}}`,
		`{"data":{"data":[{"value":-1,"unit":"km","startDate":1774778400}]}}`, strings.Repeat(`{"data":[`, 1000),
	} {
		f.Add(200, []byte(seed))
		f.Add(429, []byte(seed))
	}
	days := health.DateRange{From: day("2026-03-29"), To: day("2026-03-29")}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		upstream := connectortest.Always{Status: 100 + (status%500+500)%500, Body: body}
		client := &http.Client{Transport: upstream}
		connector, err := onetwentyone.New(configured("https://121.example", connectors.ClientConfig{HTTP: client, Now: func() time.Time { return noon }}))
		require.NoError(t, err)
		account := connectors.Account{ID: accountID, Client: client}
		failed := func(err error) bool { return upstream.Failed(t, err) }

		result := connectortest.ReadAllSamples(t.Context(), connector, account, stepsOn(days))
		failed(result.Err)
		for _, s := range result.Samples {
			require.False(t, s.End.Before(s.Start), "it ends after it begins")
			require.False(t, math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value < 0, "it is a number of steps")
		}
		sleep := connector.ReadSleepSessions(t.Context(), account, lastNight)
		failed(sleep.Err)
		for _, record := range sleep.Records {
			require.False(t, record.End.Before(record.Start), "it ends after it begins")
			if record.Times.Asleep != nil {
				require.LessOrEqual(t, time.Duration(*record.Times.Asleep), record.End.Sub(record.Start))
			}
		}
		if profile, err := connector.ReadProfile(t.Context(), account); !failed(err) && profile.TimeZone != nil {
			require.NotEmpty(t, profile.TimeZone.String())
		}
		grant, err := connector.Exchange(t.Context(), url.Values{"code": {"c"}, "user_id": {accountID}}, back)
		if !failed(err) {
			require.False(t, grant.AccessToken.IsEmpty())
			require.Equal(t, accountID, grant.AccountID)
		}
		if renewed, err := connector.Refresh(t.Context(), connectors.Grant{AccountID: accountID, RefreshToken: health.NewSecret("rt")}); !failed(err) {
			require.False(t, renewed.AccessToken.IsEmpty() || renewed.RefreshToken.IsEmpty(), "the refresh token is never lost")
		}
	})
}

// Whatever the browser brings back is judged without a call.
func FuzzCheckReturn(f *testing.F) {
	for _, seed := range []string{"code=abc&user_id=" + accountID, "error=access_denied", "code=%ff&user_id=x", "code=a&code=b", "user_id[]=1", "%zz", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		connector, err := onetwentyone.New(configured("https://121.example", connectors.ClientConfig{}))
		require.NoError(t, err)
		if err := connector.CheckReturn(values); err != nil {
			require.Contains(t, []health.Code{health.BadUserInput, health.NotConnected, health.UpstreamInvalid}, health.AsError(err).Code)
		} else {
			require.Len(t, values["code"], 1)
			require.NotContains(t, values.Get("code"), "\x00")
		}
	})
}
