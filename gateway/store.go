package gateway

import (
	"context"
	"time"

	"healthgraph/health"
)

// UpstreamID is the id by which an upstream knows a person, where we give it one. It is made once and never changes.
type UpstreamID struct {
	User      health.UserID
	Connector string
	ID        string
}

// LinkRecord is what is remembered of the link between a person and a data source. Times are zero when not known.
type LinkRecord struct {
	ID            health.LinkID
	User          health.UserID
	Connector     string
	DataSource    health.DataSourceID
	Status        health.LinkStatus // as last known; never UNKNOWN
	ConnectedAt   time.Time
	CheckedAt     time.Time // of the last write, see checkedAtPrecision
	LatestDataAt  time.Time // written by NoteData alone
	PendingSince  time.Time // the person came back from the consent page
	RevokedAt     time.Time // we asked the upstream to end it
	LateDataUntil time.Time // data may still arrive until then
	Version       int64     // counts the writes of this row; 0 = not stored yet
}

// Store keeps what must outlive the process. Every method is one statement, however many people it
// concerns, unless it says otherwise.
type Store interface {
	UpstreamIDs(ctx context.Context, users []health.UserID) ([]UpstreamID, error)
	// AddUpstreamIDs writes those that are new and leaves those that are there.
	AddUpstreamIDs(ctx context.Context, ids []UpstreamID) error

	Links(ctx context.Context, users []health.UserID) ([]LinkRecord, error)
	// LinksByID gives those links that there are, in no order.
	LinksByID(ctx context.Context, ids []health.LinkID) ([]LinkRecord, error)
	// PutLinks writes each record whose row still has the record's Version (or does not exist, for 0), all columns but
	// LatestDataAt, and says how many were written.
	PutLinks(ctx context.Context, records []LinkRecord) (int, error)
	// NoteData moves LatestDataAt of the person's links forward to latest, never back.
	NoteData(ctx context.Context, user health.UserID, sources []health.DataSourceID, latest time.Time) error

	// DeletePerson deletes every row of the person, all or none, and says how many there were.
	DeletePerson(ctx context.Context, user health.UserID) (int, error)

	// DataSources gives those that upstreams showed although the catalogue has no entry for them.
	DataSources(ctx context.Context) ([]health.DataSource, error)
	AddDataSources(ctx context.Context, sources []health.DataSource) error

	// LinkKey is the random key, made with the tables, from which link ids are derived.
	LinkKey(ctx context.Context) ([]byte, error)
}
