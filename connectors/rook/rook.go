// Package rook adapts ROOK (tryrook.io), which reaches wearables and phone health stores by one API.
//
// ROOK is used with the gateway's own credential and takes the ids that we give people. What is known of its API, how
// well, and where its sources disagree is told in docs/upstreams/rook.md; what is not known is guessed in one place each,
// in wire.go and summary.go.
package rook

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"healthgraph/connectors"
	"healthgraph/health"
)

// What the connector claims to be able to do.
var (
	_ connectors.Identifier       = (*Connector)(nil)
	_ connectors.LinkReader       = (*Connector)(nil)
	_ connectors.Authorizer       = (*Connector)(nil)
	_ connectors.Revoker          = (*Connector)(nil)
	_ connectors.DailyStepReader  = (*Connector)(nil)
	_ connectors.DailySleepReader = (*Connector)(nil)
	_ connectors.ZoneReader       = (*Connector)(nil)
)

// ROOK's two environments. Their credentials differ.
const (
	Production = "https://api.rook-connect.com"
	Sandbox    = "https://api.rook-connect.review"
)

// Config makes a Connector.
type Config struct {
	BaseURL    string                  // Production when empty
	ClientUUID string                  // user name of HTTP Basic, from ROOK's portal
	SecretKey  health.Secret           // password of HTTP Basic, shown once in ROOK's portal
	Client     connectors.ClientConfig // transport, limits and clock; its name and base URL are set here
}

// Connector speaks to ROOK. Safe for concurrent use; remembers nothing of any person.
type Connector struct {
	client        *connectors.Client
	authorization health.Secret // the header that signs
	anyScheme     bool          // ROOK itself is reached over plain http, so it is a local one whose pages may be as well
}

// New checks the configuration. The error names what is wrong and never repeats it.
func New(config Config) (*Connector, error) {
	if config.ClientUUID == "" || strings.Contains(config.ClientUUID, ":") {
		return nil, errors.New("the client UUID of ROOK is missing, or has a colon, which HTTP Basic can't carry")
	}
	if config.SecretKey.IsEmpty() {
		return nil, errors.New("the secret key of ROOK is missing")
	}
	if config.BaseURL == "" {
		config.BaseURL = Production
	}
	config.Client.Upstream, config.Client.BaseURL = upstream, config.BaseURL
	client, err := connectors.NewClient(config.Client)
	if err != nil {
		return nil, err
	}
	return &Connector{
		client:        client,
		authorization: health.NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(config.ClientUUID+":"+config.SecretKey.Reveal()))),
		anyScheme:     client.Address(nil).Scheme == "http",
	}, nil
}

// upstream is ROOK's name in messages.
const upstream = "ROOK"

// Describe lists the data sources that ROOK reaches, in the order shown to people.
func (c *Connector) Describe() connectors.Description {
	description := connectors.Description{ID: "rook", Name: upstream}
	for _, entry := range catalogue {
		description.DataSources = append(description.DataSources, entry.dataSource())
	}
	return description
}

const mostIDBytes = 50

// AcceptsID says whether id is 1 to 50 ASCII letters, digits and hyphens, which ROOK documents as its rule for user_id.
func (c *Connector) AcceptsID(id string) bool {
	for i := range len(id) {
		if b := id[i]; (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return id != "" && len(id) <= mostIDBytes
}

// checkID keeps an id that was never AcceptsID's out of an address: an empty one would ask for another route.
func (c *Connector) checkID(id string) error {
	if !c.AcceptsID(id) {
		return health.Fail(health.Internal, "ROOK can't be asked about this person", errors.New("the account's id breaks ROOK's rule for user_id"))
	}
	return nil
}

// invalid makes a reason that wire.go found into a failure; nil stays nil.
func (c *Connector) invalid(reason error) error {
	if reason == nil {
		return nil
	}
	return c.client.Invalid(reason.Error())
}

// What of ROOK can fail while the rest is well.
const (
	partLinks     = "links"
	partPages     = "pages to link on"
	partRevoke    = "revocations"
	partSummaries = "summaries"
	partInfo      = "user information"
)

// call is a request to a part of ROOK with our credential on it.
func (c *Connector) call(part string, path ...string) connectors.Call {
	return connectors.Call{Part: part, Path: path, Credential: connectors.OwnCredential, Sign: func(request *http.Request) {
		request.Header.Set("Authorization", c.authorization.Reveal())
	}}
}

// brake stops the calls of one batch that have not begun once ROOK has said that it takes no more.
type brake struct{ limited atomic.Pointer[health.Error] }

// run calls f unless the brake is on, and pulls it when f was rate-limited.
func (b *brake) run(f func() error) error {
	if e := b.limited.Load(); e != nil {
		return e
	}
	err := f()
	if e := health.AsError(err); e != nil && e.Code == health.RateLimited {
		b.limited.Store(e)
	}
	return err
}
