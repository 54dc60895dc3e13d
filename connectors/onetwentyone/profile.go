package onetwentyone

import (
	"context"

	"healthgraph/connectors"
)

// ReadProfile reads the person's id, home time zone and granted scopes, in one call. A zone that is not an IANA one is
// nil. It needs the scope "profile": without it OneTwentyOne is expected to answer 403, REAUTHORIZATION_REQUIRED.
func (c *Connector) ReadProfile(ctx context.Context, account connectors.Account) (connectors.Profile, error) {
	var answer profileAnswer
	if _, err := c.get(ctx, account, nil, &answer, "api", "v1", "profile", account.ID); err != nil {
		return connectors.Profile{}, err
	}
	profile, err := answer.profile()
	return profile, c.invalid(err)
}

// Scopes lists what the gateway can make use of: the profile for the time zone, the quantities for steps, and sleep.
func (c *Connector) Scopes() []string { return []string{"profile", "quantity", "sleep"} }
