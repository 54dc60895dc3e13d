package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

const (
	// maxGroup is how many writes share a transaction.
	maxGroup = 64
	// groupTimeout bounds a transaction: longer than SQLite waits for another program.
	groupTimeout = 10 * time.Second
)

// linkGroup writes to a SQLite file what came while the one before was being written, in one transaction: only one can be open, and
// its commit waits for the disk. Whoever is alone waits for nobody.
type linkGroup struct {
	mu      sync.Mutex
	waiting []*linkWrite
	busy    bool
}

// linkWrite is one call of PutLinks. The rest is of SQLite's.
type linkWrite struct {
	links     []linkRow
	events    []accessRow // of those of the links that are written
	newcomers []newcomer

	ctx     context.Context //nolint:containedctx // of the caller, who may be gone when it is their turn
	written []health.LinkID
	err     error
	done    chan struct{}
}

// putGrouped writes links, and the events of those that were written, with whatever else waits.
func (s *Store) putGrouped(ctx context.Context, write linkWrite) ([]health.LinkID, error) {
	w := &write
	w.ctx, w.done = ctx, make(chan struct{})
	g := &s.group
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	first := !g.busy
	g.busy = true
	g.mu.Unlock()
	if first {
		go s.writeGroups(context.WithoutCancel(ctx))
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if g.leave(w) {
			return nil, ctx.Err()
		}
		<-w.done // it is being written, and only the end of that says whether it was
	}
	return w.written, w.err
}

// leave takes back a write that nobody has begun with, and says whether it could.
func (g *linkGroup) leave(w *linkWrite) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, w)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// writeGroups writes until nobody waits.
func (s *Store) writeGroups(ctx context.Context) {
	g := &s.group
	for {
		g.mu.Lock()
		n := min(len(g.waiting), maxGroup)
		group := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		if n == 0 {
			g.waiting, g.busy = nil, false
		}
		g.mu.Unlock()
		if n == 0 {
			return
		}
		s.writeGroup(ctx, group)
	}
}

// writeGroup writes a group. A write that can't be made fails alone.
func (s *Store) writeGroup(ctx context.Context, group []*linkWrite) {
	var present []*linkWrite
	for _, w := range group {
		if w.err = w.ctx.Err(); w.err != nil {
			close(w.done) // and nothing of it was written
		} else {
			present = append(present, w)
		}
	}
	err := s.writeTogether(ctx, present)
	for _, w := range present {
		if w.err = err; err != nil && len(present) > 1 && w.ctx.Err() == nil { // who has waited for long enough is told that it failed
			w.err = s.writeTogether(ctx, []*linkWrite{w})
		}
		if w.err != nil {
			w.written = nil
		}
		close(w.done)
	}
}

func (s *Store) writeTogether(ctx context.Context, group []*linkWrite) (err error) {
	if len(group) == 0 {
		return nil
	}
	defer health.Recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	return s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		put := tx.StmtContext(ctx, s.frequent.putLink.kept)
		add := tx.StmtContext(ctx, s.frequent.addEvent.kept) //nolint:sqlclosecheck // closed with the transaction
		if slices.ContainsFunc(group, func(w *linkWrite) bool { return len(w.newcomers) > 0 }) {
			s.frequent.wasErased.told("SELECT")
		}
		s.frequent.putLink.told("INSERT")
		var events []accessRow
		for _, w := range group {
			if err := s.putLinksOf(ctx, tx, put, w); err != nil {
				return err
			}
			events = append(events, ofWritten(w.events, w.links, w.written)...)
		}
		if len(events) > 0 {
			s.frequent.addEvent.told("INSERT")
		}
		for _, e := range events {
			if _, err := add.ExecContext(ctx, e.Person, e.Key, instant(bun.NullTime{Time: e.HappenedAt}), e.Action, e.Actor, e.ActorName, e.Connector, e.DataSource, e.Outcome); err != nil {
				return failed("write the access log", err)
			}
		}
		return nil
	})
}

// putLinksOf writes the links of one call, and notes which were written.
func (s *Store) putLinksOf(ctx context.Context, tx bun.Tx, put *sql.Stmt, w *linkWrite) error {
	w.written = nil
	erased, err := s.erasedInFile(ctx, tx, w.newcomers)
	if err != nil {
		return err
	}
	for _, row := range withoutErased(w.links, erased) {
		result, err := put.ExecContext(ctx, row.ID, row.Person, row.DataSource, row.Connector, row.Status, instant(row.ConnectedAt),
			instant(row.CheckedAt), instant(row.PendingSince), instant(row.RevokedAt), instant(row.LateDataUntil), row.Version)
		n, err := changed("write links", result, err)
		if err != nil {
			return err
		}
		if n > 0 {
			w.written = append(w.written, health.LinkID(row.ID))
		}
	}
	return nil
}

// instant is a time as bun writes it to SQLite; nil is NULL.
func instant(t bun.NullTime) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999-07:00")
}

// putInTx is putGrouped for PostgreSQL, where writes don't wait for each other. Once there is a connection it goes on to its end: the
// server would not hear of ours.
func (s *Store) putInTx(ctx context.Context, w linkWrite) (written []health.LinkID, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	ctx = context.WithoutCancel(ctx)
	put := func(ctx context.Context, db bun.IDB, links []linkRow) error {
		written = nil
		if len(links) == 0 {
			return nil
		}
		return db.NewRaw(putLinks, s.write.NewValues(&links)).Scan(ctx, &written)
	}
	if len(w.events) == 0 && len(w.newcomers) == 0 {
		err = put(ctx, conn, w.links)
		return written, err
	}
	err = conn.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var erased map[string]bool
		if len(w.newcomers) > 0 {
			if erased, err = s.erasedInTx(ctx, tx, w.newcomers); err != nil {
				return err
			}
		}
		links := withoutErased(w.links, erased)
		if err := put(ctx, tx, links); err != nil {
			return err
		}
		seen := ofWritten(w.events, links, written)
		if len(seen) == 0 {
			return nil
		}
		_, err := tx.NewInsert().Model(&seen).On("CONFLICT (" + accessKey + ") DO NOTHING").Exec(ctx)
		return failed("write the access log", err)
	})
	return written, err
}

// ofWritten are the events of links that were written: another process may have written the others, or erased their person.
func ofWritten(events []accessRow, links []linkRow, written []health.LinkID) []accessRow {
	type key struct{ person, dataSource string }
	of := make(map[key]bool, len(written))
	for _, row := range links {
		if slices.Contains(written, health.LinkID(row.ID)) {
			of[key{row.Person, row.DataSource}] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(events), func(e accessRow) bool { return !of[key{e.Person, e.DataSource}] })
}
