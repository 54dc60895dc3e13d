package upstreams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// manySamples is the largest page that OneTwentyOne gives.
const manySamples = 10_000

// oneTwentyOne has OneTwentyOne's answers.
type oneTwentyOne struct {
	few, many [Variants]template
	person    template
}

func newOneTwentyOne(newest time.Time) oneTwentyOne {
	reset := newest.AddDate(0, 0, 3).Unix()
	limit := fmt.Sprintf(`"limit":{"X-RateLimit-Limit":1000000,"X-RateLimit-Remaining":900000,"X-RateLimit-Reset":%d}`, reset)
	o := oneTwentyOne{person: strings.Split(`{`+limit+`,"data":{"user_id":"*","created_at":"2025-01-01T00:00:00Z","home_timezone":"`+Zone+`","scopes":["profile","quantity","sleep","workout"]}}`, "*")}
	first := newest.AddDate(0, 0, 1-Days)
	for v := range Variants {
		o.few[v] = page(limit, Days, func(i int) (time.Time, time.Duration, int) {
			return first.AddDate(0, 0, i).Add(8 * time.Hour), time.Hour, fewSteps(v, i)
		})
		const daily = (manySamples + Days - 1) / Days
		o.many[v] = page(limit, manySamples, func(i int) (time.Time, time.Duration, int) {
			return first.AddDate(0, 0, i/daily).Add(6*time.Hour + time.Duration(i%daily)*2*time.Minute), 2 * time.Minute, 1 + (7*i+v)%40
		})
	}
	return o
}

// page is one page of samples, the oldest first. None crosses midnight in Zone, and no two overlap.
func page(limit string, n int, sample func(i int) (start time.Time, long time.Duration, value int)) template {
	var b strings.Builder
	b.WriteString(`{"pagination":{"current_page":1,"has_more":false},` + limit + `,"data":[`)
	for i := range n {
		start, long, value := sample(i)
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%08x-5a3e-4c1d-9b7f-%012x","user_id":"*","metric":"stepCount","value":%d,"unit":"count","start_date":%q,"end_date":%q,"source_name":"phone","source_device":"iPhone15,4"}`,
			i, start.Unix(), value, start.Format(time.RFC3339), start.Add(long).Format(time.RFC3339))
	}
	b.WriteString(`]}`)
	return strings.Split(b.String(), "*")
}

// mayRead says whether the request is signed with the account's own token.
func mayRead(w http.ResponseWriter, r *http.Request) (account string, ok bool) {
	account = r.PathValue("account")
	if r.Header.Get("Authorization") != "Bearer "+AccessToken(account) {
		http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
		return "", false
	}
	return account, true
}

func (o *oneTwentyOne) quantity(w http.ResponseWriter, r *http.Request) {
	account, ok := mayRead(w, r)
	if !ok {
		return
	}
	pages := &o.few
	if account[len(account)-1]%2 == 1 { // the odd digits have odd codes
		pages = &o.many
	}
	write(w, pages[variant(account)].with(account))
}

func (o *oneTwentyOne) profile(w http.ResponseWriter, r *http.Request) {
	if account, ok := mayRead(w, r); ok {
		write(w, o.person.with(account))
	}
}

func (o *oneTwentyOne) refresh(w http.ResponseWriter, r *http.Request) {
	var asked map[string]string
	err := json.NewDecoder(r.Body).Decode(&asked)
	account := asked["user_id"]
	if err != nil || asked["client_id"] != ClientID || asked["client_secret"] != ClientSecret || asked["refresh_token"] != RefreshToken(account) {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	answer, _ := json.Marshal(map[string]any{"access_token": AccessToken(account), "expires_in": 3600}) // strings always encode
	write(w, answer)
}
