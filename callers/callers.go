// Package callers says who is asking: it checks bearer tokens and carries the caller through a request.
//
// A token is a JWT signed with HS256 (a shared secret) or with an RS, PS, ES or EdDSA algorithm (keys from a JWKS file, or of the
// issuer that the token names). `sub` is the person and `exp` is required. The scope `users:any` makes the token a service's,
// which acts for anybody; the other scopes say what a caller may do. A token without a list of scopes may do everything for its
// person. A service may call with an API key instead.
package callers

import (
	"context"
	"slices"
	"time"

	"healthgraph/health"
)

// Caller is whoever sent the request.
type Caller struct {
	Subject health.UserID
	Scopes  []string // all that the caller holds, none unknown: see May
	// ExpiresAt is from when on the credential is refused, the time allowed for clocks included; zero = it has no end.
	ExpiresAt time.Time
}

// IsService says whether the caller acts for many people rather than being one.
func (c Caller) IsService() bool { return slices.Contains(c.Scopes, ScopeAnyUser) }

// Actor is the caller as an access log names them.
func (c Caller) Actor() health.Actor {
	if c.IsService() {
		return health.Actor{Kind: health.ActorService, Name: string(c.Subject)}
	}
	return health.Actor{Kind: health.ActorPerson}
}

// MayActFor says whether the caller may read and change what is user's.
func (c Caller) MayActFor(user health.UserID) bool { return c.IsService() || c.Subject == user }

// Target is whom a request concerns: userID, or the caller where that is nil. argument is the name of userID's argument.
func (c Caller) Target(userID *health.UserID, argument string) (health.UserID, error) {
	switch {
	case userID == nil && c.IsService():
		return "", health.Refuse(argument, "a service's credential has to say whose data it asks for")
	case userID == nil:
		return c.Subject, nil
	case !c.MayActFor(*userID):
		return "", health.Fail(health.Forbidden, "this credential does not speak for that person", nil)
	default:
		return *userID, nil
	}
}

type contextKey struct{}

// NewContext carries the caller.
func NewContext(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// FromContext gives the caller of a request that was let in. A context without one is a Caller who may do nothing.
func FromContext(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}
