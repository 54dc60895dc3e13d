package main

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fullHeader = "person,account_id,refresh_token,personal_access_token\n"

// rowsOfFile reads a file to its end, in short: line:problem, or line:fields.
func rowsOfFile(t *testing.T, text string) []string {
	t.Helper()
	file, err := newImportFile(strings.NewReader(text))
	require.NoError(t, err)
	all := []string{}
	for {
		row, err := file.next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		if row.problem == "" {
			row.problem = strings.Join([]string{row.fields[columnPerson], row.fields[columnAccount], row.fields[columnRefresh], row.fields[columnPersonal]}, "|")
		}
		all = append(all, strings.Repeat("+", row.line)+row.problem)
	}
}

func TestAnImportFilesHeaderNamesTheColumnsInAnyOrder(t *testing.T) {
	for _, good := range []string{"person,account_id,refresh_token\np,a,r", "\ufeffrefresh_token,\"account_id\",person\r\nr,a,p\r\n"} {
		assert.Equal(t, []string{"++p|a|r|"}, rowsOfFile(t, good))
	}
	assert.Equal(t, []string{"++p|a||t"}, rowsOfFile(t, "personal_access_token,account_id,person\nt,a,p\n"))
	assert.Empty(t, rowsOfFile(t, "person,account_id,refresh_token"))
	for says, bad := range map[string]string{
		"the file is empty":           "",
		"column 1 is none of them":    "canary,canary-2,canary-3\n",
		"column 3 is none":            "person,account_id,Refresh_Token",
		"column 4 is none":            "person,account_id,refresh_token,",
		"person is there twice":       "person,account_id,person,refresh_token",
		"person is missing":           "account_id,refresh_token\n",
		"account_id is missing":       "person,refresh_token,personal_access_token\n",
		"neither refresh_token nor":   "person,account_id\np,a",
		"a quote that is not closed":  "\"person,account_id,refresh_token\nperson,account_id,refresh_token\n",
		"not UTF-8":                   "person,account_id,refresh_token\xff\n",
		"a NUL byte":                  "p\x00e\x00r\x00",
		"more than 65536 bytes":       strings.Repeat("canary,", 10_000) + "\n",
		"line 1 has to name the colu": "\nperson,account_id,refresh_token\n",
	} {
		_, err := newImportFile(strings.NewReader(bad))
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "canary")
	}
	_, err := newImportFile(io.MultiReader(strings.NewReader("per"), brokenFile{}))
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

// brokenFile can't be read.
type brokenFile struct{}

func (brokenFile) Read([]byte) (int, error) { return 0, errBroken }

func TestABadLineOfAnImportFileSpoilsItselfAlone(t *testing.T) {
	long := strings.Repeat("x", maxImportLine)
	for line, want := range map[string]string{
		"p,a,r,":                         "++p|a|r|",
		`"p","a","r",""`:                 "++p|a|r|",
		`"p,1","a","say ""r""",`:         `++p,1|a|say "r"|`,
		`"""",a,r,`:                      `++"|a|r|`,
		" p ,a, r,":                      "++ p |a| r|",
		"p,a,r,\r":                       "++p|a|r|",
		"p,a,r":                          "++3 fields where the header has 4",
		"p,a,r,,":                        "++5 fields where the header has 4",
		" ":                              "++1 fields where the header has 4",
		"p,a,r,t":                        "++both refresh_token and personal_access_token: one of them, not both",
		"p,a,,":                          "++neither refresh_token nor personal_access_token",
		`p,a,"r,`:                        "++a quote that is not closed on its line",
		`p,a,"r"",`:                      "++a quote that is not closed on its line",
		`p,a,"r"x,`:                      "++text behind a closing quote",
		`p,a,r"x",`:                      "++a quote in a field that does not begin with one",
		"p,a,\xc3,":                      "++not UTF-8",
		"p,a,r\x00,":                     "++a NUL byte",
		long + "x":                       "++more than 65536 bytes",
		strings.Repeat(long, 5):          "++more than 65536 bytes",
		long:                             "++1 fields where the header has 4",
		long + "\r":                      "++1 fields where the header has 4",
		strings.Repeat(`"`, 1000) + `"x`: "++a quote that is not closed on its line",
	} {
		assert.Equal(t, []string{want, "+++good|a|r|"}, rowsOfFile(t, fullHeader+line+"\ngood,a,r,\n"))
		assert.Equal(t, []string{want}, rowsOfFile(t, fullHeader+line), "as the last, without an end")
	}
	assert.Equal(t, []string{"++++p|a|r|"}, rowsOfFile(t, fullHeader+"\n\r\np,a,r,\n\n"), "blank lines are passed over")

	file, err := newImportFile(io.MultiReader(strings.NewReader(fullHeader+"p,a,r,\np,a"), brokenFile{}))
	require.NoError(t, err)
	_, err = file.next()
	require.NoError(t, err)
	_, err = file.next()
	require.ErrorIs(t, err, errBroken)
	assert.ErrorContains(t, err, "behind line 2")
}

// FuzzImportLine: whatever the line is, it is read as encoding/csv reads it, or refused, and the next line is read.
func FuzzImportLine(f *testing.F) {
	for _, seed := range []string{"p,a,r,", `"p","a""b",r,`, `"`, `""`, `"",`, `a"b,c`, `"a"b`, ",,,", "\r", "\ufeff,", `"a""`, "\x00", "\xff", "p,a,r,t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return // that is two lines, or an end of one
		}
		fields, problem := splitLine(line)
		reader := csv.NewReader(strings.NewReader(line))
		want, err := reader.Read()
		switch {
		case line == "":
		case problem == "":
			require.NoError(t, err)
			require.Equal(t, want, fields)
		case err == nil:
			t.Errorf("%q is refused: %s", line, problem)
		}
		file, err := newImportFile(strings.NewReader(fullHeader + line + "\ngood,a,r,\n"))
		require.NoError(t, err)
		lines := 0
		for {
			row, err := file.next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if lines++; row.line == 3 {
				require.Equal(t, "good", row.fields[columnPerson])
			}
			require.Equal(t, row.problem == "", row.fields != nil && (row.fields[columnRefresh] == "") != (row.fields[columnPersonal] == ""))
		}
		require.LessOrEqual(t, lines, 2)
		require.Positive(t, lines)
	})
}
