package rook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/rook"
	"healthgraph/health"
	simulator "healthgraph/simulators/rook"
)

// BenchmarkReadLinks reads the list of one account as ROOK writes it, without a network.
func BenchmarkReadLinks(b *testing.B) {
	var entries []string
	for i, name := range []string{"Garmin", "Oura", "Polar", "Fitbit", "Withings", "Whoop", "Dexcom", "Apple Health", "Health Connect", "Samsung Health", "Android"} {
		image := "https://cdn.example/images/" + strings.ReplaceAll(strings.ToLower(name), " ", "-") + ".svg"
		entries = append(entries, `{"authorized":`+[]string{"false", "true"}[i%2]+`,"data_source":"`+name+`","image":"`+image+`"}`)
	}
	connector := always(b, `{"data_sources":[`+strings.Join(entries, ",")+`]}`)
	b.ReportAllocs()
	for b.Loop() {
		result := connector.ReadLinks(b.Context(), []connectors.Account{person})[0]
		if result.Err != nil || len(result.Links) != 11 {
			b.Fatal(result)
		}
	}
}

// BenchmarkReadDailySteps reads the summary of one day as the simulator writes it, with steps for every quarter of an hour, without a
// network.
func BenchmarkReadDailySteps(b *testing.B) {
	sim := simulator.New(simulator.Config{ClientUUID: "client", Secret: "secret"}).Handler()
	change := httptest.NewRequestWithContext(b.Context(), http.MethodPut, "/_control/people/person-a",
		strings.NewReader(`{"timeZone":"Europe/Paris","sources":{"Garmin":true},"days":{"2026-03-29":{"steps":9001}}}`))
	change.Header.Set("Content-Type", "application/json")
	ask := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v2/processed_data/physical_health/summary?user_id=person-a&date=2026-03-29", http.NoBody)
	ask.Header.Set("User-Agent", "bench") // ROOK is said to want one
	ask.SetBasicAuth("client", "secret")
	var answer *httptest.ResponseRecorder
	for _, request := range []*http.Request{change, ask} {
		answer = httptest.NewRecorder()
		sim.ServeHTTP(answer, request)
		require.Equal(b, http.StatusOK, answer.Code)
	}
	connector := always(b, answer.Body.String())
	b.SetBytes(int64(answer.Body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		result := connector.ReadDailySteps(b.Context(), person, []health.Date{day("2026-03-29")})[0]
		if result.Err != nil || result.Total.Steps == nil || *result.Total.Steps != 9001 {
			b.Fatal(result)
		}
	}
}

func always(b *testing.B, body string) *rook.Connector {
	b.Helper()
	client := &http.Client{Transport: connectortest.Always{Status: http.StatusOK, Body: []byte(body)}}
	connector, err := newConnector("https://rook.example", connectors.ClientConfig{HTTP: client})
	require.NoError(b, err)
	return connector.(*rook.Connector)
}
