package onetwentyone

import (
	"crypto/rand"
	"time"
)

// grant is what one consent gave. Guarded by Simulator.mu, like all of this file.
type grant struct {
	person   string
	scopes   []string
	redirect string // where the code went
	revoked  bool
	refresh  string
	issued   time.Time // of the code
	used     bool      // the code has been exchanged
}

// access is an access token or a personal access token.
type access struct {
	person  string
	grant   *grant // nil for a personal access token, which has all scopes
	expires time.Time
}

type grants struct {
	codes   map[string]*grant
	refresh map[string]*grant
	access  map[string]*access
}

func newGrants() grants {
	return grants{codes: map[string]*grant{}, refresh: map[string]*grant{}, access: map[string]*access{}}
}

// secret makes a random token. The prefix tells a reader of a test failure what kind it was.
func secret(kind string) string { return kind + "_" + rand.Text() }

func (g *grants) issueCode(gr *grant) string {
	code := secret("code")
	g.codes[code] = gr
	return code
}

func (g *grants) issueRefresh(gr *grant) string {
	delete(g.refresh, gr.refresh)
	gr.refresh = secret("rt")
	g.refresh[gr.refresh] = gr
	return gr.refresh
}

func (g *grants) issueAccess(gr *grant, now time.Time, lifetime time.Duration) string {
	token := secret("at")
	g.access[token] = &access{person: gr.person, grant: gr, expires: now.Add(lifetime)}
	return token
}

func (g *grants) issuePAT(person string) string {
	token := secret("pat")
	g.access[token] = &access{person: person}
	return token
}

// valid answers what a bearer token gives access to, nil when it is unknown, expired or revoked.
func (g *grants) valid(token string, now time.Time) *access {
	a := g.access[token]
	switch {
	case a == nil, a.grant != nil && (a.grant.revoked || !now.Before(a.expires)):
		return nil
	default:
		return a
	}
}

// revoke ends all grants of a person, exchanged or not, and answers how many there were.
func (g *grants) revoke(person string) int {
	n := 0
	end := func(gr *grant) {
		if gr.person == person && !gr.revoked {
			gr.revoked = true
			n++
		}
	}
	for _, gr := range g.codes {
		end(gr)
	}
	for _, gr := range g.refresh {
		end(gr)
	}
	return n
}

// expire ends the access tokens of a person, and answers how many there were.
func (g *grants) expire(person string, now time.Time) int {
	n := 0
	for _, a := range g.access {
		if a.person == person && a.grant != nil && now.Before(a.expires) {
			a.expires = now
			n++
		}
	}
	return n
}

// dropPATs forgets the personal access tokens of a person, and answers how many there were.
func (g *grants) dropPATs(person string) int {
	n := 0
	for token, a := range g.access {
		if a.person == person && a.grant == nil {
			delete(g.access, token)
			n++
		}
	}
	return n
}
