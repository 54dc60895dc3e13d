package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

// tick is what all stretches of these tests begin and end on.
const tick = 10 * time.Minute

var (
	aMidnight = time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC) // in Paris, whose clocks change in that night
	allStages = []health.SleepStage{health.StageInBed, health.StageAwake, health.StageAsleep, health.StageLight, health.StageDeep, health.StageREM}
)

// someRecords draws stretches of three devices over three days: many overlap, some stand in one record.
func someRecords(withTotals bool) *rapid.Generator[[]health.SleepRecord] {
	span := rapid.Custom(func(t *rapid.T) health.SleepSpan {
		from := rapid.IntRange(0, 3*144).Draw(t, "from")
		ticks := rapid.IntRange(0, 30).Draw(t, "ticks")
		start := aMidnight.Add(time.Duration(from) * tick)
		return health.SleepSpan{Interval: health.Interval{Start: start, End: start.Add(time.Duration(ticks) * tick)}, Stage: rapid.SampledFrom(allStages).Draw(t, "stage")}
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) health.SleepRecord {
		record := health.SleepRecord{Device: rapid.SampledFrom([]string{"", "phone", "watch"}).Draw(t, "device")}
		first := span.Draw(t, "span")
		record.Interval = first.Interval
		if withTotals && rapid.Bool().Draw(t, "totals") {
			asleep := rapid.IntRange(0, int(first.End.Sub(first.Start)/time.Second)).Draw(t, "asleep")
			record.Times.Asleep = new(health.Duration(time.Duration(asleep) * time.Second))
			return record
		}
		record.Spans = append(rapid.SliceOfN(span, 0, 4).Draw(t, "more"), first)
		return record
	}), 0, 12)
}

// minuteByMinute is what every tick of the spans is, by the rule, looked at by itself: slow, and too simple to be wrong. It gives the
// time of each stage in all, and of all sessions together.
func minuteByMinute(records []health.SleepRecord) (sums map[health.SleepStage]time.Duration) {
	type claim struct {
		device string
		stage  health.SleepStage
	}
	claims := map[int]map[claim]bool{}
	for _, record := range records {
		for _, span := range record.Spans {
			for at := span.Start; at.Before(span.End); at = at.Add(tick) {
				i := int(at.Sub(aMidnight) / tick)
				if claims[i] == nil {
					claims[i] = map[claim]bool{}
				}
				claims[i][claim{record.Device, span.Stage}] = true
			}
		}
	}
	sums = map[health.SleepStage]time.Duration{}
	const last = 600
	for begin := 0; begin < last; begin++ {
		if claims[begin] == nil {
			continue
		}
		end, silent := begin, 0 // one after the session's last tick
		for i := begin; i < last && silent <= int(sessionGap/tick); i++ {
			silent++
			if claims[i] != nil {
				silent, end = 0, i+1
			}
		}
		ranks := map[string]int{}
		for i := begin; i < end; i++ {
			for _, device := range []string{"", "phone", "watch"} {
				if claims[i][claim{device, health.StageDeep}] || claims[i][claim{device, health.StageREM}] || claims[i][claim{device, health.StageLight}] {
					ranks[device]++
				}
			}
		}
		devices := []string{"", "phone", "watch"}
		slices.SortStableFunc(devices, func(a, b string) int { return ranks[b] - ranks[a] })
		for i := begin; i < end; i++ {
			stage := health.SleepStage("")
			for _, class := range []health.SleepStage{health.StageInBed, health.StageAwake, health.StageAsleep} {
				for _, device := range devices {
					if claims[i][claim{device, class}] {
						stage = class
					}
				}
			}
			for _, device := range slices.Backward(devices) {
				for _, class := range []health.SleepStage{health.StageLight, health.StageREM, health.StageDeep} {
					if claims[i][claim{device, class}] {
						stage = class
					}
				}
			}
			sums[stage] += tick
		}
		begin = end
	}
	return sums
}

// totalOf adds up what the sessions of all days say.
func totalOf(figures map[health.Date]health.SleepFigure, of func(health.SleepTimes) *health.Duration) (sum time.Duration) {
	for _, figure := range figures {
		if part := of(figure.SleepTimes); part != nil {
			sum += time.Duration(*part)
		}
	}
	return sum
}

func TestNightsAreWhatEachMinuteIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := someRecords(false).Draw(t, "records")
		want := minuteByMinute(records)
		got := nights(records, inZone(t, "Europe/Paris"))
		for stage, of := range map[health.SleepStage]func(health.SleepTimes) *health.Duration{
			health.StageLight:  func(s health.SleepTimes) *health.Duration { return s.Light },
			health.StageDeep:   func(s health.SleepTimes) *health.Duration { return s.Deep },
			health.StageREM:    func(s health.SleepTimes) *health.Duration { return s.REM },
			health.StageAsleep: func(s health.SleepTimes) *health.Duration { return s.Unspecified },
			health.StageAwake:  func(s health.SleepTimes) *health.Duration { return s.Awake },
		} {
			require.Equal(t, want[stage], totalOf(got, of), stage)
		}
	})
}

func TestSleepIsNeverLongerThanItsSessionNorShorterThanOneDevicesOwn(t *testing.T) {
	paris := func(t *rapid.T) health.TimeZone { return inZone(t, "Europe/Paris") }
	rapid.Check(t, func(t *rapid.T) {
		records := someRecords(true).Draw(t, "records")
		figures := nights(records, paris(t))
		var sessions []health.SleepSession
		for date, figure := range figures {
			mains := 0
			for _, session := range figure.Sessions {
				sessions = append(sessions, session)
				if session.Main {
					mains++
				}
				if session.Asleep != nil {
					require.LessOrEqual(t, time.Duration(*session.Asleep), session.End.Sub(session.Start), date)
				}
				if session.Asleep != nil && session.Awake != nil {
					require.LessOrEqual(t, time.Duration(*session.Asleep+*session.Awake), session.End.Sub(session.Start), date)
				}
				if session.Asleep != nil && session.InBed != nil {
					require.LessOrEqual(t, *session.Asleep, *session.InBed, date)
				}
			}
			require.Equal(t, 1, mains)
			require.Equal(t, date, health.DateOf(*figure.WakeTime, paris(t)), "the day on which they woke up")
		}
		slices.SortFunc(sessions, func(a, b health.SleepSession) int { return a.Start.Compare(b.Start) })
		for i, session := range sessions {
			if i > 0 {
				require.Greater(t, session.Start.Sub(sessions[i-1].End), sessionGap, "what belongs together is one session")
			}
			for _, device := range []string{"", "phone", "watch"} {
				own := within(records, device, session)
				alone := totalOf(nights(own, paris(t)), func(s health.SleepTimes) *health.Duration { return s.Asleep })
				if alone > 0 {
					require.NotNil(t, session.Asleep)
					require.GreaterOrEqual(t, time.Duration(*session.Asleep), alone, device)
				}
			}
		}
	})
}

// within is what one device recorded of a session.
func within(records []health.SleepRecord, device string, session health.SleepSession) (own []health.SleepRecord) {
	inside := func(i health.Interval) bool { return !i.Start.Before(session.Start) && !i.End.After(session.End) }
	for _, record := range records {
		switch {
		case record.Device != device:
		case len(record.Spans) == 0 && inside(record.Interval):
			own = append(own, record)
		}
		for _, span := range record.Spans {
			if record.Device == device && inside(span.Interval) {
				own = append(own, health.SleepRecord{Device: device, Spans: []health.SleepSpan{span}})
			}
		}
	}
	return own
}

func TestNightsDependNeitherOnOrderNorOnWhatStandsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := someRecords(true).Draw(t, "records")
		zone := inZone(t, "Europe/Paris")
		want := nights(records, zone)
		require.Equal(t, want, nights(rapid.Permutation(records).Draw(t, "shuffled"), zone))
		require.Equal(t, want, nights(append(slices.Clone(records), records...), zone), "a page that came twice")
	})
}

// night draws a timeline: one letter for half an hour from ten in the evening on, in Paris, where "." is nothing.
func night(device, timeline string) health.SleepRecord {
	letters := map[rune]health.SleepStage{'b': health.StageInBed, 'w': health.StageAwake, 's': health.StageAsleep, 'l': health.StageLight, 'd': health.StageDeep, 'r': health.StageREM}
	record := health.SleepRecord{Device: device}
	for i, letter := range timeline {
		if stage, is := letters[letter]; is {
			start := aMidnight.Add(-2*time.Hour + time.Duration(i)*30*time.Minute)
			record.Spans = append(record.Spans, health.SleepSpan{Interval: health.Interval{Start: start, End: start.Add(30 * time.Minute)}, Stage: stage})
		}
	}
	return record
}

// spelledTimes writes what is known, in half hours.
func spelledTimes(s health.SleepTimes) string {
	var b strings.Builder
	for _, part := range []struct {
		letter string
		told   *health.Duration
	}{{"asleep", s.Asleep}, {"bed", s.InBed}, {"l", s.Light}, {"d", s.Deep}, {"r", s.REM}, {"s", s.Unspecified}, {"w", s.Awake}, {"latency", s.Latency}} {
		if part.told != nil {
			b.WriteString(part.letter + strings.TrimPrefix(part.told.String(), "PT") + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

func TestNights(t *testing.T) {
	paris := inZone(t, "Europe/Paris")
	for name, c := range map[string]struct {
		records []health.SleepRecord
		want    map[string]string
	}{
		"stages": {[]health.SleepRecord{night("watch", "..lldrwl")}, map[string]string{"2026-03-29": "asleep2H30M l1H30M d30M r30M s0S w30M"}},
		"time in bed alone is no sleep, and not zero": {[]health.SleepRecord{night("phone", "bbbb")}, map[string]string{"2026-03-29": "bed2H"}},
		"awake all night is zero":                     {[]health.SleepRecord{night("watch", "wwww")}, map[string]string{"2026-03-29": "asleep0S s0S w2H"}},
		"in bed overlaps sleep": {[]health.SleepRecord{night("phone", "bbbbbb"), night("watch", "..ld")},
			map[string]string{"2026-03-29": "asleep1H bed3H l30M d30M r0S s0S w0S latency1H"}},
		"two apps write one night": {[]health.SleepRecord{night("watch", "lldd"), night("ring", "lldd")}, map[string]string{"2026-03-29": "asleep2H l1H d1H r0S s0S w0S"}},
		"the device with most stages decides which": {[]health.SleepRecord{night("watch", "lldd"), night("ring", ".rr")},
			map[string]string{"2026-03-29": "asleep2H l1H d1H r0S s0S w0S"}},
		"who says asleep is believed, the other knows the stage": {[]health.SleepRecord{night("phone", "sssssss"), night("watch", ".ldw")},
			map[string]string{"2026-03-29": "asleep3H30M l30M d30M r0S s2H30M w0S"}},
		"nothing was told of being awake":         {[]health.SleepRecord{night("phone", "ss")}, map[string]string{"2026-03-28": "asleep1H s1H"}},
		"before midnight is the evening's day":    {[]health.SleepRecord{night("watch", "llll")}, map[string]string{"2026-03-29": "asleep2H l2H d0S r0S s0S w0S"}},
		"up for an hour, and on":                  {[]health.SleepRecord{night("phone", "ss..ss")}, map[string]string{"2026-03-29": "asleep2H s2H"}},
		"up for longer is twice":                  {[]health.SleepRecord{night("phone", "ss...ss")}, map[string]string{"2026-03-28": "asleep1H s1H", "2026-03-29": "asleep1H s1H"}},
		"awake after it is the night's still":     {[]health.SleepRecord{night("watch", "sssww")}, map[string]string{"2026-03-28": "asleep1H30M s1H30M w1H"}},
		"totals":                                  {[]health.SleepRecord{totals("watch", 3*time.Hour, 2*time.Hour)}, map[string]string{"2026-03-29": "asleep2H s2H"}},
		"totals twice are once":                   {[]health.SleepRecord{totals("watch", 3*time.Hour, 2*time.Hour), totals("watch", 3*time.Hour, 2*time.Hour)}, map[string]string{"2026-03-29": "asleep2H s2H"}},
		"totals are taken to be slept to the end": {[]health.SleepRecord{totals("watch", 3*time.Hour, 2*time.Hour), night("ring", "lldd.ll")}, map[string]string{"2026-03-29": "asleep3H30M l2H d1H r0S s30M w0S"}},
		"totals of nobody who slept":              {[]health.SleepRecord{totals("watch", 3*time.Hour, 0)}, map[string]string{"2026-03-29": "asleep0S s0S w3H"}},
		"when of totals is not known":             {[]health.SleepRecord{inBed(totals("watch", 3*time.Hour, 2*time.Hour), 3*time.Hour)}, map[string]string{"2026-03-29": "asleep2H bed3H s2H"}},
		"nothing":                                 {nil, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for date, figure := range nights(c.records, paris) {
				got[date.String()] = spelledTimes(figure.SleepTimes)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func totals(device string, lasts, asleep time.Duration) health.SleepRecord {
	return health.SleepRecord{Device: device, Interval: health.Interval{Start: aMidnight.Add(-2 * time.Hour), End: aMidnight.Add(lasts - 2*time.Hour)}, Times: health.SleepTimes{Asleep: new(health.Duration(asleep))}}
}

func inBed(record health.SleepRecord, lasts time.Duration) health.SleepRecord {
	record.Times.InBed = new(health.Duration(lasts))
	return record
}

func TestANapIsShownBesideTheNight(t *testing.T) {
	nap := night("watch", "l")
	for i := range nap.Spans {
		nap.Spans[i].Start, nap.Spans[i].End = nap.Spans[i].Start.Add(15*time.Hour), nap.Spans[i].End.Add(15*time.Hour)
	}
	figure := nights([]health.SleepRecord{night("phone", "bbbbbbbb"), night("watch", ".lllldd"), nap}, inZone(t, "Europe/Paris"))[days(t, "2026-03-29", "2026-03-29").From]
	require.Len(t, figure.Sessions, 2)
	require.Equal(t, []bool{true, false}, []bool{figure.Sessions[0].Main, figure.Sessions[1].Main})
	require.Equal(t, []string{"phone", "watch"}, figure.Sessions[0].Devices)
	require.Equal(t, "asleep3H30M bed4H l2H30M d1H r0S s0S w0S latency30M", spelledTimes(figure.SleepTimes), "the day's sleep has the nap in it")
	require.Equal(t, aMidnight.Add(-2*time.Hour), *figure.Bedtime)
	require.Equal(t, aMidnight.Add(90*time.Minute), *figure.WakeTime, "of the night, when sleep ended")
}
