package health_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

func TestAnErrorSaysItsCodeAndMessageAndNeverItsCause(t *testing.T) {
	cause := errors.New("canary")
	e := health.Fail(health.UpstreamInvalid, "it makes no sense", cause)
	assert.Equal(t, "UPSTREAM_INVALID: it makes no sense", e.Error())
	assert.NotContains(t, fmt.Sprintf("%v %s %q", e, e, e), "canary")
	assert.ErrorIs(t, e, cause, "the log finds it all the same")

	refused := health.Refuse("to", "before from")
	assert.Equal(t, health.BadUserInput, refused.Code)
	assert.Equal(t, "to", refused.Argument)
	assert.NoError(t, refused.Unwrap())
}

func TestAsErrorFindsOursAndHidesOthers(t *testing.T) {
	ours := health.Fail(health.NotConnected, "link first", nil)
	assert.Same(t, ours, health.AsError(ours))
	assert.Same(t, ours, health.AsError(fmt.Errorf("read: %w", ours)))
	assert.Same(t, ours, health.AsError(errors.Join(io.EOF, ours)))

	foreign := errors.New("dial tcp 10.0.0.7: canary")
	hidden := health.AsError(foreign)
	assert.Equal(t, health.Internal, hidden.Code)
	assert.NotContains(t, hidden.Error(), "canary")
	assert.ErrorIs(t, hidden, foreign)

	assert.Nil(t, health.AsError(nil))
}

func TestAProblemIsTheErrorAsData(t *testing.T) {
	e := health.Fail(health.RateLimited, "no more for now", errors.New("canary"))
	e.RetryAfter = 90 * time.Second
	problem := health.ProblemOf(fmt.Errorf("read: %w", e))
	require.NotNil(t, problem)
	assert.Equal(t, health.RateLimited, problem.Code)
	assert.Equal(t, "no more for now", problem.Message)
	require.NotNil(t, problem.RetryAfter)
	assert.Equal(t, "PT1M30S", problem.RetryAfter.String())
	assert.Nil(t, problem.DataSource)
	assert.Nil(t, problem.AuthorizationURL)

	assert.Nil(t, health.ProblemOf(nil))
	assert.Nil(t, health.ProblemOf(health.Fail(health.UpstreamUnavailable, "down", nil)).RetryAfter, "not known is not zero")
	assert.Equal(t, health.Internal, health.ProblemOf(io.EOF).Code)
}
