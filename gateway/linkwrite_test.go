package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store/storetest"
)

// slow is a house whose database somebody else keeps from writing.
type slow struct {
	*house
	holder bun.Tx
}

func newSlow(t *testing.T, url, hold string, prepare func(h *house)) slow {
	t.Helper()
	h := watched(newHouseAt(t, url))
	h.config.Days = h.keeper.Sealer
	h.Gateway = h.another(h.config)
	prepare(h)
	holder, err := storetest.DB(t, url).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = holder.Rollback() })
	_, err = holder.ExecContext(t.Context(), hold)
	require.NoError(t, err)
	return slow{h, holder}
}

// tellsLate looks at the person's links, and lets the database go on only when the answer is there and all this was logged.
func (h slow) tellsLate(want string, logged ...string) {
	h.t.Helper()
	watch := h.Watch("person-1")
	defer watch.Close()
	h.links("person-1", "lister")
	assert.Contains(h.t, h.log.String(), "the database has not finished with them yet")
	for _, line := range logged {
		require.Eventually(h.t, func() bool { return strings.Contains(h.log.String(), line) }, 4*time.Second, 10*time.Millisecond, line)
	}
	require.NoError(h.t, h.holder.Commit())
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	link, err := watch.Next(ctx)
	require.NoError(h.t, err)
	assert.Equal(h.t, []string{want}, statuses([]health.DataSourceLink{*link}))
}

func TestAChangeThatIsWrittenAfterTheAnswerIsTold(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		newSlow(t, storetest.Postgres(t), "SELECT pg_advisory_xact_lock(hashtextextended('person-1', 0))", func(h *house) {
			h.lister.shows(fitbit)
		}).tellsLate("fitbit CONNECTED")
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		h := newSlow(t, storetest.SQLite(t), "UPDATE links SET version = version", func(h *house) { h.lister.shows(fitbit) })
		failed := make(chan error, 1)
		go func() { // SQLite waits for five seconds, so whoever waits behind another waits for longer
			_, err := h.store.PutLinks(h.t.Context(), []gateway.LinkRecord{{ID: "link", User: "person-2", DataSource: "fitbit"}})
			failed <- err
		}()
		time.Sleep(2 * time.Second)
		h.tellsLate("fitbit CONNECTED")
		require.Error(t, <-failed, "it held the other up until then")
	})
}

// What another process keeps of a link while its end waits to be written goes with it, also when nobody waits for that any more.
func TestDaysOfALinkWhoseEndIsWrittenAfterTheAnswerAreForgotten(t *testing.T) {
	t.Parallel()
	h := newSlow(t, storetest.Postgres(t), `WITH link AS (SELECT * FROM links WHERE person = 'person-1' FOR SHARE)
		INSERT INTO kept_days (person, connector, metric, zone, day, version, fetched_at, sealed)
		SELECT person, connector, 'stepCount', '', '2026-01-01', 1, now(), '' FROM link`, func(h *house) {
		h.lister.shows(fitbit)
		h.links("person-1", "lister")
		h.lister.shows()
	})
	h.tellsLate("fitbit NOT_CONNECTED")
	assert.Zero(t, h.keptOf("person-1", "lister"))
}

// Days that somebody else holds keep nobody waiting for longer, and the link's end from being written.
func TestDaysThatCanNotBeForgottenAtOnceHoldNothingUp(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	h := newSlow(t, url, "SELECT 1 FROM kept_days WHERE person = 'person-1' FOR UPDATE", func(h *house) {
		h.lister.shows(fitbit)
		h.links("person-1", "lister")
		h.lister.shows()
		_, err := storetest.DB(t, url).ExecContext(t.Context(), `INSERT INTO kept_days (person, connector, metric, zone, day, version, fetched_at, sealed)
			VALUES ('person-1', 'lister', 'stepCount', '', '2026-01-01', 1, now(), '')`)
		require.NoError(t, err)
	})
	const failed = "kept days could not be deleted"
	h.tellsLate("fitbit NOT_CONNECTED", failed)
	assert.Equal(t, 1, strings.Count(h.log.String(), failed), "they are, once nobody holds them any more")
	assert.Zero(t, h.keptOf("person-1", "lister"))
}
