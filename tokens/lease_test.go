package tokens_test

import (
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestTwoHundredReadersOfTwoProcessesCauseOneRefresh(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		v := newVault(t)
		v.store = storetest.Open(t, store.Config{URL: url})
		v.Keeper = v.another(v.keyset)
		second := v.another(v.keyset)
		record := v.link("person-1", time.Minute)
		v.onRefresh = func() error {
			time.Sleep(100 * time.Millisecond) // long enough for everybody to want it
			return nil
		}
		var all sync.WaitGroup
		for i := range 200 {
			keeper := v.Keeper
			if i%2 == 0 {
				keeper = second
			}
			all.Go(func() {
				status, err := v.read(keeper, record)
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, status)
			})
		}
		all.Wait()
		_, refreshes := v.counts()
		assert.Equal(t, 1, refreshes)
		assert.Empty(t, v.record("person-1").Lease, "given back")
	})
}

func TestALeaseLeftBehindByACrashIsTakenOverWhenItEnds(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Minute)
	record.Lease, record.LeaseUntil = "of a process that is gone", v.clock.Now().Add(12*time.Second)
	written, err := v.store.UpdateGrant(t.Context(), record)
	require.NoError(t, err)
	require.True(t, written)

	done := make(chan error)
	go func() {
		_, err := v.read(v.Keeper, v.record("person-1"))
		done <- err
	}()
	select {
	case <-done:
		t.Fatal("the lease was not respected")
	case <-time.After(300 * time.Millisecond):
	}
	v.clock.advance(13 * time.Second)
	require.NoError(t, <-done)
	_, refreshes := v.counts()
	assert.Equal(t, 1, refreshes)
}

func TestWaitersLearnOfARefusalWithoutAskingAgain(t *testing.T) {
	v := newVault(t)
	second := v.another(v.keyset)
	record := v.link("person-1", time.Minute)
	begun := make(chan struct{})
	finish := make(chan struct{})
	v.onRefresh = func() error {
		close(begun) // a second call would panic
		<-finish
		return errRefused
	}
	outcomes := make(chan error, 2)
	go func() { _, err := v.read(v.Keeper, record); outcomes <- err }()
	<-begun
	go func() { _, err := v.read(second, record); outcomes <- err }()
	time.Sleep(100 * time.Millisecond) // the second one waits for the lease
	close(finish)
	for range 2 {
		assert.Equal(t, health.ReauthorizationRequired, codeOf(<-outcomes))
	}
	assert.True(t, v.record("person-1").Refused())
}
