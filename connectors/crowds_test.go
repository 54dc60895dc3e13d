package connectors_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/simulators"
)

// assertTooMany says that an operation was refused for Paper, and when it may come again.
func assertTooMany(t *testing.T, err error) {
	t.Helper()
	e := health.AsError(err)
	require.NotNil(t, e)
	assert.Equal(t, []any{health.UpstreamUnavailable, "too many operations wait for Paper already", time.Second}, []any{e.Code, e.Message, e.RetryAfter})
}

// In a bubble, where time is exact.
func TestSoManyOperationsWaitForOneUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowds := connectors.NewCrowds(2)
		operation := func() context.Context { return crowds.Operation(t.Context()) }
		waits := func(ctx context.Context, upstream string) (patient context.Context, leave func(bool)) {
			t.Helper()
			patient, leave, err := connectors.Wait(ctx, upstream)
			require.NoError(t, err)
			return patient, leave
		}
		refused := func(ctx context.Context) {
			t.Helper()
			_, _, err := connectors.Wait(ctx, "Paper")
			assertTooMany(t, err)
		}
		asLongAsItTakes := func(ctx, patient context.Context) {
			t.Helper()
			assert.True(t, ctx == patient) //nolint:testifylint // the very same one, with no time of its own
		}

		first, second := operation(), operation()
		patient, leaveFirst := waits(first, "Paper")
		asLongAsItTakes(first, patient)
		patient, leaveSecond := waits(second, "Paper")
		asLongAsItTakes(second, patient)
		again := context.WithoutCancel(second)
		patient, leaveAgain := waits(again, "Paper") // which counts once, also in a read that others join
		asLongAsItTakes(again, patient)

		// A third one waits for a moment, with all its calls.
		const moment, pause = 500 * time.Millisecond, time.Second
		third := operation()
		short, leaveThird := waits(third, "Paper")
		time.Sleep(moment / 2)
		shorter, leaveThirds := waits(third, "Paper")
		time.Sleep(moment/2 - time.Millisecond)
		require.NoError(t, short.Err())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		assertTooMany(t, context.Cause(short))
		assertTooMany(t, context.Cause(shorter))
		leaveThird(false)
		leaveThirds(false)

		// As that was not enough nobody beyond the bound waits, but for one after a while.
		refused(third)
		refused(operation())
		time.Sleep(pause - time.Millisecond)
		refused(operation())
		time.Sleep(time.Millisecond)
		_, leaveThird = waits(third, "Paper")
		refused(operation())
		time.Sleep(moment)
		synctest.Wait()
		leaveThird(false)
		refused(third)

		// What it joins may end for any reason.
		time.Sleep(pause)
		_, ends, err := connectors.Join(third, "Paper")
		require.NoError(t, err)
		refused(operation())
		ends()
		_, leaveThird = waits(third, "Paper")
		refused(operation())
		leaveThird(false)

		// Once one of them is served, all may hope again. Who leaves of their own accord says nothing.
		time.Sleep(pause)
		_, leaveThird = waits(third, "Paper")
		leaveThird(true)
		gone, leaves := context.WithCancel(operation())
		_, leaveThird = waits(third, "Paper")
		_, leave := waits(gone, "Paper")
		leaves()
		leave(false)
		_, leave = waits(operation(), "Paper")
		leave(false)
		time.Sleep(moment)
		synctest.Wait()
		leaveThird(false)
		refused(third)

		// Those who wait may wait elsewhere in it, and others for another upstream; who is no operation is not counted.
		patient, leave = waits(first, "Paper")
		asLongAsItTakes(first, patient)
		leave(false)
		patient, leave = waits(third, "Card")
		asLongAsItTakes(third, patient)
		leave(false)
		patient, leave = waits(t.Context(), "Paper")
		asLongAsItTakes(t.Context(), patient)
		leave(false)

		// One leaves with the last of its waits.
		leaveSecond(false)
		refused(third)
		leaveAgain(false)
		patient, leaveThird = waits(third, "Paper")
		asLongAsItTakes(third, patient)
		refused(operation())

		leaveFirst(true)
		leaveThird(true)

		// What was is forgotten when nobody waits any more.
		_, leaveFirst = waits(first, "Paper")
		_, leaveSecond = waits(second, "Paper")
		_, leave = waits(operation(), "Paper")
		leave(false)
		leaveFirst(false)
		leaveSecond(false)
	})
}

// Beyond half as many again nobody waits where no wait has ended for a while.
func TestOperationsThatWaitForAnUpstreamThatEndsNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowds := connectors.NewCrowds(4)
		wait := func() (leave func(bool), err error) {
			_, leave, err = connectors.Wait(crowds.Operation(t.Context()), "Paper")
			return leave, err
		}
		var leaves []func(bool)
		defer func() {
			for _, leave := range leaves {
				leave(false)
			}
		}()
		admit := func(n int) {
			t.Helper()
			for range n {
				leave, err := wait()
				require.NoError(t, err)
				leaves = append(leaves, leave)
			}
		}
		admit(4)
		time.Sleep(249 * time.Millisecond)
		admit(3) // waits have not stood still for long
		time.Sleep(time.Millisecond)
		_, err := wait()
		assertTooMany(t, err)

		for _, leave := range leaves {
			leave(true)
		}
		leaves = nil
		admit(4)
		time.Sleep(200 * time.Millisecond)
		leaves[0](false) // as when what it joined has ended
		leaves = leaves[1:]
		time.Sleep(200 * time.Millisecond)
		admit(10)
		time.Sleep(50 * time.Millisecond)
		_, err = wait()
		assertTooMany(t, err)
	})
}

// Whose moment is over waits on where no more wait than may by then. One of whose calls some were served is no sign of a fault.
func TestOperationsBeyondTheBoundComeIntoIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowds := connectors.NewCrowds(2)
		wait := func(ctx context.Context) (patient context.Context, leave func(bool)) {
			t.Helper()
			patient, leave, err := connectors.Wait(ctx, "Paper")
			require.NoError(t, err)
			return patient, leave
		}
		const moment = 500 * time.Millisecond
		first, second, third, fourth := crowds.Operation(t.Context()), crowds.Operation(t.Context()), crowds.Operation(t.Context()), crowds.Operation(t.Context())
		_, leaveFirst := wait(first)
		_, leaveSecond := wait(second)
		patient, leaveThird := wait(third)
		time.Sleep(moment / 5)
		leaveFirst(true)
		time.Sleep(moment)
		synctest.Wait()
		require.NoError(t, patient.Err(), "two wait")

		short, leaveFourth := wait(fourth)
		_, leaveMore := wait(fourth)
		leaveMore(true)
		time.Sleep(moment)
		synctest.Wait()
		require.Error(t, short.Err(), "a third one is one too many")
		leaveFourth(false)
		_, leave := wait(first) // but nobody is suspected for it
		leave(false)
		leaveSecond(false)
		leaveThird(false)
	})
}

// Calls that change something are few, and are not refused for the sake of others.
func TestChangesWaitForTheirTurn(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 1, MaxWaiting: 100})
	crowds := connectors.NewCrowds(1)
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 400})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { assert.Nil(t, p.ask(crowds.Operation(t.Context()), "POST", "data")) })
	}
	all.Wait()
	assert.Equal(t, 4, p.control.Calls().Total)
}

func TestOperationsThatWaitForAnUpstreamThatHangs(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 2, MaxWaiting: 100, Timeout: 6 * time.Second})
	crowds := connectors.NewCrowds(3)
	operation := func() context.Context { return crowds.Operation(t.Context()) }
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 20_000})
	var underWay, waiting sync.WaitGroup
	for range 2 {
		underWay.Go(func() { assert.Equal(t, health.UpstreamUnavailable, code(p.ask(operation(), "GET", "data"))) })
	}
	require.Eventually(t, func() bool { return p.control.Calls().PeakInFlight == 2 }, 5*time.Second, time.Millisecond)
	waits := func(ctx context.Context) {
		e := p.ask(ctx, "GET", "data")
		assert.Equal(t, health.UpstreamUnavailable, code(e))
		assert.Contains(t, e.Message, "answered nobody", "which is told to who waits until patience is over")
	}
	for range 3 {
		ctx := operation()
		for range 4 {
			waiting.Go(func() { waits(ctx) })
		}
	}
	waiting.Go(func() { waits(t.Context()) }) // in the background
	time.Sleep(100 * time.Millisecond)
	waiting.Go(func() { assertTooMany(t, p.ask(operation(), "GET", "data")) }) // for a moment
	time.Sleep(900 * time.Millisecond)
	began := time.Now()
	assertTooMany(t, p.ask(operation(), "GET", "data"))
	assert.Less(t, time.Since(began), 500*time.Millisecond, "at once")
	waiting.Wait()
	underWay.Wait()
	assert.Equal(t, 2, p.control.Calls().Total)
	p.fault()
	assert.Nil(t, p.ask(operation(), "GET", "data"))
}

// At a slow upstream something moves all the time, and yet whoever comes waits longer.
func TestOperationsThatWaitForASlowUpstream(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 1, MaxWaiting: 100})
	crowds := connectors.NewCrowds(2)
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 300})
	var all sync.WaitGroup
	var answered atomic.Int64
	began := time.Now()
	for range 40 {
		all.Go(func() {
			if e := p.ask(crowds.Operation(t.Context()), "GET", "data"); e != nil {
				assertTooMany(t, e)
				assert.Less(t, time.Since(began), 1500*time.Millisecond)
				return
			}
			answered.Add(1)
		})
	}
	all.Wait()
	assert.GreaterOrEqual(t, answered.Load(), int64(3), "one is under way and two wait for as long as it takes")
	assert.LessOrEqual(t, answered.Load(), int64(2+500/300+1), "and nobody else for longer than a moment")
	assert.EqualValues(t, answered.Load(), p.control.Calls().Total)
}

// A rush to an upstream that keeps up is answered, however many operations wait for a moment; and so is whoever finds a place.
func TestARushIsNotRefused(t *testing.T) {
	for name, inFlight := range map[string]int{"in turns": 2, "all at once": 30} {
		t.Run(name, func(t *testing.T) {
			p := newPaper(t, connectors.ClientConfig{MaxInFlight: inFlight, MaxWaiting: 100})
			crowds := connectors.NewCrowds(1)
			p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 5})
			var all sync.WaitGroup
			for range 30 {
				all.Go(func() { assert.Nil(t, p.ask(crowds.Operation(t.Context()), "GET", "data")) })
			}
			all.Wait()
			assert.Equal(t, 30, p.control.Calls().Total)
		})
	}
}
