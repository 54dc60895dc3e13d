package rook_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// shown writes links in one line: + for connected.
func shown(links []connectors.LinkState) string {
	words := []string{}
	for _, link := range links {
		word := string(link.DataSource.ID)
		if link.Connected {
			word = "+" + word
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const wholeCatalogue = "garmin oura polar fitbit withings whoop dexcom apple_health health_connect samsung_health android"

func TestReadLinks(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
		code   health.Code
	}{
		"the documented list": {body: file(t, "links_v2.json"), want: "garmin +oura +apple_health health_connect samsung_health android"},
		"status instead of authorized": {body: `{"data_sources":[{"data_source":"Oura","status":true},{"data_source":"Polar","status":false}]}`,
			want: "+oura polar apple_health health_connect samsung_health android"},
		"authorized counts before status": {body: `{"data_sources":[{"data_source":"Oura","authorized":false,"status":true}]}`,
			want: "oura apple_health health_connect samsung_health android"},
		"words for flags": {body: `{"data_sources":[{"data_source":"Oura","status":"Connected"},{"data_source":"Polar","status":"false"}]}`,
			want: "+oura polar apple_health health_connect samsung_health android"},
		"null is not offered": {body: `{"data_sources":[{"data_source":"Oura","authorized":null},{"data_source":"Android","authorized":null},{"data_source":"Polar","authorized":false}]}`,
			want: "polar apple_health health_connect samsung_health"},
		"any spelling": {body: `{"data_sources":[{"data_source":"APPLEHEALTH","authorized":true},{"data_source":"HEALTH-CONNECT","authorized":true},{"data_source":"samsung health","authorized":true},{"data_source":"fitbit","authorized":true}]}`,
			want: "+fitbit +apple_health +health_connect +samsung_health android"},
		"twice is once": {body: `{"data_sources":[{"data_source":"Apple Health","authorized":false},{"data_source":"apple_health","authorized":true},{"data_source":"Apple Health","authorized":false}]}`,
			want: "+apple_health health_connect samsung_health android"},
		"a source without an entry": {body: `{"data_sources":[{"data_source":"Acme Ring","authorized":true},{"data_source":"健康","authorized":false}]}`,
			want: "apple_health health_connect samsung_health android +acme_ring source_aa18b6dc"},
		"no content":                 {status: 204, want: wholeCatalogue},
		"an empty object":            {body: `{}`, want: wholeCatalogue},
		"an empty list":              {body: `{"data_sources":[]}`, want: wholeCatalogue},
		"an envelope with 200":       {body: `{"error":"x"}`, code: health.UpstreamInvalid},
		"a flag that is a number":    {body: `{"data_sources":[{"data_source":"Oura","authorized":1}]}`, code: health.UpstreamInvalid},
		"a flag that is no flag":     {body: `{"data_sources":[{"data_source":"Oura","authorized":"perhaps"}]}`, code: health.UpstreamInvalid},
		"no flag":                    {body: `{"data_sources":[{"data_source":"Oura"}]}`, code: health.UpstreamInvalid},
		"no name":                    {body: `{"data_sources":[{"authorized":true}]}`, code: health.UpstreamInvalid},
		"a list of texts":            {body: `{"data_sources":["Oura"]}`, code: health.UpstreamInvalid},
		"our credential is refused":  {status: 401, code: health.UpstreamInvalid},
		"our credential is refused ": {status: 403, code: health.UpstreamInvalid},
		"too many":                   {status: 429, code: health.RateLimited},
		"down":                       {status: 503, code: health.UpstreamUnavailable},
		"a person that ROOK denies":  {status: 404, body: `{"error":"Not Found"}`, want: wholeCatalogue},
		"a proxy's 404":              {status: 404, body: `<html>`, code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			status := c.status
			if status == 0 {
				status = http.StatusOK
			}
			result := answering(t, status, c.body).ReadLinks(t.Context(), []connectors.Account{{ID: "person-a"}})[0]
			assert.Equal(t, c.code, code(result.Err))
			assert.Equal(t, c.want, shown(result.Links))
		})
	}
}

func TestReadLinksNamesSources(t *testing.T) {
	long := strings.Repeat("Long ", 50)
	body := fmt.Sprintf(`{"data_sources":[{"data_source":"Oura","authorized":true,"image":"https://cdn.example/oura.png"},
		{"data_source":"Polar","authorized":true,"image":"http://cdn.example/plain.png"},
		{"data_source":"Acme\u0007 Ring","authorized":true,"image":17},
		{"data_source":"Huawei Health","authorized":true},{"data_source":%q,"authorized":true}]}`, long)
	links := answering(t, http.StatusOK, body).ReadLinks(t.Context(), []connectors.Account{{ID: "person-a"}})[0].Links
	byID := map[health.DataSourceID]health.DataSource{}
	for _, link := range links {
		byID[link.DataSource.ID] = link.DataSource
	}
	require.NotNil(t, byID["oura"].LogoURL)
	assert.Equal(t, health.URL("https://cdn.example/oura.png"), *byID["oura"].LogoURL)
	assert.Nil(t, byID["polar"].LogoURL, "an image that is not https")
	assert.Equal(t, "Acme Ring", byID["acme_ring"].Name)
	assert.Equal(t, health.KindBrowser, byID["acme_ring"].Kind)
	assert.Equal(t, health.KindSDK, byID["huawei_health"].Kind)
	assert.LessOrEqual(t, len(links[len(links)-1].DataSource.Name), 64)
}

func TestReadLinksFallsBackToTheMap(t *testing.T) {
	for _, missing := range []int{404, 405, 410} {
		var mu sync.Mutex
		var paths []string
		connector := against(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			paths = append(paths, r.URL.Path)
			if strings.HasPrefix(r.URL.Path, "/api/v2/") {
				w.WriteHeader(missing)
				return
			}
			_, _ = io.WriteString(w, file(t, "links_v1.json"))
		})
		for range 2 { // nothing is remembered: the newer list may come back
			paths = nil
			result := connector.ReadLinks(t.Context(), []connectors.Account{{ID: "person-a"}})[0]
			require.NoError(t, result.Err)
			assert.Equal(t, "garmin +oura polar fitbit +apple_health samsung_health android google_fit", shown(result.Links))
			assert.Equal(t, []string{"/api/v2/user_id/person-a/data_sources/authorized", "/api/v1/user_id/person-a/data_sources/authorized"}, paths)
		}
		other := connector.ReadLinks(t.Context(), []connectors.Account{{ID: "person-b"}})[0]
		assert.Equal(t, health.UpstreamInvalid, code(other.Err), "the map is another person's")
	}
}

// Once ROOK has said that it takes no more, the calls that have not begun are not made.
func TestReadLinksStopsWhenRateLimited(t *testing.T) {
	var mu sync.Mutex
	calls := 0
	connector := against(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	results := connector.ReadLinks(t.Context(), make([]connectors.Account, 0))
	assert.Empty(t, results)
	accounts := make([]connectors.Account, 200)
	for i := range accounts {
		accounts[i].ID = fmt.Sprintf("person-%d", i)
	}
	for _, result := range connector.ReadLinks(t.Context(), accounts) {
		assert.Equal(t, health.RateLimited, code(result.Err))
	}
	assert.Less(t, calls, 100)
}
