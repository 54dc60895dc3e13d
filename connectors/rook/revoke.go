package rook

import (
	"context"
	"net/http"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// LateData is for how long after a revocation data may still arrive. ROOK's guide to data authorization says "up to
// several hours" without a number and its support pages 30 minutes to 2 hours; six hours is our reading of "several".
const LateData = 6 * time.Hour

// Revoke ends ROOK's access to one source: one POST that names it. Some of ROOK's pages say that the call ends all
// sources at once; its specification, its SDK and its requirement of a body that names one say otherwise.
//
// 204 is ROOK's general "nothing for this user", so it does not say whether there was anything to end. 422 means that there was nothing to revoke, or that ROOK can't revoke this source: its own SDK takes it for success.
// Which of the two it was shows when the caller reads the list back.
func (c *Connector) Revoke(ctx context.Context, account connectors.Account, source health.DataSource) (connectors.Revocation, error) {
	if err := c.checkID(account.ID); err != nil {
		return connectors.Revocation{}, err
	}
	call := c.call(partRevoke, "api", "v1", "user_id", account.ID, "data_sources", "revoke_auth")
	call.Method, call.JSON = http.MethodPost, revokeRequest{wireName(source)}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return connectors.Revocation{}, err
	}
	if answer.Status == http.StatusUnprocessableEntity {
		return connectors.Revocation{WasConnected: false, LateData: LateData}, nil
	}
	if err := c.client.Failure(call, answer); err != nil {
		return connectors.Revocation{}, err
	}
	if answer.Status == http.StatusNoContent {
		return connectors.Revocation{Unsure: true, LateData: LateData}, nil
	}
	var message map[string]any // what a proxy answers in ROOK's place is no revocation
	if err := c.client.Decode(answer, &message); err != nil {
		return connectors.Revocation{}, err
	}
	return connectors.Revocation{WasConnected: true, LateData: LateData}, nil
}
