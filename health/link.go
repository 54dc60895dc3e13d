package health

import (
	"io"
	"time"
)

// LinkStatus is the state of the link between a person and a data source.
type LinkStatus string

// The states of a link.
const (
	StatusNotConnected            LinkStatus = "NOT_CONNECTED"
	StatusPending                 LinkStatus = "PENDING" // the person came back, the upstream does not show the link yet
	StatusConnected               LinkStatus = "CONNECTED"
	StatusReauthorizationRequired LinkStatus = "REAUTHORIZATION_REQUIRED"
	StatusRevoking                LinkStatus = "REVOKING" // asked for, the upstream still shows the link
	StatusRevoked                 LinkStatus = "REVOKED"
	StatusUnknown                 LinkStatus = "UNKNOWN" // could not be read; the link's problem says why
)

// LinkID names a link for ever, across revocations and new authorisations. It begins with LinkIDPrefix.
type LinkID string

// MarshalGQL writes the scalar ID.
func (id LinkID) MarshalGQL(w io.Writer) { writeQuoted(w, string(id)) }

// UnmarshalGQL reads the scalar ID.
func (id *LinkID) UnmarshalGQL(v any) error {
	s, err := readID(v)
	*id = LinkID(s)
	return err
}

// DataSourceLink is the link between one person and one data source. Times are instants in UTC, nil when not known.
type DataSourceLink struct {
	StoredID   LinkID // "" for a link that is not stored: see ID
	User       UserID
	DataSource DataSource
	Status     LinkStatus
	// LastKnownStatus is what the status was, where it is UNKNOWN now and something was known; else nil.
	LastKnownStatus *LinkStatus
	ConnectedAt     *time.Time // when the gateway first saw the present connection
	CheckedAt       *time.Time // when the status was last read where it is decided
	LatestDataAt    *time.Time // end of the newest measurement seen
	DataCheckedAt   *time.Time // when the newest data was last asked for
	// AccountVerified says whether the upstream itself confirmed whose account it is; nil where we name people there, and
	// where nothing is linked.
	AccountVerified *bool
	ScopesGranted   []string // nil where the upstream has no scopes
	ScopesMissing   []string // nil where the upstream has no scopes
	Problem         *Problem
	FreshUntil      time.Time // until when it need not be asked for again; zero = it has to be

	Namer LinkNamer // of a link that is not stored
}

// LinkNamer works out the id of a link, always the same for the same person and data source.
type LinkNamer interface {
	NameLink(user UserID, source DataSourceID) LinkID
}

// ID names the link for ever. That of one which is not stored is worked out here: most answers have no use for it.
func (l DataSourceLink) ID() LinkID {
	if l.StoredID != "" {
		return l.StoredID
	}
	return l.Namer.NameLink(l.User, l.DataSource.ID)
}

// IsNode marks a link as a Node.
func (DataSourceLink) IsNode() {}

// AuthorizationURL is where to send a person's browser to link one data source.
type AuthorizationURL struct {
	DataSource DataSource
	Authorized *bool // nil when it could not be read
	URL        *URL  // nil when already authorised, or where there is no browser flow
	ExpiresAt  *time.Time
	Problem    *Problem
}

// RevokeOutcome says what a revocation achieved, and where.
type RevokeOutcome string

// The outcomes of a revocation.
const (
	RevokedUpstream        RevokeOutcome = "REVOKED_UPSTREAM"         // the upstream took it and shows the link no more
	RevokedUpstreamPending RevokeOutcome = "REVOKED_UPSTREAM_PENDING" // the upstream took it, but still shows the link
	RevokedLocallyOnly     RevokeOutcome = "REVOKED_LOCALLY_ONLY"     // the gateway forgot its grant, the upstream offers no more
	AlreadyRevoked         RevokeOutcome = "ALREADY_REVOKED"          // there was no link to end
	RevokeFailed           RevokeOutcome = "FAILED"                   // nothing is known to have changed; the problem says why
)
