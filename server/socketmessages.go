package server

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// subprotocol is the one that is spoken (https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md).
const subprotocol = "graphql-transport-ws"

// The subprotocol's close codes. Beside them stand those of WebSocket itself.
const (
	closeBadMessage  websocket.StatusCode = 4400
	closeUnauthor    websocket.StatusCode = 4401
	closeForbidden   websocket.StatusCode = 4403
	closeSubprotocol websocket.StatusCode = 4406
	closeInitTimeout websocket.StatusCode = 4408
	closeIDTaken     websocket.StatusCode = 4409
	closeInitTwice   websocket.StatusCode = 4429
	closeInternal    websocket.StatusCode = 4500
)

// ending is why a connection is closed. Its reason is ours and repeats nothing; a close frame holds 123 bytes of it.
type ending struct {
	code   websocket.StatusCode
	reason string
}

// The types of messages.
const (
	typeInit      = "connection_init"
	typeAck       = "connection_ack"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeNext      = "next"
	typeError     = "error"
	typeComplete  = "complete"
)

// maxOperationID is the longest id of an operation, in bytes. Clients use numbers and UUIDs.
const maxOperationID = 128

// fromClient is a message from a client.
type fromClient struct {
	Type    string          `json:"type"`
	ID      *string         `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

// toClient is a message to a client.
type toClient struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

// readMessage reads a frame's content, or says why the connection is over.
func readMessage(kind websocket.MessageType, data []byte) (fromClient, *ending) {
	var message fromClient
	switch {
	case kind != websocket.MessageText:
		return message, &ending{websocket.StatusUnsupportedData, "send text: messages are JSON"}
	case !utf8.Valid(data):
		return message, &ending{websocket.StatusInvalidFramePayloadData, "a message is not UTF-8"}
	case decode(bytes.NewReader(data), &message) != nil:
		return message, &ending{closeBadMessage, "a message must be one JSON object with a type"}
	}
	switch message.Type {
	case typeInit, typePing, typePong:
		var object map[string]json.RawMessage
		if message.Payload != nil && json.Unmarshal(message.Payload, &object) != nil {
			return message, &ending{closeBadMessage, "the payload of " + message.Type + " must be an object"}
		}
	case typeSubscribe, typeComplete:
		if message.ID == nil || *message.ID == "" || len(*message.ID) > maxOperationID {
			return message, &ending{closeBadMessage, message.Type + " needs an id: a text of 1 to 128 bytes"}
		}
	default:
		return message, &ending{closeBadMessage, "a client's message is connection_init, ping, pong, subscribe or complete"}
	}
	return message, nil
}

// authorizationOf is the token in the payload of connection_init, "" where there is none.
func authorizationOf(payload json.RawMessage) (string, *ending) {
	var init struct {
		Authorization *string // of any case
	}
	if payload != nil && json.Unmarshal(payload, &init) != nil {
		return "", &ending{closeBadMessage, "Authorization in the payload of connection_init must be a text"}
	}
	if init.Authorization == nil {
		return "", nil
	}
	return *init.Authorization, nil
}

// errorsOf is the payload of a message error: a request that was never executed.
func errorsOf(code, message string) gqlerror.List {
	return gqlerror.List{{Message: message, Extensions: map[string]any{"code": code}}}
}
