package onetwentyone

import (
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// maxPersonalToken is the longest personal access token taken, in bytes. Their format is not documented.
const maxPersonalToken = 4096

// PersonalGrant makes a grant of a personal access token, which OneTwentyOne takes in place of an access token. No end of one
// is documented. The account's id is user_id in lower case.
func (c *Connector) PersonalGrant(accountID string, token health.Secret) (connectors.Grant, error) {
	if err := checkAccountID(accountID); err != nil {
		return connectors.Grant{}, err
	}
	if text := token.Reveal(); !isToken(text) || len(text) > maxPersonalToken {
		return connectors.Grant{}, health.Refuse("token", "a personal access token of OneTwentyOne is 1 to 4096 printable ASCII characters without spaces")
	}
	return connectors.Grant{AccountID: strings.ToLower(accountID), AccessToken: token}, nil
}

// AdoptGrant makes a grant of a refresh token, which does not expire. The account's id is user_id in lower case.
func (c *Connector) AdoptGrant(accountID string, refreshToken health.Secret) (connectors.Grant, error) {
	if err := checkAccountID(accountID); err != nil {
		return connectors.Grant{}, err
	}
	if !isToken(refreshToken.Reveal()) {
		return connectors.Grant{}, health.Refuse("token", "a refresh token of OneTwentyOne is 1 to 8192 printable ASCII characters without spaces")
	}
	return connectors.Grant{AccountID: strings.ToLower(accountID), RefreshToken: refreshToken, ExpiresAt: longAgo}, nil
}

// longAgo is when an access token that there never was expired.
var longAgo = time.Unix(0, 0).UTC()

func checkAccountID(id string) error {
	if !uuidPattern.MatchString(id) {
		return health.Refuse("accountId", "an account of OneTwentyOne is a UUID: its site shows it as user_id")
	}
	return nil
}
