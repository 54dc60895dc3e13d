package onetwentyone

import (
	"context"

	"healthgraph/connectors"
)

// Refresh renews a grant, in one call. OneTwentyOne's refresh tokens do not expire and it documents no new one in the
// answer: the old one is kept unless there is.
//
// REAUTHORIZATION_REQUIRED is a refusal that does not name the client as its reason; see refusal.go.
func (c *Connector) Refresh(ctx context.Context, grant connectors.Grant) (connectors.Grant, error) {
	answer, err := c.askForToken(ctx, "refresh",
		map[string]string{"refresh_token": grant.RefreshToken.Reveal(), "user_id": grant.AccountID}, refusedRefresh)
	if err != nil {
		return connectors.Grant{}, err
	}
	return c.grant(answer, grant)
}
