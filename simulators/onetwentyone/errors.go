package onetwentyone

import (
	"encoding/json"
	"net/http"
)

// dataError is the body of an error on a data route. Its form is invented.
func (sw Switches) dataError(message string, l *limit) (contentType string, body []byte) {
	switch sw.ErrorBody {
	case "html":
		return "text/html; charset=utf-8", []byte("<!doctype html><title>Error</title><h1>Error</h1>")
	case "empty":
		return "application/json", nil
	}
	if !sw.limitInBody() {
		l = nil
	}
	return "application/json", marshal(struct {
		Error string `json:"error"`
		Limit *limit `json:"limit,omitempty"`
	}{message, l})
}

// fail answers an error on a data route.
func (sw Switches) fail(w http.ResponseWriter, status int, message string, l *limit) {
	contentType, body := sw.dataError(message, l)
	write(w, status, contentType, body)
}

// failToken answers an error on a token route, in the words of RFC 6749, section 5.2.
func (sw Switches) failToken(w http.ResponseWriter, status int, code string) {
	switch sw.TokenErrors {
	case "plain":
		write(w, status, "text/plain; charset=utf-8", []byte(http.StatusText(status)+"\n"))
	case "empty":
		write(w, status, "application/json", nil)
	default:
		write(w, status, "application/json", marshal(map[string]string{"error": code}))
	}
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return // the caller has gone
	}
}

// marshal is for values made in this package, which cannot fail to marshal.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("onetwentyone: " + err.Error())
	}
	return b
}
