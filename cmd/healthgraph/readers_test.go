package main

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/store/storetest"
)

// atOnce is how many readers each process has at once: all of its own.
const atOnce = 100

func TestTwoHundredReadersOfTwoProcessesCauseOneRefresh(t *testing.T) {
	watchWAL(t)
	storetest.Both(t, func(t *testing.T, url string) {
		f := newFleet(t, url)
		// The strictest upstream: a second renewal with the same refresh token would be refused, and the link be lost.
		f.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.RotateRefreshTokens = true })
		f.walker("person-1")
		for _, known := range []bool{true, false} {
			f.goStale(known)
			f.fault(f.oneTwentyOne.Control(), simulators.Fault{Route: "refresh", Kind: simulators.KindLate, DelayMs: 300}) // everybody at once comes to want it
			for _, a := range f.readAll("person-1", 200) {
				require.Equal(t, "right", outcome(a))
			}
			assert.Len(t, f.refreshes(), 1, "the end of the access token was known: %t", known)
			assert.Equal(t, "CONNECTED", f.links("person-1")["onetwentyone"].Status)
			assert.Empty(t, f.lease())
			f.inspect()
		}
	})
}

// readAll reads somebody's steps so many times, by both processes in turn.
func (f *fleet) readAll(user string, times int) []answer {
	answers, token := make([]answer, times), f.token(user)
	var all sync.WaitGroup
	for half, p := range []*process{f.first, f.second} {
		w, turns := f.at(p), make(chan struct{}, atOnce)
		for i := half; i < times; i += 2 {
			all.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				a, err := w.try(token, readSteps, nil)
				assert.NoError(f.t, err)
				answers[i] = a
			})
		}
	}
	all.Wait()
	return answers
}
