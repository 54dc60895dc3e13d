package connectors

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// memory is what the body of one answer is in, until it is released.
type memory struct{ body *bytes.Buffer }

// Release says that nothing reads the body any more, nor any part of it: its memory is used for another answer, which may be about
// another person. Whoever keeps something of the body copies it before, as decoders of JSON do. An answer that nobody releases is left
// to the garbage collector.
func (a Answer) Release() {
	if a.memory == nil || a.memory.body == nil {
		return
	}
	body := a.memory.body
	a.memory.body = nil
	if spoilReleased {
		spoil(body)
	}
	keepMemory(body)
}

// spoil makes nonsense of what is read though it was released.
func spoil(body *bytes.Buffer) {
	all := body.Bytes()
	for i := range all {
		all[i] = '#'
	}
}

// Bodies are a few kilobytes or, as pages of samples, megabytes. Each kind has memory of its own, so that nothing large is held for
// something small.
const (
	mostSmall = 64 << 10
	mostLarge = 4 << 20 // more is not kept
)

var small, large = sync.Pool{New: newMemory}, sync.Pool{New: newMemory}

func newMemory() any { return new(bytes.Buffer) }

func keepMemory(body *bytes.Buffer) {
	body.Reset()
	switch size := body.Cap(); {
	case size <= mostSmall:
		small.Put(body)
	case size <= mostLarge:
		large.Put(body)
	}
}

// readBody reads a body, the first so many bytes of it at most. Of one whose length was not told, such as a compressed one, only the end
// tells which kind it is.
func readBody(response *http.Response, most int64) (*bytes.Buffer, error) {
	size := min(response.ContentLength, most)
	pool := &small
	if size < 0 || size > mostSmall-bytes.MinRead {
		pool = &large
	}
	body, _ := pool.Get().(*bytes.Buffer)
	if size >= 0 {
		body.Grow(int(size) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller does
	}
	if pool == &small || body.Len() > mostSmall-bytes.MinRead {
		return body, nil
	}
	brief, _ := small.Get().(*bytes.Buffer)
	brief.Write(body.Bytes())
	keepMemory(body)
	return brief, nil
}
