package onetwentyone

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// CheckReturnURL refuses what can't be a redirect URI of OAuth: it is absolute, has no fragment, and is one that
// OneTwentyOne has registered for the client, which it alone can tell. "" means the configured redirect URI, and is refused
// where there is none.
func (c *Connector) CheckReturnURL(returnURL string) error {
	_, err := c.redirectURI(returnURL)
	return err
}

func (c *Connector) redirectURI(returnURL string) (string, error) {
	if returnURL != "" {
		return returnURL, checkReturnURL(returnURL)
	}
	if c.config.RedirectURI == "" {
		return "", health.Refuse("redirectUrl", "OneTwentyOne needs a return URL, and the gateway was given no default")
	}
	return c.config.RedirectURI, nil
}

func checkReturnURL(returnURL string) error {
	_, err := health.ParseURL(returnURL)
	u, parseErr := url.Parse(returnURL)
	if err != nil || parseErr != nil || u.Opaque != "" || strings.Contains(returnURL, "#") {
		return health.Refuse("redirectUrl", "OneTwentyOne takes absolute return URLs without a fragment")
	}
	return nil
}

// Authorize builds the address of the consent page, without a call. The person chooses there which of the client's
// scopes to grant: OneTwentyOne documents no scope parameter, nor PKCE.
func (c *Connector) Authorize(_ context.Context, request connectors.AuthorizeRequest) (connectors.Authorization, error) {
	redirectURI, err := c.redirectURI(request.ReturnURL)
	if err != nil {
		return connectors.Authorization{}, err
	}
	if request.State == "" {
		return connectors.Authorization{}, health.Fail(health.Internal, "a page to link on could not be made", errors.New("no state to carry"))
	}
	page := c.client.Address(url.Values{
		"response_type": {"code"},
		"client_id":     {c.config.ClientID},
		"redirect_uri":  {redirectURI},
		"state":         {request.State},
	}, "authorize")
	return connectors.Authorization{URL: page.String()}, nil
}
