package gateway

import (
	"cmp"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// sessionGap is how long nothing may be recorded within one session: somebody who is up for longer and sleeps again has slept twice.
const sessionGap = time.Hour

// recordsOf is the span of the records that the days' sleep is made of, in whatever zone the days are meant: what may end on the
// first day, and what may go on after the last.
func recordsOf(days health.DateRange) health.Interval {
	return health.Interval{
		Start: days.From.Start(health.UTC).Add(-14*time.Hour - connectors.MaxSleepRecord),
		End:   days.To.AddDays(1).Start(health.UTC).Add(12*time.Hour + sessionGap),
	}
}

// nights makes what devices recorded into the sleep of days. This is the one place that decides which day sleep belongs to: a session
// belongs to the day on which the person woke up from it, in the zone. It is how people speak of a night ("how did I sleep?" is asked
// in the morning), and a night is on one day whether they went to bed before midnight or after.
func nights(records []health.SleepRecord, zone health.TimeZone) map[health.Date]health.SleepFigure {
	byDate := map[health.Date][]slept{}
	for _, together := range sessionsOf(records) {
		session := measure(together)
		date := health.DateOf(session.woke, zone)
		byDate[date] = append(byDate[date], session)
	}
	figures := make(map[health.Date]health.SleepFigure, len(byDate))
	for date, sessions := range byDate {
		figures[date] = figureOf(sessions)
	}
	return figures
}

// slept is a session and when the person woke up from it: when its last sleep ended, or when they got up where none was recorded.
type slept struct {
	health.SleepSession
	woke time.Time
}

// figureOf is the sleep of a day: its sessions, and what they add up to.
func figureOf(sessions []slept) health.SleepFigure {
	longest := 0
	for i, session := range sessions {
		if longer(session.SleepTimes, sessions[longest].SleepTimes) > 0 {
			longest = i
		}
	}
	main := sessions[longest]
	figure := health.SleepFigure{Bedtime: &main.Start, WakeTime: &main.woke}
	for i, session := range sessions {
		session.Main = i == longest
		figure.Sessions = append(figure.Sessions, session.SleepSession)
		for _, part := range partsOf(&figure.SleepTimes, &session.SleepTimes) {
			if told := *part.of; told != nil {
				if *part.to == nil {
					*part.to = new(health.Duration)
				}
				**part.to += *told
			}
		}
	}
	figure.Latency = main.Latency
	return figure
}

// longer compares by time asleep, then by time in bed. What is not known is less than any.
func longer(a, b health.SleepTimes) int {
	known := func(d *health.Duration) health.Duration {
		if d == nil {
			return -1
		}
		return *d
	}
	return cmp.Or(cmp.Compare(known(a.Asleep), known(b.Asleep)), cmp.Compare(known(a.InBed), known(b.InBed)))
}

type pair struct{ to, of **health.Duration }

// partsOf are the parts of a sleep that add up over a day.
func partsOf(to, of *health.SleepTimes) []pair {
	return []pair{
		{&to.Asleep, &of.Asleep}, {&to.InBed, &of.InBed}, {&to.Light, &of.Light}, {&to.Deep, &of.Deep},
		{&to.REM, &of.REM}, {&to.Unspecified, &of.Unspecified}, {&to.Awake, &of.Awake},
	}
}

// stretch is time in one stage by one device, in whole seconds.
type stretch struct {
	from, to int64 // Unix time
	stage    health.SleepStage
	device   string
	laid     bool // by laidOut: how long it took is known, when it was is not
}

func newStretch(span health.Interval, stage health.SleepStage, device string) stretch {
	return stretch{from: span.Start.Unix(), to: span.End.Unix(), stage: stage, device: device}
}

// laidOut makes stretches of a session of which no more is told than how long its parts took: they are taken to have been slept
// through to the end of the session, one part after the other, so that other devices' records of the time are not counted on top.
func laidOut(record health.SleepRecord) (all []stretch) {
	times, end := record.Times, record.End.Unix()
	seconds := func(d *health.Duration) int64 {
		if d == nil {
			return 0
		}
		return int64(time.Duration(*d) / time.Second)
	}
	lay := func(until, length int64, stage health.SleepStage) int64 {
		s := stretch{from: until - length, to: until, stage: stage, device: record.Device, laid: true}
		all = append(all, s)
		return s.from
	}
	if times.InBed != nil {
		lay(end, seconds(times.InBed), health.StageInBed)
	}
	if times.Asleep == nil {
		return all
	}
	at := end
	for _, part := range []struct {
		length *health.Duration
		stage  health.SleepStage
	}{{times.Light, health.StageLight}, {times.REM, health.StageREM}, {times.Deep, health.StageDeep}} {
		at = lay(at, seconds(part.length), part.stage)
	}
	at = lay(at, max(0, seconds(times.Asleep)-(end-at)), health.StageAsleep)
	awake := seconds(times.Awake)
	if at == end {
		awake = end - record.Start.Unix() // nobody slept
	}
	lay(at, max(0, min(awake, at-record.Start.Unix())), health.StageAwake)
	return all
}

// sessionsOf finds what belongs together, in order: whatever overlaps, or follows within sessionGap, be it of other devices.
func sessionsOf(records []health.SleepRecord) [][]stretch {
	var all []stretch
	for _, record := range records {
		if len(record.Spans) == 0 {
			all = append(all, laidOut(record)...)
		}
		for _, span := range record.Spans {
			all = append(all, newStretch(span.Interval, span.Stage, record.Device))
		}
	}
	all = slices.DeleteFunc(all, func(s stretch) bool { return s.from >= s.to })
	slices.SortStableFunc(all, func(a, b stretch) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.device, b.device), cmp.Compare(a.stage, b.stage))
	})
	var sessions [][]stretch
	begin, end := 0, int64(0)
	for i, s := range all {
		if i > begin && s.from-end > int64(sessionGap/time.Second) {
			sessions = append(sessions, all[begin:i])
			begin, end = i, 0
		}
		end = max(end, s.to)
	}
	if begin < len(all) {
		sessions = append(sessions, all[begin:])
	}
	return sessions
}

// measure makes one session of what belongs together.
func measure(together []stretch) slept {
	session := slept{SleepSession: health.SleepSession{Start: at(together[0].from), Devices: []string{}}}
	var end int64
	for _, s := range together {
		end = max(end, s.to)
		if s.device != "" && !slices.Contains(session.Devices, s.device) {
			session.Devices = append(session.Devices, s.device)
		}
	}
	slices.Sort(session.Devices)
	session.End = at(end)
	times, woke := slice(together)
	session.SleepTimes, session.woke = times, session.End
	if woke > 0 {
		session.woke = at(woke)
	}
	return session
}

func at(unix int64) time.Time { return time.Unix(unix, 0).UTC() }
