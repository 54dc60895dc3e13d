package health

import "time"

// AccessAction is what happened to a person's links.
type AccessAction string

// The actions.
const (
	AccessLinked    AccessAction = "LINKED"    // a link was made, or made anew
	AccessImported  AccessAction = "IMPORTED"  // an operator brought an authorisation from elsewhere
	AccessRefreshed AccessAction = "REFRESHED" // the authorisation was renewed
	AccessRefused   AccessAction = "REFUSED"   // the upstream refused the authorisation for good
	AccessRevived   AccessAction = "REVIVED"   // the upstream took it after all
	AccessRevoked   AccessAction = "REVOKED"   // somebody asked for the link to end; the outcome says what came of it
	AccessEnded     AccessAction = "ENDED"     // the link ended without anybody asking here
	AccessErased    AccessAction = "ERASED"    // the person was forgotten
)

// ActorKind says who did it.
type ActorKind string

// The kinds of actor.
const (
	ActorPerson   ActorKind = "PERSON"   // the person, with a credential of their own
	ActorService  ActorKind = "SERVICE"  // a service's credential
	ActorOperator ActorKind = "OPERATOR" // a command that an operator ran
	ActorGateway  ActorKind = "GATEWAY"  // the gateway, of itself
	ActorUpstream ActorKind = "UPSTREAM" // it was found so at the upstream: the person did it there
)

// Actor is who did something. Name is the subject of a service's credential, "" for every other kind.
type Actor struct {
	Kind ActorKind
	Name string
}

// AccessEvent is a line of a person's access log. It holds no health data and no token.
type AccessEvent struct {
	Key        string // names the line among the person's: writing one twice is writing it once; "" = a random one
	User       UserID
	At         time.Time // UTC
	Action     AccessAction
	Actor      Actor
	Connector  string        // "" where it concerns all of them
	DataSource DataSourceID  // "" where it concerns all of the connector's
	Outcome    RevokeOutcome // of REVOKED, else ""
}

// AccessLogEntry is a line of the access log as its person sees it.
type AccessLogEntry struct {
	At         time.Time
	Action     AccessAction
	Actor      ActorKind
	ActorName  *string     // of a service, else nil
	Connector  *string     // nil where it concerns all of them
	DataSource *DataSource // nil where it concerns all of the connector's
	Outcome    *RevokeOutcome
}

// AccessLogEdge is an entry and its place in the log.
type AccessLogEdge struct {
	Cursor string
	Node   AccessLogEntry
}

// AccessLogConnection is a page of the log, newest first.
type AccessLogConnection struct {
	Edges    []AccessLogEdge
	Nodes    []AccessLogEntry
	PageInfo PageInfo
}

// PageInfo says whether there is more behind a page, as Relay's cursor connections do.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}
