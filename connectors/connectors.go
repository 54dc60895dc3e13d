// Package connectors is the contract between healthgraph and an upstream, and the HTTP manners that all connectors share.
//
// A connector is one folder below this one. It says what it is (Describe) and implements one small interface for each
// thing that it can do: what it cannot do, it has no method for. It knows neither sessions nor storage nor GraphQL, and
// remembers nothing of any person. Every error that leaves a connector is, or wraps, a *health.Error.
package connectors

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"healthgraph/health"
)

// Connector adapts one upstream. Safe for concurrent use.
type Connector interface {
	Describe() Description
}

// Description is what a connector says about itself at start-up.
type Description struct {
	ID          string              // slug, such as "rook": also what its data sources name as their connector
	Name        string              // as people know it
	DataSources []health.DataSource // the catalogue, in the order shown; capabilities are filled in by the registry
	RevokeHint  string              // what a person must do at the upstream where Revoke can't, "" where it can
	// OptionalScopes are those of ProfileReader.Scopes whose lack is no problem of a link's: many people keep such data to themselves.
	OptionalScopes []string
}

// Account is one person as one upstream knows them.
type Account struct {
	ID     string       // the person's id at the upstream
	Client *http.Client // signs with the person's own grant; nil where the connector uses its own credential
	Reuse  Reuse
}

// Identifier is a connector whose upstream takes the ids that we give people.
type Identifier interface {
	Connector
	// AcceptsID says whether the upstream would take id as it is. Generated ids (GeneratedIDPrefix and lower-case hex)
	// must always be accepted. What it accepts in one version it has to accept in every later one: a person's own id is not
	// written down anywhere, and is the only way to find them at the upstream again.
	AcceptsID(id string) bool
}

// GeneratedIDPrefix begins the ids that the gateway makes for people whose own can't be given to an upstream. No id of
// a person's own that begins so is ever handed on.
const GeneratedIDPrefix = "hg-"

// LinkState is one data source of one person, as the upstream shows it.
type LinkState struct {
	DataSource health.DataSource // may be one that the catalogue has no entry for
	Connected  bool
}

// LinksResult is the answer for one account: its data sources, or why they could not be read.
type LinksResult struct {
	Links []LinkState
	// Unknown: the upstream says that it has never heard of the account. Links are then the catalogue, not connected.
	Unknown bool
	Err     error
	Age
}

// LinkReader reads which data sources people have linked.
type LinkReader interface {
	Connector
	// ReadLinks answers for each account, in order, in as few upstream calls as it can.
	ReadLinks(ctx context.Context, accounts []Account) []LinksResult
}

// AuthorizeRequest asks for the page on which a person links one data source.
type AuthorizeRequest struct {
	Account    Account // ID is "" for an OAuth upstream: the person is known only afterwards
	DataSource health.DataSource
	ReturnURL  string // "" for the upstream's own page, where there is one
	State      string // sealed; "" for an upstream that carries none
}

// Authorization is where to send the browser. With Authorized there is nothing to do and no URL.
type Authorization struct {
	Authorized bool
	URL        string
}

// Authorizer finds the page on which a person links a data source.
type Authorizer interface {
	Connector
	// CheckReturnURL says which rule of the upstream's a return URL breaks, as BAD_USER_INPUT, or nil. "" means none given.
	CheckReturnURL(returnURL string) error
	Authorize(ctx context.Context, request AuthorizeRequest) (Authorization, error)
}

// Grant is a person's permission as an OAuth upstream issued it.
type Grant struct {
	AccountID    string // the person's id at the upstream
	AccessToken  health.Secret
	RefreshToken health.Secret // empty where the access token does not expire
	ExpiresAt    time.Time     // of the access token; zero = never
}

// Exchanger turns a browser's return from the consent page into a grant.
type Exchanger interface {
	Authorizer
	// CheckReturn judges the query of the URL that the browser came back to, without any call: nil when it carries what
	// Exchange needs, NOT_CONNECTED when the person said no, BAD_USER_INPUT (argument "url") when it is malformed.
	CheckReturn(query url.Values) error
	// Exchange spends the code in a query that CheckReturn accepts. returnURL is the one that was given to Authorize.
	Exchange(ctx context.Context, query url.Values, returnURL string) (Grant, error)
}

// PersonalTokenTaker is a connector whose upstream lets people make tokens that sign for their own data.
type PersonalTokenTaker interface {
	ProfileReader
	// PersonalGrant makes a grant of such a token, without any call. It can't be renewed. BAD_USER_INPUT (argument
	// "accountId" or "token") says which of the two can't be one; whether they belong together, the profile tells.
	PersonalGrant(accountID string, token health.Secret) (Grant, error)
}

// Refresher renews a grant that is about to expire, or has.
type Refresher interface {
	Connector
	// Refresh gives the next grant. REAUTHORIZATION_REQUIRED means that the upstream refused this person's grant for good.
	Refresh(ctx context.Context, grant Grant) (Grant, error)
}

// Adopter is a connector that can take a grant over from another system.
type Adopter interface {
	Refresher
	// AdoptGrant makes a grant of a refresh token, without any call: it has no access token, and has to be renewed before its
	// first use. BAD_USER_INPUT (argument "accountId" or "token") says which of the two can't be one.
	AdoptGrant(accountID string, refreshToken health.Secret) (Grant, error)
}

// Profile is what an upstream knows of a person.
type Profile struct {
	AccountID string           // "" where the upstream does not say
	TimeZone  *health.TimeZone // nil where it names none that we know
	Scopes    []string         // granted; nil where the upstream does not say
}

// ProfileReader reads a person's profile.
type ProfileReader interface {
	Connector
	ReadProfile(ctx context.Context, account Account) (Profile, error)
	// Scopes lists the scopes that the gateway can make use of, for telling which are missing.
	Scopes() []string
}

// Revocation is what the upstream confirmed.
type Revocation struct {
	WasConnected bool          // false: the upstream says that there was nothing to end
	Unsure       bool          // the upstream took the request, and does not say whether there was anything to end
	LateData     time.Duration // for how long data may still arrive
}

// Revoker ends the upstream's access to one data source. The caller reads the state back afterwards.
type Revoker interface {
	Connector
	Revoke(ctx context.Context, account Account, source health.DataSource) (Revocation, error)
}

// DayResult is an upstream's figure for one day, or why it could not be read.
type DayResult struct {
	Total health.DayTotal
	Err   error
	Age
}

// DailyStepReader reads daily totals. Days are the upstream's own: the person's local ones.
type DailyStepReader interface {
	Connector
	// ReadDailySteps answers for each date, in order.
	ReadDailySteps(ctx context.Context, account Account, dates []health.Date) []DayResult
}

// SampleRequest asks for the samples of a metric that touch a span of time.
type SampleRequest struct {
	Metric string // as HealthKit's Swift names spell it: health.StepCountMetric and the like
	Span   health.Interval
	Expect int // how many samples the caller expects to take; 0 = all. It makes no difference but to the size of the upstream's pages
}

// SampleResult is how a read of samples ended. With Err set, the samples that were handed over and start before ReadUntil are all
// there are; nothing is known of later ones.
type SampleResult struct {
	ReadUntil time.Time
	Newest    time.Time // end of the newest sample that was seen, be it after the span; zero where none was
	Refused   int       // samples that made no sense and were left out
	Err       error
	Age
}

// SampleReader reads samples. Their values are in the metric's own unit (health.Metric), whatever the upstream writes. A metric that
// the upstream does not have is UNSUPPORTED, which is no word about the link.
type SampleReader interface {
	Connector
	// ReadSamples hands each page of samples to yield: every sample that touches the span once, in order of its start, also from page to
	// page unless the upstream breaks its order half-way; where it keeps none, all of it is one page. yield may keep the page but not
	// change it, and ends the read by false, which is no failure.
	ReadSamples(ctx context.Context, account Account, request SampleRequest, yield func(page []health.Sample) bool) SampleResult
}

// SamplesOn asks for the samples that touch the days, whatever the time zone that these are meant in: the world's are from
// UTC-12 to UTC+14.
func SamplesOn(metric string, days health.DateRange) SampleRequest {
	return SampleRequest{Metric: metric, Span: health.Interval{
		Start: days.From.Start(health.UTC).Add(-14 * time.Hour),
		End:   days.To.AddDays(1).Start(health.UTC).Add(12 * time.Hour),
	}}
}
