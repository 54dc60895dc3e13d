package onetwentyone

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// maxCode is the longest authorization code that is sent on, in bytes. RFC 6749 has them printable ASCII.
const maxCode = 2048

// CheckReturn judges the query that OneTwentyOne sent the browser back with, which carries code and user_id, the person's
// UUID at OneTwentyOne. error=access_denied, the person's no, is NOT_CONNECTED; any other error is UPSTREAM_INVALID; a
// query that is not well-formed is BAD_USER_INPUT. OneTwentyOne itself names user_id alone: the other parameters are named
// as RFC 6749 does.
func (c *Connector) CheckReturn(query url.Values) error {
	for _, name := range []string{"code", "user_id", "state", "error"} {
		if len(query[name]) > 1 {
			return health.Refuse("url", "a parameter of OneTwentyOne's stands twice in the URL that the browser came back to")
		}
	}
	switch query.Get("error") {
	case "":
	case "access_denied":
		return health.Fail(health.NotConnected, "the person did not allow OneTwentyOne to share data", nil)
	default:
		return health.Fail(health.UpstreamInvalid, "OneTwentyOne could not let the person decide", nil)
	}
	switch code := query.Get("code"); {
	case code == "" || len(code) > maxCode || strings.ContainsFunc(code, func(r rune) bool { return r < ' ' || r > '~' }):
		return health.Refuse("url", "the URL that the browser came back to holds no code of OneTwentyOne's")
	case !uuidPattern.MatchString(query.Get("user_id")):
		return health.Refuse("url", "the URL that the browser came back to holds no user_id of OneTwentyOne's")
	}
	return nil
}

// Exchange spends the code in a query that CheckReturn accepts, in one call. The account's id is user_id in lower case. It
// came through the browser and the token answer does not repeat it: who must be sure of it compares it with ReadProfile's.
// A code that OneTwentyOne refuses is BAD_USER_INPUT: start again.
func (c *Connector) Exchange(ctx context.Context, query url.Values, returnURL string) (connectors.Grant, error) {
	if err := c.CheckReturn(query); err != nil {
		return connectors.Grant{}, err
	}
	redirectURI, err := c.redirectURI(returnURL)
	if err != nil {
		return connectors.Grant{}, err
	}
	answer, err := c.askForToken(ctx, "token", map[string]string{"code": query.Get("code"), "redirect_uri": redirectURI}, refusedExchange)
	if err != nil {
		return connectors.Grant{}, err
	}
	return c.grant(answer, connectors.Grant{AccountID: strings.ToLower(query.Get("user_id"))})
}

// askForToken posts to one of the two token endpoints, with the client's credential in the body: never in the query, though
// OneTwentyOne's samples put it there. refused names a refusal that is not about the client itself.
func (c *Connector) askForToken(ctx context.Context, endpoint string, parameters map[string]string, refused refusal) (connectors.Answer, error) {
	parameters["client_id"], parameters["client_secret"] = c.config.ClientID, c.config.ClientSecret.Reveal()
	// Whether token requests count in the daily limit is not documented, so they are counted; nor is it whether they are refused
	// with it, so they are made.
	call := connectors.Call{
		Part: partTokens, Method: http.MethodPost, Path: []string{"api", endpoint}, Credential: connectors.OwnCredential, Essential: true,
	}
	if c.config.TokenEncoding == Form {
		call.Form = url.Values{}
		for name, value := range parameters {
			call.Form.Set(name, value)
		}
	} else {
		call.JSON = parameters
	}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return answer, err
	}
	if err := c.failure(call, answer); err != nil {
		return answer, refused.or(err, answer)
	}
	return answer, nil
}
