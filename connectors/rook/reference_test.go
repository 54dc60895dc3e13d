package rook

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// What follows reads lists as slowly and plainly as can be, with encoding/json alone: the reference for what is quicker.

func plainFlags(body []byte) ([]sourceFlag, error) {
	var a map[string]json.RawMessage
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, errors.New("no JSON, or no object")
	}
	raw, has := a["data_sources"]
	if !has && (len(a) > 0 || a == nil) {
		return nil, errors.New("the list of sources is missing")
	}
	var entries []struct {
		DataSource string          `json:"data_source"`
		Authorized json.RawMessage `json:"authorized"`
		Status     json.RawMessage `json:"status"`
		Image      any             `json:"image"`
	}
	if has && json.Unmarshal(raw, &entries) != nil {
		return nil, errors.New("the list of sources has another shape than promised")
	}
	flags := make([]sourceFlag, len(entries))
	for i, e := range entries {
		image, _ := e.Image.(string)
		flags[i] = sourceFlag{name: e.DataSource, image: image}
		var err error
		if flags[i].connected, flags[i].offered, err = plainFlag(e.Authorized, e.Status); err != nil {
			return nil, err
		}
	}
	for _, flag := range flags {
		if printable(flag.name) == "" {
			return nil, errors.New("a source has no name")
		}
	}
	return flags, nil
}

func plainFlag(values ...json.RawMessage) (connected, offered bool, err error) {
	known := false
	for _, value := range values {
		known = known || value != nil
		if value == nil || connectors.IsNull(value) {
			continue
		}
		if json.Unmarshal(value, &connected) == nil {
			return connected, true, nil
		}
		var word string
		if json.Unmarshal(value, &word) == nil {
			if connected, ok := flagWords[string(health.SlugOf(word))]; ok {
				return connected, true, nil
			}
		}
		return false, false, errors.New("a source's flag is neither true nor false")
	}
	if !known {
		return false, false, errors.New("a source has no flag")
	}
	return false, false, nil
}

func plainSource(name, image string) health.DataSource {
	source := health.DataSource{ID: slugOf(name), Name: printable(name), Kind: health.KindBrowser}
	if e, known := find(name); known {
		source = e.dataSource()
	} else if looksLikeSDK(name) {
		source.Kind = health.KindSDK
	}
	if u, err := url.Parse(image); err == nil && u.Scheme == "https" && u.Host != "" {
		if logo, err := health.ParseURL(image); err == nil {
			source.LogoURL = &logo
		}
	}
	return source
}

func plainLinks(flags []sourceFlag) []connectors.LinkState {
	seen := map[health.DataSourceID]connectors.LinkState{}
	withheld := map[health.DataSourceID]bool{}
	var others []health.DataSourceID
	for _, flag := range flags {
		source := plainSource(flag.name, flag.image)
		if !flag.offered {
			withheld[source.ID] = true
			continue
		}
		earlier, twice := seen[source.ID]
		if _, known := find(flag.name); !known && !twice {
			others = append(others, source.ID)
		}
		if twice && earlier.DataSource.LogoURL != nil {
			source.LogoURL = earlier.DataSource.LogoURL
		}
		seen[source.ID] = connectors.LinkState{DataSource: source, Connected: flag.connected || earlier.Connected}
	}
	links := make([]connectors.LinkState, 0, len(catalogue)+len(others))
	for _, e := range catalogue {
		if link, listed := seen[e.id]; listed {
			links = append(links, link)
		} else if len(flags) == 0 || (e.kind == health.KindSDK && !withheld[e.id]) {
			links = append(links, connectors.LinkState{DataSource: e.dataSource()})
		}
	}
	for _, id := range others {
		links = append(links, seen[id])
	}
	return links
}

// listText writes a list that is odd in every way that seems possible, and some that do not.
func listText(t *rapid.T) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	entry := func() string {
		members := make([]string, rapid.IntRange(0, 5).Draw(t, "members"))
		for i := range members {
			switch pick("field", "name", "name", "flag", "flag", "image", "other") {
			case "name":
				members[i] = pick("key", `"data_source"`, `"Data_Source"`) + ":" + pick("source", `"Oura"`, `"oura"`, `"Apple Health"`, `"apple_health"`, `"HEALTH-CONNECT"`,
					`"Acme Ring"`, `"acme-ring"`, `"Some Health"`, `"\u5065\u5eb7"`, `"健康"`, `"\u0007"`, `" "`, `"Oura`+strings.Repeat(" ", 70)+`x"`, `"`+strings.Repeat("Long ", 200)+`"`, `""`, `null`, `1`)
			case "flag":
				members[i] = pick("key", `"authorized"`, `"status"`, `"AUTHORIZED"`, `"Status"`) + ":" + pick("flag", `true`, `false`, ` true `, `null`, `"Connected"`, `"not authorized"`,
					`"tru\u0065"`, `"perhaps"`, `1`, `{}`, `[true]`)
			case "image":
				members[i] = pick("key", `"image"`, `"Image"`) + ":" + pick("image", `null`, `"https://cdn.example/a.png"`, `"https://cdn.example/b.png"`, `"http://cdn.example/a.png"`,
					`"https:\/\/cdn.example\/a.png"`, `"https://"`, `"%zz"`, `17`, `1e999`, `{"url":"https://cdn.example/a.png"}`, `{"n":1e999}`, `"https://cdn.example/`+strings.Repeat("a", 600)+`"`)
			default:
				members[i] = `"id":` + pick("other", `1`, `"x"`, `[{}]`, `null`)
			}
		}
		return pick("entry", "{"+strings.Join(members, ",")+"}", "{"+strings.Join(members, ",")+"}", "{"+strings.Join(members, ",")+"}", "{"+strings.Join(members, ",")+"}", `null`, `"Oura"`)
	}
	list := func() string {
		entries := make([]string, rapid.IntRange(0, 4).Draw(t, "entries"))
		for i := range entries {
			if entries[i] = entry(); rapid.IntRange(0, 2).Draw(t, "whole") > 0 { // or next to no list would be read
				entries[i] = `{"data_source":` + pick("source", `"Oura"`, `"OURA"`, `"Android"`, `"Acme Ring"`, `"Polar"`) + `,"authorized":` + pick("flag", "true", "false", "null") + `,"image":"https://cdn.example/` + pick("image", "a", "b") + `.png"}`
			}
		}
		return "[" + strings.Join(entries, ",") + "]"
	}
	switch pick("answer", "list", "list", "list", "list", "list", "twice", "cased", "null", "text", "empty", "nothing", "cut") {
	case "list":
		return `{"data_sources":` + list() + `,"more":1}`
	case "twice":
		return `{"data_sources":` + pick("first", `1`, list()) + `,"data_sources":` + list() + `}`
	case "cased":
		return `{"Data_Sources":` + list() + `}`
	case "null":
		return `{"data_sources":null}`
	case "text":
		return `{"data_sources":"none"}`
	case "empty":
		return `{}`
	case "nothing":
		return pick("nothing", `null`, `[]`, `1`, ``, `"x"`)
	default:
		text := list()
		return `{"data_sources":` + text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
	}
}

// However odd a list is, it is read as the reference reads it.
func TestListsAreReadAsEver(t *testing.T) {
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		body := listText(t)
		c, err := New(Config{ClientUUID: "client", SecretKey: health.NewSecret("secret"), Client: connectors.ClientConfig{
			HTTP: &http.Client{Transport: connectortest.Always{Status: http.StatusOK, Body: []byte(body)}},
		}})
		require.NoError(t, err)
		flags, err := plainFlags([]byte(body))
		got := c.ReadLinks(t.Context(), []connectors.Account{{ID: "person-a"}})[0]
		if err != nil {
			require.Error(t, got.Err, body)
			if reason := health.AsError(got.Err).Cause; !strings.Contains(reason.Error(), "JSON") {
				require.Equal(t, err.Error(), reason.Error(), body)
			}
			return
		}
		read++
		require.NoError(t, got.Err, body)
		require.Equal(t, plainLinks(flags), got.Links, body)
	})
	require.NotZero(t, read)
}

// spoilt writes a JSON value again, with names in other cases, members that come twice and values of other kinds here and there.
func spoilt(t *rapid.T, value any) string {
	odd := []string{`null`, `true`, `0`, `"9001"`, `9001.0`, `1e999`, `"2026-03-29"`, `""`, `[]`, `{}`, `[null,"Oura"]`, `{"physical_summary":{"distance":{"STEPS_INT":1}}}`, `nul`, "\"\xff\"", `"\ud800"`}
	if rapid.IntRange(0, 30).Draw(t, "spoil") == 0 {
		return rapid.SampledFrom(odd).Draw(t, "value")
	}
	switch v := value.(type) {
	case map[string]any:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			spelt, times := name, 1
			switch rapid.IntRange(0, 15).Draw(t, "member") {
			case 0:
				spelt = strings.ToUpper(name)
			case 1:
				spelt = strings.NewReplacer("k", "\u212a", "s", "ſ").Replace(name)
			case 2:
				times = 2
			case 3:
				times = 0
			}
			for range times {
				members = append(members, `"`+spelt+`":`+spoilt(t, v[name]))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, spoilt(t, item))
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return string(text)
	}
}

// However odd a document is, it is read as encoding/json reads it, to the same error.
func TestDocumentsAreReadAsEver(t *testing.T) {
	for _, name := range []string{"summary.json", "sleep.json", "user_info.json"} {
		text, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		var seed any
		require.NoError(t, json.Unmarshal(text, &seed))
		read := 0
		rapid.Check(t, func(t *rapid.T) {
			body := []byte(spoilt(t, seed))
			var got, want document
			gotErr, wantErr := connectors.Unmarshal(body, &got), json.Unmarshal(body, &want)
			require.Equal(t, wantErr, gotErr, string(body))
			if wantErr == nil {
				read++
				require.Equal(t, want, got, string(body))
			}
		})
		require.NotZero(t, read)
	}
}
