package health

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Code names a failure by whose turn it is to act. The codes are public and stable.
type Code string

// The codes. BAD_USER_INPUT, UNAUTHENTICATED, FORBIDDEN and ACCOUNT_IN_USE concern a
// request and are only ever GraphQL errors; the others also stand as problems
// beside the values that could be had.
const (
	BadUserInput            Code = "BAD_USER_INPUT"           // caller
	Unauthenticated         Code = "UNAUTHENTICATED"          // caller
	Forbidden               Code = "FORBIDDEN"                // caller
	NotConnected            Code = "NOT_CONNECTED"            // person: link first
	AccountInUse            Code = "ACCOUNT_IN_USE"           // person: end the link of the other person first
	ReauthorizationRequired Code = "REAUTHORIZATION_REQUIRED" // person: link again
	NoNewData               Code = "NO_NEW_DATA"              // person: open the source's app; a problem alone, never an error
	Unsupported             Code = "UNSUPPORTED"              // caller: this source has no such data
	RateLimited             Code = "RATE_LIMITED"             // time
	UpstreamUnavailable     Code = "UPSTREAM_UNAVAILABLE"     // time
	UpstreamInvalid         Code = "UPSTREAM_INVALID"         // the operator
	Internal                Code = "INTERNAL"                 // the operator
)

// Error is the one error type that crosses layers. Message is written by us for the caller: it never holds an
// upstream's bytes, an address, a token or a measurement. Cause is for the log alone and obeys the same rule.
type Error struct {
	Code       Code
	Message    string
	Argument   string        // the refused argument, for BAD_USER_INPUT
	RetryAfter time.Duration // when it makes sense to ask again; 0 when not known
	LinkStatus LinkStatus    // the link's present status, where that is what the caller needs next
	Cause      error
}

// Error says the code and the message, never the cause.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Has says whether e is a failure of that code; a nil e is none.
func (e *Error) Has(code Code) bool { return e != nil && e.Code == code }

// Fail makes an Error of the code.
func Fail(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, Cause: cause}
}

// Refuse makes a BAD_USER_INPUT that names the argument.
func Refuse(argument, message string) *Error {
	return &Error{Code: BadUserInput, Message: message, Argument: argument}
}

// AsError finds the Error in err. Any other error is an INTERNAL one with err as its cause; nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Fail(Internal, "something went wrong inside the gateway", err)
}

// Problem is a failure as data: why a value could not be had, or what the person has to do, beside those that could.
type Problem struct {
	Code             Code
	Message          string
	DataSource       *DataSource // nil when it concerns all data sources of a connector
	RetryAfter       *Duration
	AuthorizationURL *URL
}

// ProblemOf turns an error into a Problem; nil stays nil.
func ProblemOf(err error) *Problem {
	e := AsError(err)
	if e == nil {
		return nil
	}
	p := &Problem{Code: e.Code, Message: e.Message}
	if e.RetryAfter > 0 {
		d := Duration(e.RetryAfter)
		p.RetryAfter = &d
	}
	return p
}

// Err is the error form of a problem, for a field that has no place for one.
func (p *Problem) Err() error {
	e := Fail(p.Code, p.Message, nil)
	if p.RetryAfter != nil {
		e.RetryAfter = time.Duration(*p.RetryAfter)
	}
	return e
}

// Recovered makes a panic the error *err (INTERNAL, to AsError) with its stack for the log, and without its value, which can hold
// anything. It is deferred where nobody above would recover: in a goroutine of its own, or under a singleflight.
func Recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a panic of type %T: %s", p, debug.Stack())
	}
}
