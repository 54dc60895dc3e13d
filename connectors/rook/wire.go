package rook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// This file is ROOK's JSON and its translation, which is pure. Reasons never hold any of an answer. Every guess about what
// ROOK leaves undocumented is a named function, table or number here or in summary.go:
//
//   - deniesPerson: what a 404 means
//   - deniesDay: how a day is refused that has not begun
//   - flagWords and readFlag: the spelling of a source's flag
//   - looksLikeSDK: the kind of a source without an entry in the catalogue
//   - maxDayDrift: which day a summary's time stands for

// deniesPerson says whether an answer means that ROOK has never heard of the person. What it answers then is not
// documented: 204 and an empty list are plausible, and so is 404. But 404 is documented for an address without a route,
// and a proxy answers it as well, which must never read as "nothing is linked". So a 404 counts only with a JSON object
// as body, which a proxy does not send. (A wrong base URL may: the gateway does not believe it of a person whom ROOK knew.)
func deniesPerson(answer connectors.Answer) bool {
	if answer.Status != http.StatusNotFound {
		return false
	}
	var object map[string]json.RawMessage
	return json.Unmarshal(answer.Body, &object) == nil && object != nil
}

// deniesDay says whether an answer means that the day has not begun for the person, whose zone is not known here. What
// ROOK answers then is not documented; beside 204, refusing the date as malformed is plausible.
func deniesDay(answer connectors.Answer, date health.Date, now time.Time) bool {
	begunEverywhere := date.Start(health.UTC).Add(12 * time.Hour) // last in UTC-12
	return now.Before(begunEverywhere) &&
		(answer.Status == http.StatusBadRequest || answer.Status == http.StatusUnprocessableEntity)
}

// sourceFlag is one source of a person's list.
type sourceFlag struct {
	name, image        string
	connected, offered bool
}

// listAnswer is the v2 list, {"data_sources":[{"data_source":"Oura","authorized":true,"image":"https://…"}]}.
type listAnswer map[string]json.RawMessage

func (a listAnswer) flags() ([]sourceFlag, error) {
	raw, has := a["data_sources"]
	if !has && (len(a) > 0 || a == nil) {
		return nil, errors.New("the list of sources is missing")
	}
	var entries []struct {
		DataSource string          `json:"data_source"`
		Authorized json.RawMessage `json:"authorized"`
		Status     json.RawMessage `json:"status"`
		Image      textOrNot       `json:"image"`
	}
	if has && connectors.Unmarshal(raw, &entries) != nil {
		return nil, errors.New("the list of sources has another shape than promised")
	}
	flags := make([]sourceFlag, len(entries))
	for i, e := range entries {
		flags[i] = sourceFlag{name: e.DataSource, image: string(e.Image)}
		var err error
		if flags[i].connected, flags[i].offered, err = readFlag(e.Authorized, e.Status); err != nil {
			return nil, err
		}
	}
	return flags, checkNames(flags)
}

// textOrNot is a text, or "" for whatever else stands in its place.
type textOrNot string

// UnmarshalJSON implements json.Unmarshaler.
func (t *textOrNot) UnmarshalJSON(value []byte) error {
	text, isText := connectors.Text(value)
	*t = textOrNot(text)
	if isText {
		return nil
	}
	var whatever any
	return json.Unmarshal(value, &whatever)
}

// mapAnswer is the v1 map, {"user_id":"u-1","sources":{"oura":true,"dexcom":null}}.
type mapAnswer map[string]json.RawMessage

func (a mapAnswer) flags(id string) ([]sourceFlag, error) {
	if !isAbout(id, a["user_id"]) {
		return nil, errors.New("the sources are another person's")
	}
	raw, has := a["sources"]
	if !has && (len(a) > 0 || a == nil) {
		return nil, errors.New("the map of sources is missing")
	}
	var sources map[string]json.RawMessage
	if has && connectors.Unmarshal(raw, &sources) != nil {
		return nil, errors.New("the map of sources has another shape than promised")
	}
	flags := make([]sourceFlag, 0, len(sources))
	for name, value := range sources {
		connected, offered, err := readFlag(value)
		if err != nil {
			return nil, err
		}
		flags = append(flags, sourceFlag{name: name, connected: connected, offered: offered})
	}
	sortFlags(flags)
	return flags, checkNames(flags)
}

func checkNames(flags []sourceFlag) error {
	for _, flag := range flags {
		if sourceNamed(flag.name, flag.image).nameless {
			return errors.New("a source has no name")
		}
	}
	return nil
}

// flagWords are the texts taken for a flag. ROOK promises a boolean, under a name that its sources disagree about; a name
// such as "status" makes a word plausible.
var flagWords = map[string]bool{
	"true": true, "connected": true, "authorized": true,
	"false": false, "disconnected": false, "not_connected": false, "unauthorized": false, "not_authorized": false,
}

// readFlag reads the first of the values that is there and not null ("authorized" in ROOK's SDK, "status" in its
// changelog). Null alone means that the source is not offered to this client.
func readFlag(values ...json.RawMessage) (connected, offered bool, err error) {
	known := false
	for _, value := range values {
		known = known || value != nil
		if value == nil || connectors.IsNull(value) {
			continue
		}
		switch word, isText := connectors.Text(value); {
		case isText:
			if connected, known := flagWords[string(health.SlugOf(word))]; known {
				return connected, true, nil
			}
		case string(value) == "true" || string(value) == "false":
			return value[0] == 't', true, nil
		}
		return false, false, errors.New("a source's flag is neither true nor false")
	}
	if !known {
		return false, false, errors.New("a source has no flag")
	}
	return false, false, nil
}

// looksLikeSDK guesses the kind of a source that the catalogue has no entry for: phones' own stores of health data are
// called so, and are linked in an app.
func looksLikeSDK(name string) bool {
	collapsed := collapse(name)
	return strings.Contains(collapsed, "health") || strings.Contains(collapsed, "android") || strings.HasSuffix(collapsed, "sdk")
}

// authorizerAnswer is {"data_source":"Oura","authorized":false,"authorization_url":"https://…"}. The URL is absent or
// null once authorised.
type authorizerAnswer struct {
	DataSource *string         `json:"data_source"`
	Authorized json.RawMessage `json:"authorized"`
	URL        *string         `json:"authorization_url"`
}

func (a authorizerAnswer) authorization(asked health.DataSource, anyScheme bool) (connectors.Authorization, error) {
	if a.DataSource != nil && collapse(*a.DataSource) != collapse(wireName(asked)) {
		return connectors.Authorization{}, errors.New("the page is for another source than asked")
	}
	authorized := false
	if a.Authorized != nil || a.URL == nil {
		var err error
		if authorized, _, err = readFlag(a.Authorized); err != nil {
			return connectors.Authorization{}, err
		}
	}
	if authorized {
		return connectors.Authorization{Authorized: true}, nil
	}
	if a.URL == nil {
		return connectors.Authorization{}, errors.New("not authorised, and no page to link on")
	}
	page, err := url.Parse(*a.URL)
	if err != nil || len(*a.URL) > health.MaxURLBytes || page.Host == "" || (page.Scheme != "https" && (page.Scheme != "http" || !anyScheme)) {
		return connectors.Authorization{}, errors.New("the page to link on is no https:// address")
	}
	return connectors.Authorization{URL: *a.URL}, nil
}

// revokeRequest names the one source to end.
type revokeRequest struct {
	DataSource string `json:"data_source"`
}

// isAbout says whether every one of the values that is there is the id.
func isAbout(id string, values ...json.RawMessage) bool {
	for _, value := range values {
		if value == nil || connectors.IsNull(value) {
			continue
		}
		if text, isText := connectors.Text(value); !isText || text != id {
			return false
		}
	}
	return true
}
