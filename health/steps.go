package health

import "time"

// DayTotal is an upstream's own figure for a day. Steps is nil when the upstream has nothing for the day.
type DayTotal struct {
	Date        Date
	Steps       *int
	DataSources []DataSource // those that the upstream names, in its order
}

// Presence says what a day's figure is, or why there is none.
type Presence string

// The cases of presence.
const (
	PresenceValue        Presence = "VALUE"
	PresenceZero         Presence = "ZERO"          // zero was recorded
	PresencePartialDay   Presence = "PARTIAL_DAY"   // today: the figure will still grow
	PresenceNoData       Presence = "NO_DATA"       // nothing that day, although later data exists
	PresenceNotSynced    Presence = "NOT_SYNCED"    // nothing that day or later yet
	PresenceNoPermission Presence = "NO_PERMISSION" // the upstream says that the person did not grant it
	PresenceNotConnected Presence = "NOT_CONNECTED"
	PresenceUnavailable  Presence = "UNAVAILABLE" // could not be read
)

// TimeZoneOrigin says where a time zone came from.
type TimeZoneOrigin string

// The origins of a time zone.
const (
	ZoneFromArgument TimeZoneOrigin = "ARGUMENT"
	ZoneFromProfile  TimeZoneOrigin = "PROFILE" // the person's zone, as an upstream knows it
	ZoneDefault      TimeZoneOrigin = "DEFAULT" // UTC, because nothing better is known
)

// StepCount is a person's steps per calendar day.
type StepCount struct {
	Total          *int // sum of the days that have a figure; nil when none has
	From, To       Date
	TimeZone       TimeZone
	TimeZoneOrigin TimeZoneOrigin
	Days           []DailySteps
	Problems       []Problem
	Complete       bool
	FetchedAt      time.Time

	// What the samples behind the count are read with: whose they are, and the sources that were let through (nil = all).
	User        UserID
	DataSources []string
}

// DailySteps is the figure chosen for one calendar day.
type DailySteps struct {
	Date        Date
	Steps       *int
	Presence    Presence
	DataSources []DataSource // of the chosen candidate
	Candidates  []StepCandidate
}

// StepCandidate is one upstream's figure for a day.
type StepCandidate struct {
	Connector     string
	ConnectorName string // as people know it
	DataSources   []DataSource
	Steps         *int
	Presence      Presence
	Chosen        bool
	Reason        CandidateReason
	Devices       []DeviceSteps // what counted most first; empty where the upstream totals days itself
}

// DeviceSteps is what one device had to do with a day's figure.
type DeviceSteps struct {
	Name     *string // nil for all that name none
	Recorded int
	Counted  int // the rest was recorded by another device at the same time
}
