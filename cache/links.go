package cache

import (
	"context"
	"slices"

	"healthgraph/connectors"
	"healthgraph/together"
)

const kindLinks = "links"

// read names one read that may be shared while it is under way: by those alone who know the same and would take the same answer.
type read struct {
	key
	state      uint64
	maxAge     int64 // in nanoseconds
	background bool  // which may be refused where a person is not
	days       string
}

func (c *Cache) readOf(ctx context.Context, k key, r connectors.Reuse) read {
	one := read{key: k, state: r.State, background: connectors.IsInBackground(ctx)}
	if c.mayFind(r) {
		one.maxAge = int64(r.MaxAge)
	}
	return one
}

// linkReader reads people's links.
type linkReader struct {
	connectors.LinkReader
	front

	flights together.Reads[read, connectors.LinksResult]
}

// ReadLinks implements connectors.LinkReader.
func (r *linkReader) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	if slices.ContainsFunc(accounts, func(a connectors.Account) bool { return a.Reuse.User == "" }) {
		return r.LinkReader.ReadLinks(ctx, accounts) // it is not known whose they are
	}
	results := make([]connectors.LinksResult, len(accounts))
	var missing []int
	for i, account := range accounts {
		if e, ok := look[connectors.LinksResult](r.Cache, r.keyOf(account), account.Reuse); ok {
			results[i], results[i].Age = e.Value, e.Age
		} else {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return results
	}
	reads := make([]read, len(missing))
	for j, i := range missing {
		reads[j] = r.readOf(ctx, r.keyOf(accounts[i]), accounts[i].Reuse)
	}
	read, err := r.flights.Read(ctx, reads, func(ctx context.Context, rest []int) []connectors.LinksResult {
		return r.ask(ctx, pick(accounts, pick(missing, rest)))
	})
	for j, i := range missing {
		if err != nil {
			results[i].Err = r.late(err)
		} else {
			results[i] = read[j]
		}
	}
	return results
}

// ask looks once more, as a read that was under way a moment ago may have ended, and asks the upstream for the rest.
func (r *linkReader) ask(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	all := make([]wanted, len(accounts))
	for i, account := range accounts {
		all[i] = wanted{r.keyOf(account), account.Reuse}
	}
	missing := make([]int, 0, len(all))
	for i, e := range find(ctx, r.Cache, all, holdLinks) {
		if e == nil {
			missing = append(missing, i)
		} else {
			results[i], results[i].Age = e.Value, e.Age
		}
	}
	if len(missing) == 0 {
		return results
	}
	now := r.config.Now()
	for j, result := range r.LinkReader.ReadLinks(ctx, pick(accounts, missing)) {
		i := missing[j]
		if result.Age = (connectors.Age{ReadAt: now}); result.Err == nil {
			result.Age = keep(r.Cache, all[i].key, all[i].reuse, now, r.config.Freshness.Links, result, holdLinks)
		}
		results[i] = result
	}
	return results
}

func (r *linkReader) keyOf(account connectors.Account) key {
	return key{kind: kindLinks, connector: r.connector, user: account.Reuse.User, account: account.ID}
}

// heldLinks are held as they are: connectors make lists that people share.
type heldLinks connectors.LinksResult

func holdLinks(r connectors.LinksResult) held[connectors.LinksResult] { return (*heldLinks)(&r) }

func (h *heldLinks) whole() connectors.LinksResult { return connectors.LinksResult(*h) }

func (h *heldLinks) bytes() (bytes int) {
	for _, link := range h.Links {
		bytes += weighSource(link.DataSource)
	}
	return bytes
}

// pick gives those of the indices, which ascend.
func pick[T any](all []T, indices []int) []T {
	if len(indices) == len(all) {
		return all
	}
	picked := make([]T, len(indices))
	for j, i := range indices {
		picked[j] = all[i]
	}
	return picked
}
