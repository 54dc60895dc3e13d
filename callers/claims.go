package callers

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"healthgraph/health"
)

// clockSkew is how far the issuer's clock may be from ours.
const clockSkew = 30 * time.Second

// lastInstant is the end of the year 9999: a claim beyond it is no instant.
const lastInstant = 253402300799

// Why a token whose signature is good is refused all the same. These are told to the caller.
var (
	errExpired    = errors.New("the bearer token has expired")
	errNotYet     = errors.New("the bearer token is not valid yet")
	errNoEnd      = errors.New("the bearer token has no exp, or one that is no number of seconds")
	errOtherTimes = errors.New("the bearer token's nbf or iat is no number of seconds")
	errAudience   = errors.New("the bearer token is not for this gateway: its aud names another")
)

// decodeObject reads a JSON object and nothing else. Names are compared as they are, unlike those of a struct's fields.
func decodeObject(raw []byte) (map[string]json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || json.Unmarshal(raw, &object) != nil {
		return nil, false
	}
	return object, true
}

// textOf reads a claim that must be a text; absent, null and of another type are "".
func textOf(object map[string]json.RawMessage, name string) string {
	var text string
	if json.Unmarshal(object[name], &text) != nil {
		return ""
	}
	return text
}

// instantOf reads seconds since 1970, which may have a fraction. good is false for anything but a number within the years
// 1970 to 9999, a text that looks like one included; found is false where there is no such claim.
func instantOf(claims map[string]json.RawMessage, name string) (at time.Time, found, good bool) {
	raw, found := claims[name]
	if !found {
		return time.Time{}, false, true
	}
	var seconds *float64
	if json.Unmarshal(raw, &seconds) != nil || seconds == nil || *seconds < 0 || *seconds > lastInstant {
		return time.Time{}, true, false
	}
	whole, fraction := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), true, true
}

// checkTimes wants an exp that is not over, and an nbf and an iat, where there are any, that have come.
func checkTimes(claims map[string]json.RawMessage, now time.Time) error {
	expires, found, good := instantOf(claims, "exp")
	switch {
	case !found || !good:
		return errNoEnd
	case !now.Before(expires.Add(clockSkew)):
		return errExpired
	}
	for _, name := range []string{"nbf", "iat"} {
		at, found, good := instantOf(claims, name)
		switch {
		case !good:
			return errOtherTimes
		case found && at.After(now.Add(clockSkew)):
			return errNotYet
		}
	}
	return nil
}

// checkAudience wants the audience among those of `aud`, which is a text or a list of texts. An empty one is not checked.
func checkAudience(claims map[string]json.RawMessage, audience string) error {
	if audience == "" || textOf(claims, "aud") == audience {
		return nil
	}
	var list []string
	if json.Unmarshal(claims["aud"], &list) != nil || !slices.Contains(list, audience) {
		return errAudience
	}
	return nil
}

// callerOf reads who is asking from claims that are good.
func callerOf(claims map[string]json.RawMessage, requireScopes bool) (Caller, error) {
	subject, err := health.ParseUserID(textOf(claims, "sub"))
	if err != nil {
		return Caller{}, errors.New("the bearer token's sub can't be a person: " + health.AsError(err).Message)
	}
	scopes, found := scopesOf(claims)
	if !found {
		return Caller{Subject: subject, Scopes: unlisted(requireScopes)}, nil
	}
	return Caller{Subject: subject, Scopes: listed(scopes)}, nil
}
