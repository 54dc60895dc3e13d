package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// importing is a file to import into a migrated database.
type importing struct {
	t                 *testing.T
	url, keyset, file string
}

func newImporting(t *testing.T, url string) *importing {
	t.Helper()
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: url}, nil))
	return &importing{t: t, url: url, keyset: keyset(t), file: filepath.Join(t.TempDir(), "links.csv")}
}

// run imports the text, and gives the report without its header.
func (i *importing) run(text string, more ...string) (report, log string, err error) {
	i.t.Helper()
	require.NoError(i.t, os.WriteFile(i.file, []byte(text), 0o600))
	out, log, err := command(i.t, append([]string{"links", "import", i.file, "--database-url", i.url, "--keyset-file", i.keyset}, more...)...)
	rest, isReport := strings.CutPrefix(out, "line,outcome,reason\n")
	assert.Equal(i.t, out != "", isReport)
	return rest, log, err
}

// account is a UUID that ends in n.
func account(n int) string { return fmt.Sprintf("0B5C1F0E-3a52-4e0b-9a51-%012d", n) }

func TestLinksThatAnotherSystemHeldGoOnWorking(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		i := newImporting(t, databaseURL)
		w := newWorld(t, worldOptions{databaseURL: databaseURL, change: func(s *settings) { s.KeysetFile = i.keyset }, options: func(o *options) { o.keyset = nil }})
		w.link("linked", "person-2")
		refresh := w.refreshToken("demo")
		w.oneTwentyOnePerson("patricia", `{"homeTimezone": "Europe/Paris"}`)
		pat := w.pat("patricia")
		demo := w.oneTwentyOne.UserID("demo")
		text := "personal_access_token,person,refresh_token,account_id\n" +
			",person-1," + refresh + "," + strings.ToUpper(demo) + "\n" +
			pat + ",person-2,," + w.oneTwentyOne.UserID("patricia") + "\n" +
			",linked,canary-9," + account(9) + "\n" +
			",person-3,canary-3," + demo + "\n" +
			",person-4,canary-4," + account(4) + "\n" +
			",\" person\",canary-5,canary-5\n"
		w.forgetCalls()
		report, log, err := i.run(text, "--dry-run")
		const want = "2,accepted,\n3,accepted,\n4,skipped,the person is linked already\n5,refused,another person has linked the account\n6,accepted,\n" +
			"7,refused,person: a person's id is printable UTF-8 without white space at its ends\n"
		require.EqualError(t, err, "2 of 6 rows were refused: the report says why")
		assert.Equal(t, want, report)
		assert.Equal(t, "6 rows: 3 accepted, 1 skipped, 2 refused (a dry run: nothing was written)\n", log)
		assert.Len(t, w.rowsOf("grants"), 1)

		report, log, err = i.run(text)
		require.Error(t, err)
		assert.Equal(t, want, report)
		assert.Equal(t, "6 rows: 3 accepted, 1 skipped, 2 refused\n", log)
		assert.Empty(t, w.calls(), "no upstream is asked")
		assert.Empty(t, contains(report+log+err.Error(), "person-", "canary", refresh, pat, demo))

		// From here on it is as any other link.
		query := `{ connections(dataSources: ["onetwentyone"]) { status accountVerified } }`
		assert.Contains(t, w.ask(w.token("person-1"), query, nil).Raw, `{"status":"CONNECTED","accountVerified":false}`)
		for _, person := range []string{"person-1", "person-2"} {
			assert.Empty(t, w.steps(person, someDays+`, dataSources: ["onetwentyone"]`).Problems, person)
			assert.Contains(t, w.ask(w.token(person), query, nil).Raw, `{"status":"CONNECTED","accountVerified":true}`, person)
		}
		assert.Equal(t, 1, w.calls()["onetwentyone.refresh"], "a personal token needs none")
		bad := w.steps("person-4", someDays+`, dataSources: ["onetwentyone"]`)
		assert.Equal(t, relink, bad.Problems[0].Code)
		var actions []string
		for _, entry := range w.accessLog(w.token("person-1"), nil) {
			actions = append(actions, entry.Action+" by "+entry.Actor)
		}
		assert.ElementsMatch(t, []string{"IMPORTED by OPERATOR", "REFRESHED by GATEWAY"}, actions)

		again, log, err := i.run(text)
		require.Error(t, err)
		assert.Equal(t, strings.NewReplacer("2,accepted,", "2,skipped,imported already", "3,accepted,", "3,skipped,imported already",
			"6,accepted,", "6,skipped,imported already").Replace(want), again)
		assert.Equal(t, "6 rows: 0 accepted, 4 skipped, 2 refused\n", log)
		shared, _, err := i.run(text, "--share-accounts")
		require.Error(t, err)
		assert.Contains(t, shared, "5,accepted,\n")
		assert.Empty(t, contains(w.log.String()+strings.Join(w.rows(), "\n"), "canary", refresh, pat))
	})
}

// refreshToken is what another system got for the person's consent at OneTwentyOne.
func (w *world) refreshToken(person string) string {
	w.t.Helper()
	page := w.settings.OneTwentyOneBaseURL + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {"test-client"}, "redirect_uri": {testReturnURL}, "state": {"s"},
	}.Encode()
	returned, err := url.Parse(w.consent(page, person, "allow", "profile", "quantity"))
	require.NoError(w.t, err)
	response, err := http.PostForm(w.settings.OneTwentyOneBaseURL+"/api/token", url.Values{
		"code": {returned.Query().Get("code")}, "client_id": {"test-client"}, "client_secret": {"test-client-secret"}, "redirect_uri": {testReturnURL},
	})
	require.NoError(w.t, err)
	defer response.Body.Close()
	var answer struct {
		Refresh string `json:"refresh_token"`
	}
	require.NoError(w.t, json.NewDecoder(response.Body).Decode(&answer))
	require.NotEmpty(w.t, answer.Refresh)
	return answer.Refresh
}

func TestAnImportStoppedInTheMiddleGoesOnWhenRunAgain(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		i := newImporting(t, url)
		db := storetest.DB(t, url)
		const rows, bad = 1200, 800
		var text strings.Builder
		text.WriteString("person,account_id,refresh_token\n")
		for n := range rows {
			_, _ = fmt.Fprintf(&text, "person-%d,%s,canary-%d\n", n, account(n), n)
		}
		statements := []string{"CREATE TRIGGER full BEFORE INSERT ON grants WHEN new.account_id LIKE '%00800' BEGIN SELECT RAISE(ABORT, 'canary'); END"}
		lift := "DROP TRIGGER full"
		if strings.HasPrefix(url, "postgres") {
			statements = []string{
				"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''full''; END'",
				"CREATE TRIGGER full_disk BEFORE INSERT ON grants FOR EACH ROW WHEN (new.account_id LIKE '%00800') EXECUTE FUNCTION refuse()",
			}
			lift = "DROP TRIGGER full_disk ON grants"
		}
		for _, statement := range statements {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		report, log, err := i.run(text.String())
		require.ErrorContains(t, err, "the lines before line 502 are done. Run it again")
		assert.Equal(t, importBatch, strings.Count(report, ",accepted,\n"))
		assert.Equal(t, "500 rows: 500 accepted, 0 skipped, 0 refused\n", log)
		_, err = db.ExecContext(t.Context(), lift)
		require.NoError(t, err)

		path := filepath.Join(t.TempDir(), "report.csv")
		report, log, err = i.run(text.String(), "--report", path)
		require.NoError(t, err)
		assert.Empty(t, report)
		assert.Equal(t, "1200 rows: 700 accepted, 500 skipped, 0 refused\n", log)
		lines := strings.Split(content(t, path), "\n")
		assert.Equal(t, []string{"line,outcome,reason", "2,skipped,imported already", "502,accepted,", ""}, []string{lines[0], lines[1], lines[501], lines[rows+1]})
		before := content(t, path)
		_, _, err = i.run(text.String(), "--report", path)
		require.ErrorIs(t, err, os.ErrExist)
		assert.Equal(t, before, content(t, path), "no report is overwritten")
	})
}

func TestAnImportReadsStandardInput(t *testing.T) {
	i := newImporting(t, storetest.SQLite(t))
	require.NoError(t, os.WriteFile(i.file, []byte("person,account_id,refresh_token\np,"+account(1)+",r"), 0o600))
	stdin, err := os.Open(i.file)
	require.NoError(t, err)
	defer stdin.Close()
	was := os.Stdin
	os.Stdin = stdin
	defer func() { os.Stdin = was }()
	out, _, err := command(t, "links", "import", "-", "--database-url", i.url, "--keyset-file", i.keyset)
	require.NoError(t, err)
	assert.Equal(t, "line,outcome,reason\n2,accepted,\n", out)
}

func TestAnImportSaysWhatIsMissingBeforeItWritesAnything(t *testing.T) {
	i := newImporting(t, storetest.SQLite(t))
	const good = "person,account_id,refresh_token\n"
	path := filepath.Join(t.TempDir(), "report.csv")
	for says, args := range map[string][]string{
		"HEALTHGRAPH_KEYSET_FILE must be set":              {"--keyset-file", ""},
		"HEALTHGRAPH_KEYSET_FILE: no such":                 {"--keyset-file", i.keyset + "-none"},
		"authorisations from another system: onetwentyone": {"--connector", "rook"},
		"--connector has to name one":                      {"--connector", "canary"},
	} {
		report, log, err := i.run(good+"p,"+account(1)+",r\n", append(args, "--report", path)...)
		require.ErrorContains(t, err, says)
		assert.Empty(t, report+log)
		assert.NotContains(t, err.Error(), "canary")
	}
	_, _, err := i.run("person,account_id\n", "--report", path)
	require.ErrorContains(t, err, "line 1 has to name the columns")
	assert.NoFileExists(t, path)
	_, _, err = command(t, "links", "import", i.file+"-none", "--keyset-file", i.keyset)
	require.ErrorIs(t, err, os.ErrNotExist)
	report, log, err := i.run(good+"p,"+account(1)+",r\n", "--connector", "onetwentyone")
	require.NoError(t, err)
	assert.Equal(t, []string{"2,accepted,\n", "1 rows: 1 accepted, 0 skipped, 0 refused\n"}, []string{report, log})
}

func TestEachBadFieldIsRefusedByItsColumn(t *testing.T) {
	i := newImporting(t, storetest.SQLite(t))
	huge := strings.Repeat("x", 9000)
	text := fullHeader + strings.Join([]string{
		"link_1," + account(1) + ",r,", "," + account(1) + ",r,", huge + "," + account(1) + ",r,", "p,canary,r,", "p,,r,", "p," + account(1) + ",r r,",
		"p," + account(1) + "," + huge + ",", "p," + account(1) + ",," + huge, "p," + account(1) + ",é,", "p," + account(1) + ",,t t", "p," + account(1) + ",ok,",
	}, "\n")
	report, _, err := i.run(text)
	require.EqualError(t, err, "10 of 11 rows were refused: the report says why")
	records, err := csv.NewReader(strings.NewReader(report)).ReadAll()
	require.NoError(t, err)
	var columns []string
	for _, record := range records {
		column, _, _ := strings.Cut(record[2], ":")
		columns = append(columns, record[1]+","+column)
	}
	assert.Equal(t, []string{"refused,person", "refused,person", "refused,person", "refused,account_id", "refused,account_id", "refused,refresh_token",
		"refused,refresh_token", "refused,personal_access_token", "refused,refresh_token", "refused,personal_access_token", "accepted,"}, columns)
	assert.Empty(t, contains(report, "canary", huge))
}

func TestAConnectorThatTakesOneKindOfTokenRefusesTheOther(t *testing.T) {
	plug, err := takerOfGrants("")
	require.NoError(t, err)
	l := linksImport{plug: &connectors.Plug{Description: plug.Description, Personal: plug.Personal}}
	row := importRow{line: 2, fields: map[string]string{columnPerson: "p", columnAccount: account(1), columnRefresh: "r"}}
	assert.Equal(t, "refresh_token: OneTwentyOne takes none from another system", l.check(row).problem)
	row.fields = map[string]string{columnPerson: "p", columnAccount: account(1), columnPersonal: "t"}
	assert.Empty(t, l.check(row).problem)
}

// Memory does not grow with the file: a batch is all that is held.
func TestAnImportHoldsABatchAtATime(t *testing.T) {
	heap := func(rows int) uint64 {
		i := newImporting(t, storetest.SQLite(t))
		var text bytes.Buffer
		text.WriteString("person,account_id,refresh_token\n")
		for n := range rows {
			_, _ = fmt.Fprintf(&text, "person-%d,%s,%s\n", n, account(n), strings.Repeat("r", 400))
		}
		require.NoError(t, os.WriteFile(i.file, text.Bytes(), 0o600))
		var most uint64
		text = bytes.Buffer{}
		c := linksImportCommand{File: i.file, KeysetFile: i.keyset}
		c.DatabaseURL = i.url
		sampled := writer(func([]byte) {
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
		})
		require.NoError(t, c.Run(t.Context(), console{sampled, sampled}, nil))
		require.Positive(t, most)
		return most
	}
	heap(2000) // what is made once
	few, many := heap(2000), heap(20_000)
	assert.Less(t, many, few+2<<20, "18,000 more rows are 9 MB of file")
}

// writer is told of each write.
type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
