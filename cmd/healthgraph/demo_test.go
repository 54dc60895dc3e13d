package main

import (
	"archive/zip"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/web"
)

// askDemo sends an operation to a running demo as the demo person.
func askDemo(t *testing.T, d demo, query string, data any) {
	t.Helper()
	w := &world{t: t, graphql: d.GraphQL}
	w.ask(d.Tokens.Demo, query, nil).into(data)
}

// startDemo runs the demo and reads the one line that it prints once it is ready.
func startDemo(t *testing.T, args ...string) (*started, demo) {
	t.Helper()
	s := start(t, append([]string{"demo", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	var d demo
	require.NoError(t, json.Unmarshal([]byte(s.until(&s.out, `(?s)^(.+)\n`)), &d))
	return s, d
}

func TestTheDemoIsOneLineAwayFromAnAnswerAndLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	nothingLeft(t, func() {
		s, d := startDemo(t)
		var data struct {
			Connections []struct {
				DataSource       source
				Status           string
				AuthorizationURL string `json:"authorizationUrl"`
			}
			StepCount steps
		}
		askDemo(t, d, firstQuery(time.Now(), ""), &data)
		statuses := map[string]string{}
		for _, l := range data.Connections {
			statuses[l.DataSource.Name] = l.Status
			if l.DataSource.Name == "Fitbit" {
				assert.True(t, strings.HasPrefix(l.AuthorizationURL, d.Rook+"/consent"), l.AuthorizationURL)
			}
		}
		assert.Equal(t, []string{"CONNECTED", "CONNECTED", "NOT_CONNECTED"}, []string{statuses["Garmin"], statuses["OneTwentyOne"], statuses["Fitbit"]}, "of both upstreams")
		require.NotNil(t, data.StepCount.Total)
		assert.Positive(t, *data.StepCount.Total)
		assert.Len(t, data.StepCount.Days, 7)
		assert.Equal(t, "Europe/Paris", data.StepCount.TimeZone)
		assert.Empty(t, data.StepCount.Problems)

		w := &world{t: t, graphql: d.GraphQL}
		service := w.ask(d.Tokens.Service, `{ user(id: "demo") { connections(dataSources: ["garmin"]) { status } } }`, nil)
		assert.Contains(t, string(service.Data), "CONNECTED")
		refused, err := w.post("", `{"query": "{ viewer { id } }"}`)
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, refused.Status)
		for _, address := range []string{d.Playground, d.Rook + "/_control/calls", d.OneTwentyOne + "/_control/calls"} {
			response, err := http.Get(address)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			if address != d.Playground || web.PlaygroundBuilt() { // else it is the page that says what is missing
				assert.Equal(t, http.StatusOK, response.StatusCode, address)
			}
		}
		http.DefaultClient.CloseIdleConnections()
		s.stop()
		assert.Equal(t, 1, strings.Count(s.out.String(), "\n"), "one line")
		for _, address := range []string{d.GraphQL, d.Rook, d.OneTwentyOne} {
			_, err := http.Get(address)
			require.Error(t, err, "nobody listens")
		}
	})
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left, "no file")
}

func TestTheDemoExplainsItselfToPeople(t *testing.T) {
	s := start(t, "demo", "--listen", "127.0.0.1:0")
	address := s.until(&s.out, `GraphQL endpoint +(http://\S+)`)
	s.until(&s.out, `(?s)curl (http://\S+).+Authorization: Bearer`)
	assert.Contains(t, s.out.String(), "nothing is kept")
	assert.True(t, strings.HasSuffix(address, "/graphql"))
	s.stop()
}

func TestAPortThatIsTakenIsAClearError(t *testing.T) {
	w := newWorld(t, worldOptions{})
	taken := strings.TrimSuffix(strings.TrimPrefix(w.graphql, "http://"), "/graphql")
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, args := range [][]string{{"demo", "--listen", taken}, {"simulate", "rook", "--listen", taken}} {
		out, _, err := command(t, args...)
		require.ErrorContains(t, err, "address already in use")
		assert.Empty(t, out)
	}
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
}

const exportHead = `<?xml version="1.0" encoding="UTF-8"?>
<HealthData locale="fr_FR">
 <ExportDate value="2026-04-15 09:00:00 +0200"/>
`

// walk writes one record of an export.
func walk(source, hardware, start, end, value string) string {
	return ` <Record type="HKQuantityTypeIdentifierStepCount" sourceName="` + source + `" unit="count" device="&lt;&lt;HKDevice: 0x1&gt;, name:x, hardware:` + hardware +
		`&gt;" creationDate="` + end + `" startDate="` + start + `" endDate="` + end + `" value="` + value + `"/>` + "\n"
}

var export = exportHead +
	walk("Phone", "iPhone15,4", "2026-04-01 08:00:00 +0200", "2026-04-01 08:10:00 +0200", "1000") +
	walk("Watch", "Watch7,1", "2026-04-01 08:05:00 +0200", "2026-04-01 08:15:00 +0200", "1200") +
	walk("Phone", "iPhone15,4", "2026-04-02 23:50:00 +0200", "2026-04-03 00:10:00 +0200", "200") +
	"</HealthData>\n"

func writeExport(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if strings.HasSuffix(name, ".xml") {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	file, err := os.Create(path)
	require.NoError(t, err)
	archive := zip.NewWriter(file)
	inside, err := archive.Create("apple_health_export/export.xml")
	require.NoError(t, err)
	_, err = inside.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	require.NoError(t, file.Close())
	return path
}

func TestTheDemoServesARealExportWithItsDevicesAndOverlaps(t *testing.T) {
	for _, name := range []string{"export.zip", "export.xml"} {
		t.Run(name, func(t *testing.T) {
			s, d := startDemo(t, "--apple-health", writeExport(t, name, export))
			var data struct{ StepCount steps }
			askDemo(t, d, `{ stepCount(from: "2026-04-01", to: "2026-04-04", dataSources: ["onetwentyone"]) `+stepFields+` }`, &data)
			assert.Equal(t, []string{"2026-04-01 1700 VALUE", "2026-04-02 100 VALUE", "2026-04-03 100 VALUE", "2026-04-04 - NOT_SYNCED"}, data.StepCount.short())
			assert.Contains(t, s.log.String(), "the export has 3 step samples, from 2026-04-01 to 2026-04-0")
			assert.Equal(t, []string{"iPhone15,4 1000", "Watch7,1 1200", "iPhone15,4 200"}, simulatedSamples(t, d), "each as it was recorded")
			s.stop()
		})
	}
}

// simulatedSamples asks the simulated OneTwentyOne itself, with a personal access token.
func simulatedSamples(t *testing.T, d demo) []string {
	t.Helper()
	fetch := func(method, address, token string, into any) {
		request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.NoError(t, json.NewDecoder(response.Body).Decode(into))
	}
	var token struct{ Token string }
	fetch(http.MethodPost, d.OneTwentyOne+"/_control/pats/demo", "", &token)
	var people []struct {
		Name   string
		UserID string `json:"userId"`
	}
	fetch(http.MethodGet, d.OneTwentyOne+"/_control/people", "", &people)
	require.Equal(t, "demo", people[0].Name)
	var page struct {
		Data []struct {
			Value        json.Number
			SourceDevice string `json:"source_device"`
		}
	}
	fetch(http.MethodGet, d.OneTwentyOne+"/api/v1/quantity/"+people[0].UserID+"/stepCount?sort=asc", token.Token, &page)
	var samples []string
	for _, each := range page.Data {
		samples = append(samples, each.SourceDevice+" "+each.Value.String())
	}
	return samples
}

func TestAnExportThatIsNoneIsAClearErrorBeforeAnythingIsServed(t *testing.T) {
	whole, err := os.ReadFile(writeExport(t, "export.zip", export))
	require.NoError(t, err)
	cutZip := filepath.Join(t.TempDir(), "export.zip")
	require.NoError(t, os.WriteFile(cutZip, whole[:len(whole)/2], 0o600))
	for name, test := range map[string]struct{ path, says string }{
		"cut in the middle of a record": {writeExport(t, "export.xml", export[:len(export)/2]), "cut short"},
		"cut between two records":       {writeExport(t, "export.xml", strings.TrimSuffix(export, "</HealthData>\n")), "cut short"},
		"a zip with a truncated export": {writeExport(t, "export.zip", export[:len(export)/2]), "cut short"},
		"a zip that is cut itself":      {cutZip, "zip"},
		"XML of something else":         {writeExport(t, "export.xml", "<?xml version=\"1.0\"?>\n<gpx></gpx>"), "not an Apple Health export"},
		"a zip of something else":       {writeExport(t, "export.zip", "<gpx></gpx>"), "no Apple Health export"},
		"no XML":                        {writeExport(t, "export.xml", "steps,10\n"), "export"},
		"empty":                         {writeExport(t, "export.xml", ""), "export"},
		"a file that there is not":      {filepath.Join(t.TempDir(), "missing.zip"), "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			for _, args := range [][]string{{"demo", "--json", "--listen", "127.0.0.1:0"}, {"simulate", "onetwentyone", "--listen", "127.0.0.1:0", "--redirect-uri", testReturnURL}} {
				out, _, err := command(t, append(args, "--apple-health", test.path)...)
				require.ErrorContains(t, err, test.says)
				assert.Empty(t, out, "nothing is announced")
			}
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestEachSimulatorRunsAlone(t *testing.T) {
	for name, args := range map[string][]string{"ROOK": {"rook"}, "OneTwentyOne": {"onetwentyone", "--redirect-uri", testReturnURL}} {
		t.Run(name, func(t *testing.T) {
			nothingLeft(t, func() {
				s := start(t, append(append([]string{"simulate"}, args...), "--listen", "127.0.0.1:0")...)
				address := s.until(&s.out, name+` is simulated at (http://127\.0\.0\.1:\d+) `)
				response, err := http.Get(address + "/_control/switches")
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				assert.Equal(t, http.StatusOK, response.StatusCode)
				http.DefaultClient.CloseIdleConnections()
				s.stop()
			})
		})
	}
	_, _, err := command(t, "simulate", "onetwentyone")
	require.ErrorContains(t, err, "--redirect-uri")
}
