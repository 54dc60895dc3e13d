package rook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ROOK's documented rule for redirect_url.
const (
	maxReturnURL    = 50 // characters
	returnURLScheme = "https://"
)

// CheckReturnURL refuses what breaks ROOK's rule: https:// at the start and at most 50 characters. "" is fine: ROOK then
// ends on its own page, or on the one set in its portal. ROOK appends a path (/client_uuid/…/user_id/…) to the URL before
// it sends the browser back.
func (c *Connector) CheckReturnURL(returnURL string) error {
	if returnURL == "" {
		return nil
	}
	if length := utf8.RuneCountInString(returnURL); length > maxReturnURL {
		return health.Refuse("redirectUrl", fmt.Sprintf("ROOK takes return URLs of at most %d characters, and this one has %d", maxReturnURL, length))
	}
	u, err := url.Parse(returnURL)
	if err != nil || !strings.HasPrefix(returnURL, returnURLScheme) || u.Host == "" {
		return health.Refuse("redirectUrl", "ROOK takes return URLs that begin with https:// and name a host")
	}
	return nil
}

// Authorize asks for the page on which the person links one browser source: one call. A phone source has no such page and
// is UNSUPPORTED. The request's State is not used: ROOK's return URL can't carry one.
func (c *Connector) Authorize(ctx context.Context, request connectors.AuthorizeRequest) (connectors.Authorization, error) {
	if request.DataSource.Kind == health.KindSDK {
		return connectors.Authorization{}, health.Fail(health.Unsupported,
			"this data source has no page to link it on: it is linked in the phone app, through ROOK's SDK", nil)
	}
	if err := c.CheckReturnURL(request.ReturnURL); err != nil {
		return connectors.Authorization{}, err
	}
	if err := c.checkID(request.Account.ID); err != nil {
		return connectors.Authorization{}, err
	}
	call := c.call(partPages, "api", "v1", "user_id", request.Account.ID, "data_source", wireName(request.DataSource), "authorizer")
	if request.ReturnURL != "" {
		call.Query = url.Values{"redirect_url": {request.ReturnURL}}
	}
	var answer authorizerAnswer
	found, err := c.client.GetJSON(ctx, call, &answer)
	if err != nil {
		if _, known := find(request.DataSource.Name); !known && isRefused(err) {
			err = health.Fail(health.Unsupported, "ROOK has no page to link this data source on", nil) // it may be a phone's
		}
		return connectors.Authorization{}, err
	}
	if !found {
		return connectors.Authorization{}, c.client.Invalid("no content where the page to link on was promised")
	}
	authorization, err := answer.authorization(request.DataSource, c.anyScheme)
	return authorization, c.invalid(err)
}

// isRefused says whether ROOK did not take the request for what it is: 400, 404 and 422 are plausible for a source that it
// has no page for.
func isRefused(err error) bool {
	var status connectors.StatusError
	return errors.As(err, &status) && (status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnprocessableEntity)
}
