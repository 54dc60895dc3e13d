package connectors

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func responseOf(body string, lengthTold bool) *http.Response {
	r := &http.Response{Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
	if lengthTold {
		r.ContentLength = int64(len(body))
	}
	return r
}

func answerOf(t *testing.T, body string, lengthTold bool) Answer {
	t.Helper()
	read, err := readBody(responseOf(body, lengthTold), 16<<20)
	require.NoError(t, err)
	return Answer{Body: read.Bytes(), memory: &memory{read}}
}

// Bodies of all sizes are read whole, in memory that is used again and never by two at a time.
func TestMemoryOfBodiesIsUsedAgain(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				want := strings.Repeat(string(rune('a'+worker)), []int{0, 1, 600, mostSmall - bytes.MinRead, mostSmall, 300_000}[i%6])
				answer := answerOf(t, want, i%2 == 0)
				assert.Equal(t, want, string(answer.Body))
				answer.Release()
				answer.Release() // which does nothing more
			}
		})
	}
	all.Wait()
}

// What is small is not held in memory for what is large.
func TestSmallBodiesHoldLittle(t *testing.T) {
	large := answerOf(t, strings.Repeat("x", 1<<20), false)
	large.Release()
	for _, lengthTold := range []bool{true, false} {
		assert.LessOrEqual(t, cap(answerOf(t, "small", lengthTold).Body), mostSmall)
	}
}

// Tests run with the race detector, and so does what reads a body that was released.
func TestReleasedBodiesAreSpoilt(t *testing.T) {
	answer := answerOf(t, "of one person", true)
	answer.Release()
	assert.Equal(t, !spoilReleased, string(answer.Body) == "of one person")
	Answer{}.Release() // of nothing
}

func TestABodyEndsWhereItIsCutOff(t *testing.T) {
	read, err := readBody(responseOf("0123456789", false), 4)
	require.NoError(t, err)
	assert.Equal(t, "0123", read.String())
	broken := responseOf("", true)
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), errReader{}))
	_, err = readBody(broken, 100)
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("the connection broke")

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBroken }
