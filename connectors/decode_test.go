package connectors_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
)

// everyShape has a field of every kind that connectors read.
type everyShape struct {
	Text    string          `json:"text"`
	Perhaps *string         `json:"perhaps_text"`
	Raw     json.RawMessage `json:"raw"`
	Any     any             `json:"any"`
	Number  float64         `json:"number"`
	Count   *int            `json:"count"`
	Flag    *bool           `json:"flag"`
	Texts   []string        `json:"texts"`
	Inner   struct {
		Kelvin json.RawMessage `json:"k_string"`
		Texts  []string        `json:"s"`
	} `json:"inner"`
	Pointer *struct {
		Text string `json:"text"`
		Any  any    `json:"any"`
	} `json:"pointer"`
	List []struct {
		Text  string          `json:"text"`
		Raw   json.RawMessage `json:"raw"`
		Other any             `json:"other"`
	} `json:"list"`
	Map map[string]json.RawMessage `json:"map"`

	unseen int //nolint:unused // a name that decoders must not take for a field
}

// odd are names in spellings that encoding/json takes for a field's, and in some that it does not: the Kelvin sign folds to k.
var oddNames = []string{
	"text", "TEXT", "perhaps_text", "Perhaps_Text", "perhapstext", "perhaps-text", "raw", "any", "number", "count", "flag", "texts", "inner", "INNER",
	"pointer", "list", "List", "map", "other", "unseen", "k_string", "\u212a_string", "s", "ſ", "te\\u0078t", "", "\xff",
}

// document writes a JSON text that may be odd in every way that a text can.
func document(t *rapid.T, depth int) string {
	kinds := 9
	if depth > 0 {
		kinds = 13
	}
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"}).Draw(t, "space")
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return space + "null"
	case 1:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "flag") + space
	case 2, 3:
		return rapid.SampledFrom([]string{"0", "-0", "1", "9001", "1.5", "1e3", "1e999", "-1E-999", "123456789012345678901234567890", "0.1e1"}).Draw(t, "number")
	case 4, 5, 6:
		return rapid.SampledFrom([]string{`""`, `"a"`, `"9001"`, `"é"`, `"\u00e9\n"`, `"\ud800"`, "\"\xff\"", `"null"`, `"` + strings.Repeat("long", 50) + `"`}).Draw(t, "text")
	case 7:
		return rapid.SampledFrom([]string{"", "nul", "01", "+1", "'a'", "\"\n\"", `"\x"`, "{", "]", "[1,]", `{"a"}`, `{"a":1,}`, "1 2", "\ufeff1", "{}x", "NaN"}).Draw(t, "broken")
	case 8:
		return "[]"
	case 9:
		return "{}"
	case 10, 11:
		items := make([]string, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range items {
			items[i] = document(t, depth-1)
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		members := make([]string, rapid.IntRange(0, 6).Draw(t, "members"))
		for i := range members {
			members[i] = `"` + rapid.SampledFrom(oddNames).Draw(t, "name") + `"` + space + ":" + document(t, depth-1)
		}
		return "{" + strings.Join(members, ",") + "}" + space
	}
}

// object is a document that is an object, as answers are: most documents are not, and are soon refused.
func object(t *rapid.T) string {
	members := make([]string, rapid.IntRange(0, 8).Draw(t, "members"))
	for i := range members {
		members[i] = `"` + rapid.SampledFrom(oddNames).Draw(t, "name") + `":` + document(t, 3)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Whatever a document is, it is read as encoding/json reads it: names in any case, names that repeat, nulls, texts that are not UTF-8.
func TestUnmarshalReadsAsEncodingJSONDoes(t *testing.T) {
	same := func(t require.TestingT, text string) {
		var got, want everyShape
		gotErr, wantErr := connectors.Unmarshal([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		require.Equal(t, wantErr, gotErr, text)
		if wantErr == nil {
			require.Equal(t, want, got, text)
		}
		var gotMap, wantMap map[string]json.RawMessage
		require.Equal(t, json.Unmarshal([]byte(text), &wantMap), connectors.Unmarshal([]byte(text), &gotMap), text)
		require.Equal(t, wantMap, gotMap, text)
		var gotList, wantList []everyShape
		gotErr, wantErr = connectors.Unmarshal([]byte("["+text+"]"), &gotList), json.Unmarshal([]byte("["+text+"]"), &wantList)
		require.Equal(t, wantErr, gotErr, text)
		if wantErr == nil {
			require.Equal(t, wantList, gotList, text)
		}
	}
	rapid.Check(t, func(t *rapid.T) { same(t, document(t, 4)) })
	rapid.Check(t, func(t *rapid.T) { same(t, object(t)) })
	for _, text := range []string{
		`{"list":[{"text":"a","raw":1}],"list":[{"other":2}]}`, `{"pointer":{"text":"a"},"pointer":{"any":1}}`, `{"pointer":{"text":"a"},"pointer":null}`,
		`{"any":{"a":1},"any":{"b":2}}`, `{"texts":["a","b"],"texts":["c",null]}`, `{"map":{"a":1},"MAP":{"b":2}}`, `{"text":"a","text":null}`,
		strings.Repeat(`{"any":`, 9999) + "1" + strings.Repeat("}", 9999), strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
		`{"inner":{"k_string":1,"\u212a_STRING":2,"\u017f":["x"]}}`,
	} {
		same(t, text)
	}
}

// What an upstream calls its own fields never reaches an error: it may be anybody's name.
func TestUnmarshalNamesOurFieldsAlone(t *testing.T) {
	var out struct {
		People map[string]struct {
			Steps int `json:"steps_int"`
		} `json:"people"`
	}
	err := connectors.Unmarshal([]byte(`{"PEOPLE":{"alice":{"Steps_Int":"x"}}}`), &out)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "alice")
	assert.NotContains(t, err.Error(), "PEOPLE")
	assert.Contains(t, err.Error(), "steps_int")
}
