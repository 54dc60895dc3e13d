package gateway

import (
	"context"
	"errors"

	"healthgraph/health"
)

// errStillWriting says that nobody knows yet.
var errStillWriting = errors.New("the database has not finished with them yet")

// linkWrite are links of one connector's to be written, and what follows from that.
type linkWrite struct {
	connector string
	records   []LinkRecord
	events    []health.AccessEvent // of those that are written
	news      []Change
	lost      []health.UserID // who lose a link
}

// write remembers what an upstream showed. A failure costs freshness alone, so the answer stands.
func (g *Gateway) write(ctx context.Context, w linkWrite) {
	if len(w.records) == 0 {
		return
	}
	for i := range w.records {
		g.identify(&w.records[i])
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if _, err := g.put(ctx, w); err != nil {
		g.Log.ErrorContext(ctx, "links could not be stored in time", "error", err)
	}
}

// put writes links under an outlived context, while which lasts who asks is kept waiting. What follows from a write follows when it is done,
// whoever waits for it then: whoever watches is told, and what is kept of who lost a link goes. That goes before the write as well, so
// that nothing is left behind by a process that dies.
func (g *Gateway) put(ctx context.Context, w linkWrite) ([]health.LinkID, error) {
	type result struct {
		written []health.LinkID
		err     error
	}
	done := make(chan result, 1)
	go func() {
		written, err := g.carryOut(ctx, w)
		if err != nil && ctx.Err() != nil {
			g.Log.ErrorContext(ctx, "links that took too long could not be stored", "error", err)
		}
		done <- result{written, err}
	}()
	select {
	case r := <-done:
		return r.written, r.err
	case <-ctx.Done():
		return nil, errStillWriting
	}
}

func (g *Gateway) carryOut(ctx context.Context, w linkWrite) (written []health.LinkID, err error) {
	defer health.Recovered(&err)
	g.forgetDays(ctx, w.connector, w.lost...)
	ctx, cancel := outlive(ctx) // whoever asked may have waited for long enough by now
	defer cancel()
	written, err = g.Store.PutLinks(ctx, w.records, w.events...)
	g.forgetDays(ctx, w.connector, w.lost...) // now nobody keeps any more of it
	if err == nil {
		g.tell(w.news...)
	}
	return written, err
}
