package gateway

import (
	"context"
	"slices"
	"sync"

	"healthgraph/health"
)

// gathered is what an operation's reads found and what waits to be written together, whoever it is of. Of nil, nothing waits. Safe for
// concurrent use.
type gathered struct {
	mu    sync.Mutex
	days  []NewDays
	count int // of days
	notes []DataNote
}

// gatherAtMost is how many days wait, and how many notes. With the days of a read that ends, fewer than keepAtOnce, they fit into one
// statement of the store's.
const gatherAtMost = 500

type gatheredKey struct{}

func gatheredIn(ctx context.Context) *gathered {
	of, _ := ctx.Value(gatheredKey{}).(*gathered)
	return of
}

// WriteTogether makes an operation's reads write together what they found of past days, and of how new anything is. What waits in the
// end is written by write, even when the operation's time is up. A read whose context has not been here writes its own by itself.
func (g *Gateway) WriteTogether(ctx context.Context) (together context.Context, write func()) {
	of := &gathered{}
	return context.WithValue(ctx, gatheredKey{}, of), func() {
		g.keepDays(ctx, of.all(NewDays{}))
		g.writeNotes(ctx, of.allNotes())
	}
}

// note gives what is to be written now: nothing, or all there is.
func (of *gathered) note(notes []DataNote) []DataNote {
	if of == nil {
		return notes
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.notes = append(of.notes, notes...); len(of.notes) < gatherAtMost {
		return nil
	}
	return of.takenNotes()
}

func (of *gathered) allNotes() []DataNote {
	of.mu.Lock()
	defer of.mu.Unlock()
	return of.takenNotes()
}

func (of *gathered) takenNotes() []DataNote {
	notes := of.notes
	of.notes = nil
	return notes
}

// add gives what is to be written now: nothing, or all there is.
func (of *gathered) add(days NewDays) []NewDays {
	if of == nil {
		return []NewDays{days}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.days, of.count = append(of.days, days), of.count+len(days.Days)
	if of.count < gatherAtMost {
		return nil
	}
	return of.taken()
}

// all gives the days, and all that wait.
func (of *gathered) all(days NewDays) []NewDays {
	if of == nil {
		return []NewDays{days}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if len(days.Days) > 0 {
		of.days = append(of.days, days)
	}
	return of.taken()
}

func (of *gathered) taken() []NewDays {
	days := of.days
	of.days, of.count = nil, 0
	return days
}

// forget lets go what waits of the people at the connector.
func (of *gathered) forget(connector string, users []health.UserID) {
	if of == nil {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.days = slices.DeleteFunc(of.days, func(days NewDays) bool {
		first := days.Days[0]
		forgotten := first.Connector == connector && slices.Contains(users, first.User)
		if forgotten {
			of.count -= len(days.Days)
		}
		return forgotten
	})
}

// keepDays writes days, even when the caller's time is up: the next query goes on from there.
func (g *Gateway) keepDays(ctx context.Context, days []NewDays) {
	if len(days) == 0 {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.KeepDays(ctx, days); err != nil {
		g.Log.ErrorContext(ctx, "days could not be stored", "error", err)
	}
}

// writeNotes writes notes, even when the caller's time is up. Those of somebody who was erased meanwhile change nothing.
func (g *Gateway) writeNotes(ctx context.Context, notes []DataNote) {
	if len(notes) == 0 {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.NoteData(ctx, notes); err != nil {
		g.Log.ErrorContext(ctx, "the times of the newest data could not be stored", "error", err)
	}
}
