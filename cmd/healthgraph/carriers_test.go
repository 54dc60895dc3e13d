package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// atMost is how long an answer may take.
const atMost = 30 * time.Second

// carrier sends one operation, and writes down all that comes back: headers, bodies, messages, how it was closed. It returns when
// the operation is over.
type carrier func(w *world, into io.Writer, token, query string, variables map[string]any)

// carriers are one for each transport.
var carriers = map[string]carrier{
	"POST": func(w *world, into io.Writer, token, query string, variables map[string]any) {
		w.carry(into, token, http.MethodPost, map[string]any{"query": query, "variables": variables}, nil)
	},
	"GET": func(w *world, into io.Writer, token, query string, variables map[string]any) {
		w.carry(into, token, http.MethodGet, map[string]any{"query": query, "variables": variables}, http.Header{"Accept": {"application/graphql-response+json"}})
	},
	"APQ": func(w *world, into io.Writer, token, query string, variables map[string]any) {
		hash := sha256.Sum256([]byte(query))
		named := map[string]any{"variables": variables, "extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hex.EncodeToString(hash[:])}}}
		w.carry(into, token, http.MethodGet, named, nil)
		named["query"] = query
		w.carry(into, token, http.MethodPost, named, nil)
		named["query"] = query + " "
		w.carry(into, token, http.MethodPost, named, nil) // which is not what the hash says
		delete(named, "query")
		w.carry(into, token, http.MethodPost, named, nil)
	},
	"SSE": func(w *world, into io.Writer, token, query string, variables map[string]any) {
		w.carry(into, token, http.MethodPost, map[string]any{"query": query, "variables": variables}, http.Header{"Accept": {"text/event-stream"}})
	},
	"WebSocket": func(w *world, into io.Writer, token, query string, variables map[string]any) {
		payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
		require.NoError(w.t, err)
		bearer, err := json.Marshal("Bearer " + token)
		require.NoError(w.t, err)
		w.converse(into, nil, `{"type":"connection_init","payload":{"Authorization":`+string(bearer)+`}}`, `{"type":"subscribe","id":"1","payload":`+string(payload)+`}`, `{"type":"ping"}`)
	},
}

// carry sends a request of these parameters.
func (w *world) carry(into io.Writer, token, method string, params map[string]any, header http.Header) {
	w.t.Helper()
	target, body := w.graphql, ""
	if method == http.MethodGet {
		values := url.Values{}
		for name, value := range params {
			text, isText := value.(string)
			if !isText {
				encoded, err := json.Marshal(value)
				require.NoError(w.t, err)
				text = string(encoded)
			}
			values.Set(name, text)
		}
		target += "?" + values.Encode()
	} else {
		encoded, err := json.Marshal(params)
		require.NoError(w.t, err)
		body = string(encoded)
	}
	all := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
	for name, values := range header {
		all[name] = values
	}
	w.exchange(into, method, target, body, all)
}

// exchange sends any request, and writes down the whole answer. A stream has that long to end.
func (w *world) exchange(into io.Writer, method, target, body string, header http.Header) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), atMost)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header = header
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	head, err := httputil.DumpResponse(response, false)
	require.NoError(w.t, err)
	_, _ = into.Write(head)
	_, err = io.Copy(into, response.Body)
	require.NoError(w.t, err)
}

// converse opens a WebSocket and sends messages until an operation is over or the connection is closed. What stands in frames is
// sent as it is; a message that begins with binary: is a binary one.
func (w *world) converse(into io.Writer, header http.Header, frames ...string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), atMost)
	defer cancel()
	protocols := header.Values("Sec-WebSocket-Protocol")
	if protocols == nil {
		protocols = []string{"graphql-transport-ws"}
	}
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.graphql, "http"), &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		require.NotNil(w.t, response, "%v", err)
		body, _ := io.ReadAll(response.Body) // of a refusal
		_, _ = fmt.Fprintf(into, "%s %v %s\n", response.Status, response.Header, body)
		return
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	_, _ = fmt.Fprintln(into, response.Header)
	for _, frame := range frames {
		kind, text := websocket.MessageText, frame
		if binary, ok := strings.CutPrefix(frame, "binary:"); ok {
			kind, text = websocket.MessageBinary, binary
		}
		_ = conn.Write(ctx, kind, []byte(text)) // that it was closed before is seen by reading
	}
	for {
		_, data, err := conn.Read(ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			_, _ = fmt.Fprintf(into, "close %d %s\n", closed.Code, closed.Reason)
			return
		case err != nil:
			require.NoError(w.t, ctx.Err(), "%q is still open", frames)
			return
		}
		_, _ = fmt.Fprintln(into, string(data))
		var message struct{ Type string }
		require.NoError(w.t, json.Unmarshal(data, &message))
		if message.Type == "complete" || message.Type == "error" {
			_ = conn.Close(websocket.StatusNormalClosure, "")
			return
		}
	}
}
