package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// benched is the program in front of both simulators, with a person of five years, kept on a SQLite file.
type benched struct {
	b            testing.TB
	rook         *rook.Simulator
	oneTwentyOne *onetwentyone.Simulator
	statements   counter
	graphql      string
	database     string
}

func newBenched(b testing.TB, changes ...func(*settings)) *benched {
	b.Helper()
	clock := simulators.NewClock()
	clock.Freeze(today)
	w := &benched{b: b, database: storetest.SQLite(b)}
	w.rook = rook.New(rook.Config{Clock: clock})
	w.oneTwentyOne = onetwentyone.New(onetwentyone.Config{ClientID: "test-client", ClientSecret: "test-client-secret", Clock: clock, RedirectURIs: []string{testReturnURL}})
	var keyset bytes.Buffer
	require.NoError(b, tokens.WriteKeyset(&keyset))
	configured := settings{
		gatewaySettings: gatewaySettings{
			databaseSettings: databaseSettings{DatabaseURL: w.database},
			RookBaseURL:      w.serve(w.rook.Handler()), RookClientUUID: rook.DummyClientUUID, RookSecretKey: rook.DummySecret,
			OneTwentyOneBaseURL: w.serve(w.oneTwentyOne.Handler()), OneTwentyOneClientID: "test-client", OneTwentyOneClientSecret: "test-client-secret",
			OneTwentyOneRedirectURI: testReturnURL, OneTwentyOneEncoding: "json", KeepDays: "1440h",
			upstreamSettings: upstreamSettings{UpstreamTimeout: 8 * time.Second},
		},
		JWTSecret: testSecret, OperationTimeout: 20 * time.Second,
	}
	for _, change := range changes {
		change(&configured)
	}
	a, err := newApp(b.Context(), configured, options{keyset: keyset.Bytes(), now: clock.Now, onQuery: w.statements.add}, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, a.close()) })
	w.graphql = w.serve(a.handler) + "/graphql"
	return w
}

func (w *benched) serve(h http.Handler) string { return serving(w.b, h) }

func serving(tb testing.TB, h http.Handler) string {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s.URL
}

// control sends a request to a simulator's control endpoint, and gives its answer.
func (w *benched) control(s http.Handler, method, path, body string) string {
	w.b.Helper()
	request := httptest.NewRequestWithContext(w.b.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	require.Less(w.b, recorder.Code, 300, recorder.Body.String())
	return recorder.Body.String()
}

func (w *benched) ask(query string) {
	w.b.Helper()
	w.askAs("w", query)
}

// askAs asks with the scopes, and gives the answer, which must be whole.
func (w *benched) askAs(user health.UserID, query string, scopes ...string) string {
	w.b.Helper()
	token, err := callers.Issue(health.NewSecret(testSecret), user, scopes, today, 24*time.Hour)
	require.NoError(w.b, err)
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(w.b, err)
	request, err := http.NewRequestWithContext(w.b.Context(), http.MethodPost, w.graphql, bytes.NewReader(body))
	require.NoError(w.b, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.b, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(w.b, err)
	require.NoError(w.b, response.Body.Close())
	require.NotContains(w.b, string(answer), `"errors"`)
	require.NotContains(w.b, string(answer), `"complete":false`)
	return string(answer)
}

// linkRook links a source of ROOK's.
func (w *benched) linkRook() {
	w.b.Helper()
	w.control(w.rook.Handler(), http.MethodPut, "/_control/people/w", `{"timeZone": "UTC", "sources": {"Garmin": true}}`)
}

// linkOneTwentyOne links it with so many samples a day, of so many days until today.
func (w *benched) linkOneTwentyOne(days, perDay int) {
	w.b.Helper()
	loadSteps(w.b, w.oneTwentyOne, "walker", everyDay(today.Truncate(24*time.Hour).AddDate(0, 0, -days), days, perDay, time.Minute, 20))
	var made onetwentyone.PersonOutput
	require.NoError(w.b, json.Unmarshal([]byte(w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/people/walker", `{"homeTimezone": "UTC"}`)), &made))
	var pat struct{ Token string }
	require.NoError(w.b, json.Unmarshal([]byte(w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/pats/walker", "")), &pat))
	w.ask(fmt.Sprintf(`mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: %q, token: %q}) { link { status } } }`, made.UserID, pat.Token))
}

func (w *benched) calls() (n int) {
	for _, control := range []*simulators.Control{w.rook.Control(), w.oneTwentyOne.Control()} {
		for _, route := range control.Calls().Routes {
			n += route.Calls
		}
	}
	return n
}

// Five years of steps in one query, over HTTP and SQLite, with nothing kept (cold) and with everything (warm). The simulators run
// in the same process and take most of the time of what is cold; the heap is theirs as well.
func BenchmarkFiveYears(b *testing.B) {
	for _, source := range []string{"garmin", "onetwentyone"} {
		for _, temperature := range []string{"cold", "warm"} {
			b.Run(source+"/"+temperature, func(b *testing.B) {
				w := newBenched(b)
				w.linkRook()
				w.linkOneTwentyOne(1829, 200)
				database := storetest.DB(b, w.database).DB
				query := `{ stepCount(` + fiveYears + `, dataSources: ["` + source + `"]) { total days { date steps presence } complete } }`
				w.ask(query)
				runtime.GC()
				calls, statements := 0, 0
				heap := highestHeap(func() {
					for b.Loop() {
						b.StopTimer()
						if temperature == "cold" {
							_, err := database.ExecContext(b.Context(), `DELETE FROM kept_days`)
							require.NoError(b, err)
						}
						before := w.calls()
						w.statements.reset()
						b.StartTimer()
						w.ask(query)
						calls += w.calls() - before
						statements += w.statements.count()
					}
				})
				b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
				b.ReportMetric(float64(statements)/float64(b.N), "statements/op")
				b.ReportMetric(float64(heap)/(1<<20), "heap-MiB")
				var sealed float64
				require.NoError(b, database.QueryRowContext(b.Context(), `SELECT avg(length(sealed)) FROM kept_days`).Scan(&sealed))
				b.ReportMetric(sealed, "sealed-bytes/row")
			})
		}
	}
}

// highestHeap looks at the heap every few milliseconds while f runs.
func highestHeap(f func()) uint64 {
	var highest atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			highest.Store(max(highest.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return highest.Load()
}
