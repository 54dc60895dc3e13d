package connectortest

import (
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// handedIn is a token that somebody hands in.
const handedIn = "canary-token-that-was-handed-in"

// noTokens are texts that no upstream can have made as a token: no header carries them.
var noTokens = map[string]string{
	"an empty token": "", "a token with a space": handedIn + " x", "a token of two lines": handedIn + "\nx",
	"a token with a control character": "\x00" + handedIn, "a token that is not ASCII": handedIn + "é",
	"a token that is not UTF-8": handedIn + "\xff", "a token of 64 KiB": strings.Repeat(handedIn, 64<<10/len(handedIn)+1),
}

// checkPersonalGrant tries a token that a person made, which is judged without a call.
func (s *suite) checkPersonalGrant(c connectors.PersonalTokenTaker) {
	grant, err := c.PersonalGrant(s.harness.Accounts[0], health.NewSecret(handedIn))
	s.checkMadeGrant("PersonalGrant", c.PersonalGrant)
	if err == nil && (grant.AccessToken.Reveal() != handedIn || !grant.RefreshToken.IsEmpty() || !grant.ExpiresAt.IsZero()) {
		s.violate(RuleValues, "PersonalGrant", "it is not the token alone, without an end and a refresh token")
	}
}

// checkAdoptGrant tries a refresh token that another system held, which is judged without a call.
func (s *suite) checkAdoptGrant(c connectors.Adopter) {
	grant, err := c.AdoptGrant(s.harness.Accounts[0], health.NewSecret(handedIn))
	s.checkMadeGrant("AdoptGrant", c.AdoptGrant)
	if err == nil && (grant.RefreshToken.Reveal() != handedIn || grant.ExpiresAt.IsZero() || grant.ExpiresAt.After(s.harness.Now)) {
		s.violate(RuleValues, "AdoptGrant", "it is not the refresh token, to be renewed before its first use")
	}
}

// checkMadeGrant tries what makes a grant of an account's id and a token.
func (s *suite) checkMadeGrant(name string, grantOf func(string, health.Secret) (connectors.Grant, error)) {
	o := operation{name: name}
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	for _, id := range s.harness.Accounts {
		if grant, err := grantOf(id, health.NewSecret(handedIn)); err != nil || grant.AccountID != id {
			s.violate(RuleValues, name, "a good account and token are refused, or the account is changed")
		}
	}
	refused := func(when, argument, account, token string) {
		_, err := grantOf(account, health.NewSecret(token))
		s.expect(RuleValues, o, s.inspect(o, []error{err}), when, health.BadUserInput)
		if e := health.AsError(err); e != nil && e.Argument != argument {
			s.violate(RuleValues, name, "%s: the argument %q is blamed", when, e.Argument)
		}
	}
	for when, token := range noTokens {
		refused(when, "token", s.harness.Accounts[0], token)
	}
	for when, account := range map[string]string{
		"an empty account": "", "an account with a control character": s.harness.Accounts[0] + "\x00",
		"an account that is not UTF-8": s.harness.Accounts[0] + "\xff", "an account of 64 KiB": strings.Repeat(s.harness.Accounts[0], 64<<10/len(s.harness.Accounts[0])+1),
	} {
		refused(when, "accountId", account, handedIn)
	}
	if s.upstream.calls.Load() > 0 {
		s.violate(RuleValues, name, "a call is made")
	}
}
