package connectors

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"healthgraph/health"
)

// Credential says whose credential a call used, and so whose turn it is when the upstream refuses it.
type Credential int

// The credentials.
const (
	OwnCredential    Credential = iota // the gateway's: a refusal is the operator's to mend
	PersonCredential                   // a person's grant: a refusal is theirs to renew
)

// FailureFromStatus is the one place where an upstream's HTTP status becomes a failure. It gives nil for 2xx. upstream
// is the connector's name, for the message. A 403 to a person's grant is a scope that was not given.
func FailureFromStatus(upstream string, credential Credential, status int, header http.Header, now time.Time) *health.Error {
	cause := StatusError(status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		e := health.Fail(health.RateLimited, upstream+" takes no more requests for now", cause)
		e.RetryAfter = RetryAfter(header, now)
		return e
	case status >= 500 || status == http.StatusRequestTimeout:
		e := health.Fail(health.UpstreamUnavailable, upstream+" is not available", cause)
		e.RetryAfter = RetryAfter(header, now)
		return e
	case credential == PersonCredential && (status == http.StatusUnauthorized || status == http.StatusGone):
		return health.Fail(health.ReauthorizationRequired, upstream+" no longer accepts this person's authorisation: link it again", cause)
	case credential == PersonCredential && status == http.StatusForbidden:
		return health.Fail(health.ReauthorizationRequired, upstream+" was not allowed this data by the person: link it again and grant it", cause)
	case credential == OwnCredential && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		return health.Fail(health.UpstreamInvalid, upstream+" refused the gateway's own credential: the operator has to mend it", cause)
	default:
		return health.Fail(health.UpstreamInvalid, upstream+" gave an answer that the gateway does not understand: the operator has been told", cause)
	}
}

// IsScopeMissing says whether the upstream takes the person's grant but was not allowed this data by them.
func IsScopeMissing(err error) bool {
	var status StatusError
	return errors.As(err, &status) && status == http.StatusForbidden && health.AsError(err).Has(health.ReauthorizationRequired)
}

// IsTokenRefused says whether the upstream does not take a token for the account that was asked about: it does not know the
// token (401), it is another's (403), or there is no such account (404).
func IsTokenRefused(err error) bool {
	var status StatusError
	return errors.As(err, &status) && (status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound)
}

// StatusError is the HTTP status behind a failure, for the log and for errors.As.
type StatusError int

// Error names the status alone: an upstream's body is never repeated.
func (s StatusError) Error() string { return "HTTP status " + strconv.Itoa(int(s)) }

// wholeSeconds is d, or a part of a second more: nobody who counts in seconds comes too early.
func wholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// maxRetryAfter bounds what an upstream can make a client wait for.
const maxRetryAfter = 48 * time.Hour

// RetryAfter reads the header Retry-After, in seconds or as a date; 0 when absent, past or unreadable.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
