package gateway

import (
	"context"
	"time"

	"healthgraph/health"
	"healthgraph/tokens"
)

// UpstreamID is the id by which an upstream knows a person, where we give it one. It is made once and never changes. With it stands
// the zone that the upstream told.
type UpstreamID struct {
	User      health.UserID
	Connector string
	ID        string
	TimeZone  string    // IANA's name, "" where none is known; written by NoteZone
	ZoneDueAt time.Time // when to ask for it again; zero = it never was; likewise
}

// LinkRecord is what is remembered of the link between a person and a data source. Times are zero when not known.
type LinkRecord struct {
	ID            health.LinkID // "" while it is not stored
	User          health.UserID
	Connector     string
	DataSource    health.DataSourceID
	Status        health.LinkStatus // as last known; never UNKNOWN
	ConnectedAt   time.Time
	CheckedAt     time.Time // of the last write, see checkedAtPrecision
	LatestDataAt  time.Time // written by NoteData alone
	DataCheckedAt time.Time // likewise
	PendingSince  time.Time // the person came back from the consent page
	RevokedAt     time.Time // we asked the upstream to end it
	LateDataUntil time.Time // data may still arrive until then
	Version       int64     // counts the writes of this row; 0 = not stored yet

	// Of a record that is not stored: when what is known of the person was read, and of whom an erasure's receipt speaks. It is not
	// written if the person was erased since.
	Since   time.Time
	Receipt health.UserID
}

// Known is what is remembered of people's links.
type Known struct {
	UpstreamIDs []UpstreamID
	Links       []LinkRecord
	Grants      []tokens.Record
}

// DataNote is how new the newest data of a person's source is.
type DataNote struct {
	User       health.UserID
	DataSource health.DataSourceID
	Latest     time.Time // zero: there was none
	CheckedAt  time.Time // when the source was asked for whatever is new; zero: it was not, and something was found all the same
}

// Store keeps what must outlive the process. Every method is one statement, however many people it
// concerns, unless it says otherwise.
type Store interface {
	// Known gives all that is remembered of the people's links, in no order.
	Known(ctx context.Context, users []health.UserID) (Known, error)

	UpstreamIDs(ctx context.Context, users []health.UserID) ([]UpstreamID, error)
	// AddUpstreamIDs writes those that are new and leaves those that are there.
	AddUpstreamIDs(ctx context.Context, ids []UpstreamID) error
	// NoteZone writes an id with its TimeZone and ZoneDueAt, of whoever has a stored link at the connector.
	NoteZone(ctx context.Context, id UpstreamID) error

	Links(ctx context.Context, users []health.UserID) ([]LinkRecord, error)
	// LinksByID gives those links that there are, in no order. Their ids are of before ADR 0013: others say themselves whose they are.
	LinksByID(ctx context.Context, ids []health.LinkID) ([]LinkRecord, error)
	// PutLinks writes each record whose row still has the record's Version (or does not exist, for 0), all columns but
	// LatestDataAt and DataCheckedAt, and says which were written. Each event tells of one of the links, and is written with it,
	// both or neither: another process may have written the link, or erased its person. Nothing of whom was erased is written again by
	// what was read before: see LinkRecord.Since. A write that has begun is waited for, whatever becomes of ctx.
	PutLinks(ctx context.Context, records []LinkRecord, events ...health.AccessEvent) ([]health.LinkID, error)
	// NoteData moves DataCheckedAt and LatestDataAt of any people's links forward to what was found, never back.
	NoteData(ctx context.Context, notes []DataNote) error

	// KeptDays gives what is kept of the people's days of the metric, in the zones, in no order.
	KeptDays(ctx context.Context, of KeptDays) ([]KeptDay, error)
	// KeepDays keeps days of any people, in a statement for each few hundred, each person's at a connector if all the data sources named
	// with them are connected. A day that is kept gives way to a higher version, and to the same one or a version 0 that was fetched later.
	KeepDays(ctx context.Context, days []NewDays) error
	// ForgetDays deletes all that is kept of the people's days at the connector.
	ForgetDays(ctx context.Context, connector string, users []health.UserID) error

	// DeletePerson deletes every row of the person and writes the receipt, all or none, and says how many there were.
	DeletePerson(ctx context.Context, user health.UserID, receipt health.AccessEvent) (int, error)

	// AddAccessEvents writes lines of access logs. One whose time and key the person's log has already is left as it is.
	AddAccessEvents(ctx context.Context, events []health.AccessEvent) error
	// AccessEvents gives at most limit lines of the person's log, newest first, from behind before on: its time and key. A
	// zero before begins with the newest.
	AccessEvents(ctx context.Context, user health.UserID, before health.AccessEvent, limit int) ([]health.AccessEvent, error)

	// DataSources gives those that upstreams showed although the catalogue has no entry for them.
	DataSources(ctx context.Context) ([]health.DataSource, error)
	AddDataSources(ctx context.Context, sources []health.DataSource) error

	// Due gives at most limit of the people, in order, whose links are due; byGrant where a grant is the link. CountDue counts
	// them all.
	Due(ctx context.Context, due Due, byGrant bool, limit int) ([]health.UserID, error)
	CountDue(ctx context.Context, due Due, byGrant bool) (int, error)

	// TakeLease takes a lease that is nobody's, has ended, or is the holder's already, until that time; false when it is
	// another's. reached is how far the work has come, by whoever held it last.
	TakeLease(ctx context.Context, name, holder string, until, now time.Time) (reached string, held bool, err error)
	// KeepLease makes a lease that is still the holder's last until that time, and remembers how far the work has come; false
	// when it is another's by now.
	KeepLease(ctx context.Context, name, holder, reached string, until time.Time) (bool, error)

	// LinkKey is the random key, made with the tables, from which link ids are derived.
	LinkKey(ctx context.Context) ([]byte, error)
}
