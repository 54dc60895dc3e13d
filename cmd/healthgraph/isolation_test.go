package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// twins are two people who ask the same things at the same instant. Whatever the one has, the other has not.
var twins = []struct {
	id, account, zone, source, other string
	rook, own                        int // steps on the day that is asked for
	rookNight, ownNight              string
}{
	{"twin-a", "account-a", "Europe/Paris", "Garmin", "Fitbit", 11_111, 13_131, "PT5H11S", "PT6H31M"},
	{"twin-b", "account-b", "Asia/Tokyo", "Fitbit", "Garmin", 22_222, 24_242, "PT4H22S", "PT7H42M"},
}

// sharedOperations reach a person's data in every way that there is; $me and $you are people, $mine and $yours links of theirs.
var sharedOperations = []string{
	`query Connections { connections { id dataSource { id } status scopesGranted accountVerified latestDataAt problem { code } } }`,
	`query Steps { stepCount(from: "2026-04-13", to: "2026-04-14") { total timeZone days { steps presence candidates { connector steps } } problems { code } } }`,
	`query Viewer { viewer { id connections(dataSources: ["garmin", "fitbit"]) { id status } stepCount(from: "2026-04-14", to: "2026-04-14") { total } } }`,
	`query Aliases { a: stepCount(from: "2026-04-13", to: "2026-04-14") { total } b: stepCount(from: "2026-04-14", to: "2026-04-14", timeZone: "UTC") { total timeZone }
	  c: connections(dataSources: ["onetwentyone"]) { id status } d: connections { status } }`,
	`query Fragments { viewer { ...one ...two } } fragment one on User { stepCount(from: "2026-04-14", to: "2026-04-14") { ...count } } fragment two on User { connections { ...link } }
	  fragment count on StepCount { total days { steps } } fragment link on DataSourceLink { id status dataSource { id } }`,
	`query Nodes($me: ID!, $mine: ID!) { node(id: $me) { id ... on User { stepCount(from: "2026-04-14", to: "2026-04-14") { total } } }
	  nodes(ids: [$mine, $me]) { id ... on DataSourceLink { status } ... on User { connections { status } } } }`,
	`query Lists($me: ID!) { users(ids: [$me, $me]) { id connections { id status } stepCount(from: "2026-04-14", to: "2026-04-14") { total } } }`,
	`query Quantities { quantityStatistics(metric: "stepCount", from: "2026-04-13", to: "2026-04-14") { timeZone periods { sum presence } problems { code } }
	  quantity(metric: "stepCount", from: "2026-04-13T00:00:00Z", to: "2026-04-15T00:00:00Z") { nodes { value } series { values } edges { cursor } }
	  viewer { quantityStatistics(metric: "stepCount", from: "2026-04-14", to: "2026-04-14", period: WEEK) { periods { sum } } } }`,
	`query OthersQuantities($you: ID!) { quantity(userId: $you, metric: "stepCount", from: "2026-04-13T00:00:00Z", to: "2026-04-15T00:00:00Z") { nodes { value } } quantityStatistics(userId: $you, metric: "stepCount", from: "2026-04-14", to: "2026-04-14") { timeZone periods { sum } }
	  user(id: $you) { quantityStatistics(metric: "stepCount", from: "2026-04-14", to: "2026-04-14") { timeZone periods { sum } } } }`,
	`query Sleep($me: ID!) { sleep(from: "2026-04-13", to: "2026-04-14") { timeZone days { asleep presence figure { bedtime sessions { start devices } } candidates { connector asleep } } problems { code } }
	  user(id: $me) { sleep(from: "2026-04-14", to: "2026-04-14") { days { asleep } } } }`,
	`query Log { accessLog { nodes { action actor dataSource { id } } } }`,
	`query Other($you: ID!, $yours: ID!) { user(id: $you) { id stepCount(from: "2026-04-14", to: "2026-04-14") { total } } connections(userId: $you) { id status }
	  stepCount(userId: $you, from: "2026-04-14", to: "2026-04-14") { total } sleep(userId: $you, from: "2026-04-14", to: "2026-04-14") { days { asleep } } accessLog(userId: $you) { nodes { action } } node(id: $yours) { id } nodes(ids: [$yours, $you]) { id } users(ids: [$you]) { id } }`,
	`query Mixed($me: ID!, $you: ID!) { users(ids: [$me, $you, $me]) { id stepCount(from: "2026-04-14", to: "2026-04-14") { total } } }`,
	`mutation NotYours($you: ID!) { revoke(input: {dataSource: "garmin", userId: $you}) { outcome } revokeAll(input: {userId: $you}) { complete } eraseUser(input: {userId: $you}) { erased } }`,
}

// iso reads a length such as PT6H31M.
func iso(t *testing.T, text string) time.Duration {
	t.Helper()
	length, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(text, "PT")))
	require.NoError(t, err)
	return length
}

func TestTwoPeopleWhoAskTheSameAtTheSameInstantSeeTheirOwn(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		links := make([]string, len(twins))
		for i, twin := range twins {
			w.rookPerson(twin.id, fmt.Sprintf(`{"timeZone": %q, "sources": {%q: true}, "days": {"2026-04-14": {"steps": %d, "sleep": %d, "sources": [%q], "documentVersion": 1}}}`, twin.zone, twin.source, twin.rook, int(iso(t, twin.rookNight).Seconds()), twin.source))
			w.oneTwentyOnePerson(twin.account, fmt.Sprintf(`{"homeTimezone": %q, "samples": {"stepCount": [%s]}, "sleep": [%s]}`, twin.zone, sample("2026-04-14T03:00:00Z", "2026-04-14T04:00:00Z", float64(twin.own), "phone"),
				stretch("2026-04-13T15:00:00Z", time.Date(2026, 4, 13, 15, 0, 0, 0, time.UTC).Add(iso(t, twin.ownNight)).Format(time.RFC3339), "deep", "ring of "+twin.id)))
			w.link(twin.id, twin.account, "profile", "quantity", "sleep")
			links[i] = w.links(twin.id)["onetwentyone"].ID
		}
		ask := func(who int, operation string) string {
			other := 1 - who
			variables := map[string]any{"me": twins[who].id, "you": twins[other].id, "mine": links[who], "yours": links[other]}
			a := w.ask(w.token(twins[who].id), operation, variables)
			errors := make([]string, len(a.Errors)) // which come in the order in which fields ended
			for i, e := range a.Errors {
				errors[i] = fmt.Sprint(e)
			}
			slices.Sort(errors)
			return fmt.Sprint(string(a.Data), errors)
		}
		alone := make([][]string, len(twins))
		for range 2 { // the first reading writes what the second one finds
			for who := range twins {
				alone[who] = nil
				for _, operation := range sharedOperations {
					alone[who] = append(alone[who], ask(who, operation))
				}
			}
		}
		for who, twin := range twins {
			all := strings.Join(alone[who], "\n")
			assert.Len(t, contains(all, fmt.Sprint(twin.own), links[who]), 2)
			assert.Equal(t, []string{fmt.Sprint(twin.rook)}, contains(all, fmt.Sprint(twin.rook)))
			assert.Len(t, contains(all, twin.rookNight, twin.ownNight, "ring of "+twin.id), 3)
			other := twins[1-who]
			assert.Empty(t, contains(all, other.rookNight, other.ownNight, "ring of "+other.id, fmt.Sprint(other.own), fmt.Sprint(other.rook), links[1-who], other.zone), twin.id)
		}

		var crowd sync.WaitGroup
		start := make(chan struct{})
		for range 4 {
			for who := range twins {
				for i, operation := range sharedOperations {
					crowd.Go(func() {
						<-start
						assert.Equal(t, alone[who][i], ask(who, operation), twins[who].id)
					})
				}
			}
		}
		close(start)
		crowd.Wait()
		for who, twin := range twins {
			require.Equal(t, "CONNECTED", w.links(twin.id)["onetwentyone"].Status)
			require.Equal(t, "CONNECTED", w.links(twin.id)[strings.ToLower(twins[who].source)].Status)
		}
	})
}
