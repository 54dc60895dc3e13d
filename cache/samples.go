package cache

import (
	"context"
	"sync"

	"healthgraph/connectors"
	"healthgraph/health"
)

const kindSamples = "samples"

// sampleReader reads samples. One of those who ask for the same takes the pages as they come; the others wait and are handed them
// afterwards.
type sampleReader struct {
	connectors.SampleReader
	front

	mu    sync.Mutex
	under map[read]*walk
}

// walk is a read of samples under way.
type walk struct {
	read    read
	done    chan struct{}
	waiting int // guarded by sampleReader.mu

	// What it brought, for reading when it is done.
	samples
	whole bool // nobody's leaving ended it
	part  bool // there was more than is held for others, or than the first one wanted
}

// samples are all pages of a read, and how it ended.
type samples struct {
	Pages  [][]health.Sample
	Result connectors.SampleResult
}

// longest is how many bytes of samples are held for those who wait for the same read: some three of an upstream's largest pages.
const longest = 4 << 20

// ReadSamples implements connectors.SampleReader.
func (r *sampleReader) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	if account.Reuse.User == "" {
		return r.SampleReader.ReadSamples(ctx, account, request, yield)
	}
	k := key{
		kind: kindSamples, connector: r.connector, user: account.Reuse.User, account: account.ID,
		metric: request.Metric, from: request.Span.Start.UnixNano(), to: request.Span.End.UnixNano(),
	}
	for {
		if e, ok := look[samples](r.Cache, k, account.Reuse); ok {
			return e.Value.again(e.Age, account.Reuse, yield)
		}
		w, begins := r.find(r.readOf(ctx, k, account.Reuse))
		if begins {
			return r.lead(ctx, w, k, account, request, yield)
		}
		if err := r.await(ctx, w); err != nil {
			return connectors.SampleResult{Err: r.late(err)}
		}
		switch {
		case w.part:
			return r.SampleReader.ReadSamples(ctx, account, request, yield)
		case w.whole:
			return w.again(w.Result.Age, account.Reuse, yield)
		}
	}
}

// await waits for another's walk. The error says why it did not.
func (r *sampleReader) await(ctx context.Context, w *walk) error {
	patient, leave, err := r.join(ctx, w.read)
	if err == nil {
		defer leave()
		select {
		case <-w.done:
			return nil
		case <-patient.Done():
			err = context.Cause(patient)
		}
	}
	r.mu.Lock()
	w.waiting--
	r.mu.Unlock()
	return err
}

// find finds the walk, or begins it.
func (r *sampleReader) find(one read) (w *walk, begins bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, found := r.under[one]
	if !found {
		w = &walk{read: one, done: make(chan struct{})}
		r.under[one] = w
	}
	w.waiting++
	return w, !found
}

// lead makes the walk, and hands what it brings to whoever waits by then. However it ends, nobody waits for it longer.
func (r *sampleReader) lead(ctx context.Context, w *walk, k key, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	defer r.end(w)
	if e := find(ctx, r.Cache, []wanted{{k, account.Reuse}}, holdSamples)[0]; e != nil {
		w.samples, w.Result.Age, w.whole = e.Value, e.Age, true
		return w.again(e.Age, account.Reuse, yield)
	}
	now := r.config.Now()
	stopped, bytes := false, 0
	w.Result = r.SampleReader.ReadSamples(ctx, account, request, func(page []health.Sample) bool {
		if bytes += weighPage(page); bytes > longest {
			w.Pages, w.part = nil, true
		} else if !w.part {
			w.Pages = append(w.Pages, page)
		}
		stopped = !yield(page)
		return !stopped
	})
	w.Result.Age = connectors.Age{ReadAt: now}
	w.part = w.part || stopped
	w.whole = ctx.Err() == nil
	if w.whole && !w.part && w.Result.Err == nil {
		w.Result.Age = keep(r.Cache, k, account.Reuse, now, r.freshFor(request.Span.End, now), w.samples, holdSamples)
	}
	return w.Result
}

// end lets go of a walk.
func (r *sampleReader) end(w *walk) {
	r.mu.Lock()
	delete(r.under, w.read)
	r.mu.Unlock()
	close(w.done)
}

// again hands over the pages as the upstream did.
func (s samples) again(age connectors.Age, reuse connectors.Reuse, yield func([]health.Sample) bool) connectors.SampleResult {
	if reuse.Reused != nil {
		reuse.Reused(age)
	}
	for _, page := range s.Pages {
		if !yield(page) {
			break
		}
	}
	result := s.Result
	result.Age = age
	return result
}

func (r *sampleReader) WaitedFor() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.under {
		n += w.waiting
	}
	return n
}

// sampleBytes are those of a sample on its way, its texts aside.
const sampleBytes = 112

func weighPage(page []health.Sample) int {
	bytes := len(page) * sampleBytes
	for _, sample := range page {
		bytes += len(sample.ID) + len(sample.Device)
	}
	return bytes
}
