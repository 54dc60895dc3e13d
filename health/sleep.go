package health

import "time"

// SleepStage is what a stretch of a night was, as a device tells it.
type SleepStage string

// The stages. HealthKit's "core" is the light sleep of other makers (N1 and N2), "deep" is N3.
const (
	StageInBed  SleepStage = "IN_BED" // overlaps the others
	StageAwake  SleepStage = "AWAKE"
	StageAsleep SleepStage = "ASLEEP" // which stage is not told
	StageLight  SleepStage = "LIGHT"
	StageDeep   SleepStage = "DEEP"
	StageREM    SleepStage = "REM"
)

// SleepSpan is a stretch of time in one stage.
type SleepSpan struct {
	Interval
	Stage SleepStage
}

// SleepRecord is what one device recorded of a time of sleep: stretches, or how long each stage took in all. Sessions and single
// stretches are both one: which belong together is for the gateway to say.
type SleepRecord struct {
	Interval
	Device string      // "" where the upstream names none
	Spans  []SleepSpan // in any order, within the interval or not; empty where Times is all that is told
	Times  SleepTimes  // without Latency
}

// SleepTimes is how long the parts of a sleep took, in whole seconds. What is nil is not known; only zero is zero.
type SleepTimes struct {
	Asleep      *Duration // all stages of sleep together
	InBed       *Duration // asleep or not
	Light       *Duration
	Deep        *Duration
	REM         *Duration
	Unspecified *Duration // asleep, in a stage that is not told
	Awake       *Duration // between falling asleep and getting up
	Latency     *Duration // from going to bed to falling asleep
}

// DaySleep is an upstream's own figure for a day.
type DaySleep struct {
	Date        Date
	Figure      *SleepFigure // nil when the upstream has nothing for the day
	DataSources []DataSource // those that the upstream names, in its order
}

// SleepFigure is one upstream's sleep of a day.
type SleepFigure struct {
	SleepTimes
	Bedtime    *time.Time // of the longest session, like WakeTime and Latency
	WakeTime   *time.Time
	Efficiency *int           // percent, as the upstream scores it
	Sessions   []SleepSession // in order; empty where the upstream totals days itself
}

// SleepSession is a night or a nap: what was recorded without a longer break.
type SleepSession struct {
	SleepTimes
	Start, End time.Time // of everything recorded
	Main       bool      // the longest of its day
	Devices    []string  // those that are named, sorted
}

// Sleep is a person's sleep per calendar day.
type Sleep struct {
	From, To       Date
	TimeZone       TimeZone
	TimeZoneOrigin TimeZoneOrigin
	Days           []DailySleep
	Problems       []Problem
	Complete       bool
	FetchedAt      time.Time
}

// DailySleep is the sleep chosen for one calendar day: that from which the person woke up on it.
type DailySleep struct {
	Date        Date
	Asleep      *Duration
	Figure      *SleepFigure
	Presence    Presence
	DataSources []DataSource // of the chosen candidate
	Candidates  []SleepCandidate
}

// SleepCandidate is one upstream's figure for a day.
type SleepCandidate struct {
	Connector   string
	DataSources []DataSource
	Asleep      *Duration
	Figure      *SleepFigure
	Presence    Presence
	Chosen      bool
	Reason      CandidateReason
}
