package upstreams

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	simulated "healthgraph/simulators/rook"
)

// BrowserSources are ROOK's sources that have an authorizer.
var BrowserSources = []string{"Garmin", "Oura", "Polar", "Fitbit", "Withings", "Whoop", "Dexcom"}

// phoneSources are linked in an app; nobody here has any.
var phoneSources = []string{"Apple Health", "Health Connect", "Samsung Health", "Android"}

// rook has ROOK's answers.
type rook struct {
	authorization string             // the one header that is taken
	lists         [1 << 7][]byte     // by which browser sources are linked, a bit each
	pages         map[string][2]body // by source: not authorised, authorised
	days          map[string][Variants]template
}

type body = []byte

func newRook(ctx context.Context, newest time.Time) (rook, error) {
	k := rook{
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(ClientUUID+":"+SecretKey)),
		pages:         map[string][2]body{}, days: map[string][Variants]template{},
	}
	type entry struct {
		Authorized bool   `json:"authorized"`
		DataSource string `json:"data_source"`
		Image      string `json:"image"`
	}
	for mask := range k.lists {
		var entries []entry
		for i, name := range append(BrowserSources[:len(BrowserSources):len(BrowserSources)], phoneSources...) {
			image := "https://cdn.example/images/" + strings.ReplaceAll(strings.ToLower(name), " ", "-") + ".svg"
			entries = append(entries, entry{mask>>i&1 == 1, name, image})
		}
		k.lists[mask], _ = json.Marshal(map[string]any{"data_sources": entries}) // strings and flags always encode
	}
	for _, name := range BrowserSources {
		page := "https://provider.example/" + strings.ToLower(name) + "/consent?client_id=bench&state=" + strings.Repeat("c3RhdGU", 12)
		open, _ := json.Marshal(map[string]any{"data_source": name, "authorized": false, "authorization_url": page})
		done, _ := json.Marshal(map[string]any{"data_source": name, "authorized": true})
		k.pages[name] = [2]body{open, done}
	}
	for back := range 7 {
		date := newest.AddDate(0, 0, -back).Format(time.DateOnly)
		documents, err := summaries(ctx, date)
		if err != nil {
			return k, err
		}
		k.days[date] = documents
	}
	return k, nil
}

// summaries are a day's documents, as the simulator writes them: some 16 kB each, with steps for every quarter of an hour.
func summaries(ctx context.Context, date string) (documents [Variants]template, err error) {
	simulator := simulated.New(simulated.Config{ClientUUID: ClientUUID, Secret: SecretKey}).Handler()
	for v := range documents {
		id := fmt.Sprintf("somebody-%d-somebody", v)
		person := fmt.Sprintf(`{"timeZone":%q,"sources":{"Garmin":true},"days":{%q:{"steps":%d}}}`, Zone, date, RookSteps(date, v))
		change := httptest.NewRequestWithContext(ctx, http.MethodPut, "/_control/people/"+id, strings.NewReader(person))
		change.Header.Set("Content-Type", "application/json")
		ask := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v2/processed_data/physical_health/summary?user_id="+id+"&date="+date, http.NoBody)
		ask.Header.Set("User-Agent", "bench") // ROOK is said to want one
		ask.SetBasicAuth(ClientUUID, SecretKey)
		for _, request := range []*http.Request{change, ask} {
			answer := httptest.NewRecorder()
			simulator.ServeHTTP(answer, request)
			if answer.Code != http.StatusOK {
				return documents, fmt.Errorf("the simulator answered %d about %s: %s", answer.Code, date, answer.Body)
			}
			documents[v] = strings.Split(answer.Body.String(), id)
		}
		if len(documents[v]) != 3 {
			return documents, errors.New("the simulator's document does not name its person twice")
		}
	}
	return documents, nil
}

// RookSteps are the steps of a day as ROOK has them: sometimes more than OneTwentyOne's, sometimes fewer.
func RookSteps(date string, variant int) int { return 4000 + int(hash(date)%2000) + 311*variant }

func (k *rook) authorized(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") != k.authorization {
		http.Error(w, `{"error":"Unauthorized"}`, http.StatusUnauthorized)
		return false
	}
	return true
}

// linked tells which browser sources somebody has, a bit each.
func linked(user string) uint32 {
	switch shape, _, _ := strings.Cut(user, "-"); shape {
	case "none":
		return 0
	case "garmin":
		return 1
	default:
		return hash(user) & (1<<len(BrowserSources) - 1)
	}
}

func (k *rook) authorizer(w http.ResponseWriter, r *http.Request) {
	if !k.authorized(w, r) {
		return
	}
	mask := linked(r.PathValue("user"))
	for i, name := range BrowserSources {
		if name == r.PathValue("source") {
			write(w, k.pages[name][mask>>i&1])
			return
		}
	}
	http.Error(w, `{"error":"Unprocessable Entity"}`, http.StatusUnprocessableEntity)
}

func (k *rook) list(w http.ResponseWriter, r *http.Request) {
	if k.authorized(w, r) {
		write(w, k.lists[linked(r.PathValue("user"))])
	}
}

func (k *rook) day(w http.ResponseWriter, r *http.Request) {
	if !k.authorized(w, r) {
		return
	}
	query := r.URL.Query()
	documents, known := k.days[query.Get("date")]
	if !known {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	user := query.Get("user_id")
	write(w, documents[variant(user)].with(user))
}
