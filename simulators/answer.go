package simulators

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// answer is an HTTP answer that has not been sent yet. It is the http.ResponseWriter that routed handlers write to.
type answer struct {
	status   int
	header   http.Header
	body     bytes.Buffer
	heldBack time.Duration // after the endpoint has done its work
}

func record(h http.HandlerFunc, r *http.Request) *answer {
	a := &answer{header: http.Header{}}
	h(a, r)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// send writes the answer, or, unless it is to arrive whole, promises all of it and breaks off in the middle of the
// body; an answer without a status is nothing but a closed connection.
func (a *answer) send(w http.ResponseWriter, whole bool) {
	if a.status == 0 {
		panic(http.ErrAbortHandler) // how net/http is asked to close the connection without a word
	}
	maps.Copy(w.Header(), a.header)
	body := a.body.Bytes()
	if len(body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.status)
	if !whole {
		body = body[:len(body)/2]
	}
	if _, err := w.Write(body); err != nil {
		return // the caller has gone, which is nobody's mistake here
	}
	if !whole {
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		panic(http.ErrAbortHandler)
	}
}

// plain is a finished answer with the given body.
func plain(status int, contentType string, body []byte) *answer {
	a := &answer{status: status, header: http.Header{}}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		a.header.Set("Content-Type", contentType)
		a.body.Write(body)
	}
	return a
}
