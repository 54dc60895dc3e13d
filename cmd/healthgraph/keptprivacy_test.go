package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// aMonth are days of which all but the newest are kept.
const aMonth = `from: "2026-03-12", to: "2026-04-15"`

// seeded links the person to both upstreams and lets the gateway keep the month.
func (w *world) seeded(user string, figure int) {
	w.t.Helper()
	w.rookPerson(user, fmt.Sprintf(`{"timeZone": "UTC", "sources": {"Garmin": true, "Oura": true}, "days": {"2026-04-01": {"steps": %d, "sources": ["Garmin"]}}}`, figure))
	w.oneTwentyOnePerson(user, fmt.Sprintf(`{"homeTimezone": "UTC", "samples": {"stepCount": [%s]}}`, sample("2026-04-01T08:00:00Z", "2026-04-01T09:00:00Z", float64(figure-1), "phone")))
	w.link(user, user)
	w.steps(user, aMonth)
	require.Equal(w.t, 2*31, w.keptRows(user))
}

func (w *world) keptOf(user, connector string) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.database.QueryRowContext(w.t.Context(), `SELECT count(*) FROM kept_days WHERE person = '`+user+`' AND connector = '`+connector+`'`).Scan(&n))
	return n
}

func TestWhatIsKeptGoesWithTheLink(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, ration := keepingWorld(t, worldOptions{databaseURL: url})
		for _, user := range []string{"revoker", "leaver", "eraser", "bystander"} {
			w.seeded(user, 4711)
		}
		t.Run("one source is revoked: nothing of its upstream stays, and its days are not shown", func(t *testing.T) {
			assert.Equal(t, "REVOKED_UPSTREAM", w.revoke("revoker", "garmin").Outcome)
			assert.Zero(t, w.keptOf("revoker", "rook"))
			assert.Equal(t, 31, w.keptOf("revoker", "onetwentyone"), "that of the other does")
			april := w.steps("revoker", `from: "2026-04-01", to: "2026-04-01"`).Days[0]
			assert.NotEqual(t, "4711", number(april.of("rook").Steps))
			assert.Equal(t, "4710", number(april.Steps))
			assert.Equal(t, "REVOKED_LOCALLY_ONLY", w.revoke("revoker", "onetwentyone").Outcome)
			assert.Zero(t, w.keptOf("revoker", "onetwentyone"))
		})
		t.Run("a source is ended at the upstream: the next look at the list forgets", func(t *testing.T) {
			w.rookPerson("leaver", `{"sources": {"Garmin": false, "Oura": false}}`)
			assert.Equal(t, 31, w.keptOf("leaver", "rook"))
			april := w.steps("leaver", `from: "2026-04-01", to: "2026-04-01"`).Days[0]
			require.Len(t, april.Candidates, 1)
			assert.Equal(t, "onetwentyone", april.Candidates[0].Connector)
			assert.Zero(t, w.keptOf("leaver", "rook"))
		})
		t.Run("a scope is taken back: what was read with it goes", func(t *testing.T) {
			w.oneTwentyOnePerson("leaver", `{"scopes": ["profile"]}`)
			w.clock.Advance(61 * time.Minute)
			april := w.steps("leaver", `from: "2026-04-01", to: "2026-04-01"`).Days[0]
			assert.Equal(t, "NO_PERMISSION", april.Presence)
			assert.Zero(t, w.keptOf("leaver", "onetwentyone"))
		})
		t.Run("a person is erased", func(t *testing.T) {
			var done struct {
				EraseUser struct{ Erased bool }
			}
			w.ask(w.token("eraser"), `mutation { eraseUser(input: {}) { erased } }`, nil).into(&done)
			assert.True(t, done.EraseUser.Erased)
			assert.Zero(t, w.keptRows("eraser"))
		})
		t.Run("nobody else loses anything", func(t *testing.T) {
			assert.Equal(t, 62, w.keptRows("bystander"))
			w.clock.Freeze(today)
			ration.allow(1 << 30)
			w.steps("bystander", aMonth)
			assert.Equal(t, 4, ration.allow(1<<30))
		})
	})
}

func TestAKeptDayOpensForItsPersonAndDayAlone(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, ration := keepingWorld(t, worldOptions{databaseURL: url})
		w.seeded("victim", 4711)
		w.seeded("thief", 815)
		exec := func(statement string) {
			_, err := w.database.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		april := func() string { w.clock.Advance(time.Second); return w.steps("thief", aMonth).Days[20].short() }
		require.Equal(t, "815 VALUE", april())
		ration.allow(1 << 30)
		exec(`UPDATE kept_days SET sealed = (SELECT sealed FROM kept_days AS other WHERE other.person = 'victim'
			AND other.connector = kept_days.connector AND other.day = kept_days.day) WHERE person = 'thief'`)
		assert.Equal(t, "815 VALUE", april(), "read from the upstream: a victim's day does not open")
		assert.Equal(t, 35, ration.allow(1<<30), "none of them does")

		exec(`UPDATE kept_days SET sealed = (SELECT sealed FROM kept_days AS other WHERE other.person = 'thief'
			AND other.connector = kept_days.connector AND other.day = '2026-04-02') WHERE person = 'thief' AND day = '2026-04-01'`)
		assert.Equal(t, "815 VALUE", april(), "nor another day's")
		assert.Equal(t, 5, ration.allow(1<<30))
		exec(`UPDATE kept_days SET version = version + 1 WHERE person = 'thief'`)
		assert.Equal(t, "815 VALUE", april())
		assert.Equal(t, 35, ration.allow(1<<30), "nor one that claims another version")
	})
}

func TestMeasurementsAreSealedAndNeverLogged(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	w.seeded("someone", 48_613)
	for _, row := range w.rows() {
		assert.NotContains(t, row, "48613")
		assert.NotContains(t, row, "48612")
	}
	_, err := w.database.ExecContext(t.Context(), `UPDATE kept_days SET sealed = 'broken', version = -1`)
	require.NoError(t, err)
	assert.Equal(t, "48613 VALUE", w.steps("someone", aMonth).Days[20].short())
	_, err = w.database.ExecContext(t.Context(), `DROP TABLE kept_days`)
	require.NoError(t, err)
	assert.Equal(t, "48613 VALUE", w.steps("someone", aMonth).Days[20].short(), "the answer stands")
	log := w.log.String()
	assert.Contains(t, log, "days could not be stored")
	for _, secret := range []string{"48613", "48612", "someone"} {
		assert.NotContains(t, log, secret)
	}
}

// beside does some of serve's background work until it has come to what is wanted.
func (w *world) beside(work func(context.Context, background), done func() bool) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work(ctx, background{app: w.app, settings: w.settings, log: slog.New(slog.NewJSONHandler(w.log, nil)), pause: 10 * time.Millisecond})
	}()
	require.Eventually(w.t, done, 10*time.Second, 5*time.Millisecond)
	stop()
	<-ended
}

func TestKeepingCanBeOff(t *testing.T) {
	w, ration := keepingWorld(t, worldOptions{})
	w.seeded("someone", 4711)
	w.restart(func(s *settings) { s.KeepDays = "off" })
	ration.allow(1 << 30)
	w.steps("someone", aMonth)
	assert.Equal(t, 35, ration.allow(1<<30), "nothing of what was kept is used")
	w.beside(func(ctx context.Context, b background) { b.forgetDays(ctx) }, func() bool { return w.keptRows("someone") == 0 })
	w.steps("someone", aMonth)
	assert.Zero(t, w.keptRows("someone"))
}

func TestStatementsForKeptDaysDoNotGrowWithPeople(t *testing.T) {
	w, ration := keepingWorld(t, worldOptions{})
	visit := func(n int) int {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"many-%d"`, i)
			w.rookPerson(fmt.Sprintf("many-%d", i), `{"timeZone": "UTC", "sources": {"Oura": true}}`)
		}
		query := `{ users(ids: [` + strings.Join(ids, ",") + `]) { stepCount(` + aMonth + `) { total } } }`
		w.ask(w.service(), query, nil).into(&struct{}{})
		ration.allow(1 << 30)
		w.statements.reset()
		w.ask(w.service(), query, nil).into(&struct{}{})
		assert.Equal(t, 4*n, ration.allow(1<<30))
		return w.statements.count()
	}
	few := visit(2)
	assert.Equal(t, few, visit(10))
	assert.LessOrEqual(t, few, 5)
}

func TestDaysOfManyPeopleAreKeptInOneStatement(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, _ := keepingWorld(t, worldOptions{databaseURL: url})
		visit := func(n int) (first, later int) {
			ids := make([]string, n)
			for i := range ids {
				ids[i] = fmt.Sprintf("one-of-%d-%d", n, i)
				w.rookPerson(ids[i], `{"timeZone": "UTC", "sources": {"Oura": true}}`)
			}
			ask := func(field string) int {
				w.statements.reset()
				w.ask(w.service(), `{ users(ids: ["`+strings.Join(ids, `","`)+`"]) { `+field+` } }`, nil).into(&struct{}{})
				return w.statements.count()
			}
			march := `stepCount(from: "2026-03-01", to: "2026-03-31") { total }`
			ask(march) // so that all but the days is known
			_, err := w.database.ExecContext(t.Context(), `DELETE FROM kept_days`)
			require.NoError(t, err)
			first = ask(march)
			for _, user := range ids {
				assert.Equal(t, 31, w.keptRows(user), user)
			}
			return first, ask(march)
		}
		for people, want := range map[int]int{2: 1, 10: 1, 20: 2} { // 62, 310 and 620 days
			first, later := visit(people)
			assert.Equal(t, 2, later, "what is known of %d people, and what is kept", people)
			assert.Equal(t, later+want, first, "of %d people", people)
		}
	})
}

func TestWhatNobodyAsksForIsNotKeptForEver(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	for _, user := range []string{"old", "new"} {
		w.rookPerson(user, `{"timeZone": "UTC", "sources": {"Oura": true}}`)
	}
	w.clock.Freeze(time.Now().Add(-2 * time.Hour))
	w.steps("old", `from: "2026-01-01", to: "2026-01-31"`)
	w.clock.Freeze(time.Now())
	w.steps("new", `from: "2026-01-01", to: "2026-01-31"`)
	require.Equal(t, []int{31, 31}, []int{w.keptRows("old"), w.keptRows("new")})
	w.settings.KeepDays = "1h"
	w.beside(func(ctx context.Context, b background) { b.forgetDays(ctx) }, func() bool { return w.keptRows("old") == 0 })
	assert.Equal(t, 31, w.keptRows("new"))
}
