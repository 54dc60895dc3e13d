// Package onetwentyone adapts OneTwentyOne (121 Health), which serves what a person's iPhone keeps in Apple Health.
//
// OneTwentyOne is an OAuth upstream with its own ids for people: the gateway's client credential buys a grant, and the
// person's grant reads. What is known of its API, how well, and where its pages disagree is told in
// docs/upstreams/onetwentyone.md; what is not known is guessed in one place each, in wire.go, samplepage.go, sample.go,
// sleepitem.go and refusal.go.
package onetwentyone

import (
	"context"
	"errors"
	"net/url"
	"regexp"

	"healthgraph/connectors"
	"healthgraph/health"
)

// What the connector claims to be able to do. It can't revoke: OneTwentyOne documents no call for that.
var (
	_ connectors.Exchanger          = (*Connector)(nil)
	_ connectors.PersonalTokenTaker = (*Connector)(nil)
	_ connectors.Adopter            = (*Connector)(nil)
	_ connectors.ProfileReader      = (*Connector)(nil)
	_ connectors.SampleReader       = (*Connector)(nil)
	_ connectors.SleepSessionReader = (*Connector)(nil)
)

// Production is OneTwentyOne's only documented host, for its pages, tokens and data.
const Production = "https://api.onetwentyone.ai"

// TokenEncoding is how the bodies of the two token calls are written. OneTwentyOne's samples are no valid request of any
// kind, but made of JSON pieces; a form is OAuth's own way.
type TokenEncoding int

// The encodings.
const (
	JSON TokenEncoding = iota
	Form
)

// Config makes a Connector.
type Config struct {
	BaseURL       string // Production when empty
	ClientID      string // from OneTwentyOne's signed-in area
	ClientSecret  health.Secret
	RedirectURI   string // registered there; used where no return URL is asked for, and may be empty
	TokenEncoding TokenEncoding
	DailyLimit    int                     // requests a day, of all processes; 0 = not planned
	DailyReserve  int                     // of these, kept for people who wait
	Budgets       connectors.BudgetStore  // where they are counted; needed with a DailyLimit
	Client        connectors.ClientConfig // transport, limits and clock; its name, base URL and budget are set here
}

// Connector speaks to OneTwentyOne. Safe for concurrent use; remembers nothing of any person. The zero Connector can do what
// needs no call.
type Connector struct {
	client *connectors.Client
	config Config
}

// New checks the configuration. The error names what is wrong and never repeats it.
func New(config Config) (*Connector, error) {
	switch {
	case config.ClientID == "":
		return nil, errors.New("the client id of OneTwentyOne is missing")
	case config.ClientSecret.IsEmpty():
		return nil, errors.New("the client secret of OneTwentyOne is missing")
	case config.TokenEncoding != JSON && config.TokenEncoding != Form:
		return nil, errors.New("the token encoding of OneTwentyOne is JSON or form")
	}
	if config.RedirectURI != "" {
		if err := checkReturnURL(config.RedirectURI); err != nil {
			return nil, errors.New("the redirect URI of OneTwentyOne: " + health.AsError(err).Message)
		}
	}
	if config.BaseURL == "" {
		config.BaseURL = Production
	}
	config.Client.Upstream, config.Client.BaseURL, config.Client.Budget = upstream, config.BaseURL, config.budget()
	client, err := connectors.NewClient(config.Client)
	if err != nil {
		return nil, err
	}
	return &Connector{client: client, config: config}, nil
}

// What of OneTwentyOne can fail while the rest is well.
const (
	partTokens = "tokens"
	partData   = "data"
)

// upstream is OneTwentyOne's name in messages.
const upstream = "OneTwentyOne"

// Describe names the one data source: all that a person's iPhone has in Apple Health comes through one grant.
func (c *Connector) Describe() connectors.Description {
	return connectors.Description{
		ID:             "onetwentyone",
		Name:           upstream,
		DataSources:    []health.DataSource{{ID: "onetwentyone", Name: upstream, Kind: health.KindBrowser}},
		RevokeHint:     "The gateway has forgotten its access; to end it at OneTwentyOne as well, remove this app's access in the 121 app.",
		OptionalScopes: []string{"sleep"},
	}
}

// uuidPattern is OneTwentyOne's rule for user_id.
var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// get makes one call with the person's grant and gives a 200 answer. out is decoded from its body, if it is not nil.
func (c *Connector) get(ctx context.Context, account connectors.Account, query url.Values, out any, path ...string) (connectors.Answer, error) {
	if account.Client == nil || !uuidPattern.MatchString(account.ID) {
		return connectors.Answer{}, health.Fail(health.Internal, "OneTwentyOne can't be asked about this person",
			errors.New("the account has no client that signs, or its id is no UUID"))
	}
	call := connectors.Call{Part: partData, Path: path, Query: query, HTTP: account.Client, Credential: connectors.PersonCredential}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return answer, err
	}
	if err := c.failure(call, answer); err != nil {
		return answer, err
	}
	if out == nil {
		return answer, nil
	}
	return answer, c.client.Decode(answer, out)
}
