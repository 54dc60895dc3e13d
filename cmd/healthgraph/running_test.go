package main

import (
	"context"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/logtest"
	"healthgraph/tokens"
)

// command runs a command to its end.
func command(t *testing.T, args ...string) (out, log string, err error) {
	t.Helper()
	var o, l logtest.Log
	err = run(t.Context(), args, console{&o, &l})
	return o.String(), l.String(), err
}

// started is a command that runs until it is stopped.
type started struct {
	t        *testing.T
	out, log logtest.Log
	cancel   context.CancelFunc
	ended    chan error
}

func start(t *testing.T, args ...string) *started { return startWith(t, nil, args...) }

// startWith is start with more KMS than the real ones.
func startWith(t *testing.T, more []tokens.KMSClient, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &started{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- run(ctx, args, console{&s.out, &s.log}, more...) }()
	return s
}

// until waits for the pattern in what the command writes, and gives its group.
func (s *started) until(written *logtest.Log, pattern string) string {
	s.t.Helper()
	expression := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := expression.FindStringSubmatch(written.String()); found != nil {
			return found[1]
		}
		select {
		case err := <-s.ended:
			require.Fail(s.t, "the command ended", "%v\n%s%s", err, s.out.String(), s.log.String())
		default:
		}
	}
	require.Fail(s.t, "nothing was written", "%s\n%s", s.out.String(), s.log.String())
	return ""
}

func (s *started) stop() {
	s.t.Helper()
	s.cancel()
	select {
	case err := <-s.ended:
		require.NoError(s.t, err)
	case <-time.After(30 * time.Second):
		require.Fail(s.t, "the command does not stop")
	}
}

// nothingLeft checks that no goroutine outlives f.
func nothingLeft(t *testing.T, f func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	f()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<16)
		assert.Failf(t, "goroutines are left", "%d before, %d after\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}
