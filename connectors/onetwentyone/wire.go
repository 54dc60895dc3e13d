package onetwentyone

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// assumedLifetime is how long an access token lasts where the answer does not say: the documented hour.
const assumedLifetime = time.Hour

// maxToken is the longest token taken, in bytes: it has to fit into a header.
const maxToken = 8192

// tokenAnswer is that of both token endpoints: {"access_token":"…","refresh_token":"…"} to an exchange, and
// {"access_token":"…","expires_in":3600} to a refresh.
type tokenAnswer struct {
	AccessToken  string          `json:"access_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"` // seconds
}

// grant reads a token answer on top of an earlier grant, whose refresh token stays where the answer has none.
func (c *Connector) grant(answer connectors.Answer, earlier connectors.Grant) (connectors.Grant, error) {
	var tokens tokenAnswer
	if err := c.client.Decode(answer, &tokens); err != nil {
		return connectors.Grant{}, err
	}
	if !isToken(tokens.AccessToken) || (tokens.RefreshToken != "" && !isToken(tokens.RefreshToken)) {
		return connectors.Grant{}, c.client.Invalid("no token, or one that no header can carry")
	}
	lifetime := assumedLifetime
	if seconds, there, ok := connectors.Number(tokens.ExpiresIn); there && ok && seconds >= 1 && seconds <= math.MaxInt32 {
		lifetime = time.Duration(seconds) * time.Second
	}
	next := connectors.Grant{
		AccountID:    earlier.AccountID,
		AccessToken:  health.NewSecret(tokens.AccessToken),
		RefreshToken: earlier.RefreshToken,
		ExpiresAt:    c.client.Now().Add(lifetime),
	}
	if tokens.RefreshToken != "" {
		next.RefreshToken = health.NewSecret(tokens.RefreshToken)
	}
	return next, nil
}

func isToken(text string) bool {
	return text != "" && len(text) <= maxToken && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// profileAnswer is {"limit":{…},"data":{"user_id":"…","created_at":"…","home_timezone":"Europe/Paris","scopes":["…"]}}.
// The page says that there is more, without naming it.
type profileAnswer struct {
	Data *struct {
		UserID   *string  `json:"user_id"`
		TimeZone any      `json:"home_timezone"`
		Scopes   []string `json:"scopes"`
	} `json:"data"`
}

func (a profileAnswer) profile() (connectors.Profile, error) {
	if a.Data == nil {
		return connectors.Profile{}, errors.New("the profile is missing")
	}
	profile := connectors.Profile{Scopes: a.Data.Scopes}
	if a.Data.UserID != nil {
		if !uuidPattern.MatchString(*a.Data.UserID) {
			return connectors.Profile{}, errors.New("the profile's user_id is no UUID")
		}
		profile.AccountID = strings.ToLower(*a.Data.UserID)
	}
	if name, ok := a.Data.TimeZone.(string); ok {
		if zone, err := health.ParseTimeZone(name); err == nil {
			profile.TimeZone = &zone
		}
	}
	return profile, nil
}

// invalid makes a reason into a failure; nil stays nil.
func (c *Connector) invalid(reason error) error {
	if reason == nil {
		return nil
	}
	return c.client.Invalid(reason.Error())
}
