package onetwentyone

import (
	"encoding/json"
	"net/http"
	"slices"

	"healthgraph/connectors"
	"healthgraph/health"
)

// refusal is how one of the token endpoints says that what it was given is no good. OneTwentyOne documents no status, body or
// error code at all: the statuses are guesses, the codes those of RFC 6749 section 5.2.
type refusal struct {
	statuses []int
	failure  health.Error
}

var (
	// RFC 6749 keeps 401 for a client that is not accepted, so without a code it says nothing of the person's code. 403
	// is read in the same way.
	refusedExchange = refusal{
		statuses: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity},
		failure: health.Error{Code: health.BadUserInput, Argument: "url",
			Message: "OneTwentyOne refused the code: it was used or has expired, so start again"},
	}
	// A refresh token is a person's credential, so that 401 and 403 speak of it unless a code names the client.
	refusedRefresh = refusal{
		statuses: []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
			http.StatusGone, http.StatusUnprocessableEntity},
		failure: health.Error{Code: health.ReauthorizationRequired,
			Message: "OneTwentyOne no longer accepts this person's authorisation: link it again"},
	}
)

// ourFault are the error codes that name the client or the request as the reason: the operator's to mend.
var ourFault = []string{"invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type",
	"unsupported_response_type", "invalid_scope"}

// or decides what a refusing answer means: the one place for it. err is what its status says by itself, and stands for
// everything that is no refusal (429, 5xx).
func (r refusal) or(err error, answer connectors.Answer) error {
	clientError := answer.Status >= 400 && answer.Status < 500 &&
		answer.Status != http.StatusTooManyRequests && answer.Status != http.StatusRequestTimeout
	code := errorCode(answer.Body)
	switch {
	case !clientError:
		return err
	case slices.Contains(ourFault, code):
		return health.Fail(health.UpstreamInvalid, "OneTwentyOne refused the gateway's own credential or request: the operator has to mend it",
			connectors.StatusError(answer.Status))
	case code == "invalid_grant" || slices.Contains(r.statuses, answer.Status):
		failure := r.failure
		failure.Cause = connectors.StatusError(answer.Status)
		return &failure
	}
	return err
}

// errorCode finds the code in {"error":"…"}, {"error":{"code":"…"}} or {"code":"…"}; "" when there is none. It is only
// ever compared, never repeated.
func errorCode(body []byte) string {
	var answer struct{ Error, Code json.RawMessage }
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	var inner struct{ Code json.RawMessage }
	_ = json.Unmarshal(answer.Error, &inner) // most often a text, which has no code inside
	for _, raw := range []json.RawMessage{answer.Error, inner.Code, answer.Code} {
		var code string
		if json.Unmarshal(raw, &code) == nil && code != "" {
			return code
		}
	}
	return ""
}
