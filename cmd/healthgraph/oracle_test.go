package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators/onetwentyone"
)

// This file counts steps a second time, as docs/steps.md tells it and as plainly as it can be done, to compare with what the whole
// program answers. It shares no code with the gateway, and takes time that grows with the square of a day's samples.

// historian invents what real phones hold: a phone and a watch that record the same walks, apps that copy them, condensed hours,
// samples within samples, at an instant, across midnight, and twice.
type historian struct {
	random *rand.Rand
	steps  []onetwentyone.Step
}

func (h *historian) add(start time.Time, length time.Duration, value float64, source, product string) {
	start, length = start.Truncate(time.Millisecond), length.Truncate(time.Millisecond) // as they are written on the wire
	if product != "" {                                                                  // the same device is described anew with each sample
		product = fmt.Sprintf("<<HKDevice: 0x28%07x0>, name:%s, manufacturer:Apple Inc., model:%s, hardware:%s, software:%d.%d>",
			h.random.IntN(20), source, product[:5], product, 14+h.random.IntN(3), h.random.IntN(2))
	}
	h.steps = append(h.steps, onetwentyone.Step{
		ID: fmt.Sprintf("sample-%d", len(h.steps)), Start: start, End: start.Add(length), Value: value, Source: source, Product: product,
	})
}

// day invents one day from its noon in UTC; walks is how many there are.
func (h *historian) day(noon time.Time, walks int) {
	within := func(d time.Duration) time.Duration { return time.Duration(h.random.Int64N(int64(d))) }
	for range walks {
		at := noon.Add(-12*time.Hour + within(24*time.Hour)).Truncate(time.Second)
		for range 1 + h.random.IntN(4) {
			length, steps := time.Second+within(10*time.Minute), float64(h.random.IntN(1200))
			h.add(at, length, steps, "Anna’s iPhone", "iPhone15,4")
			if h.random.IntN(3) > 0 { // the watch saw it too, somewhat shifted
				h.add(at.Add(within(2*time.Minute)-time.Minute), length+within(time.Minute), math.Round(steps*(0.7+0.6*h.random.Float64())), "Apple\u00a0Watch von Anna", "Watch7,1")
			}
			if h.random.IntN(8) == 0 { // an app that copies what it reads
				h.add(at, length, steps, "Pedometer++", "iPhone15,4")
			}
			if h.random.IntN(8) == 0 { // within it, by the same device
				h.add(at.Add(length/4), length/2, float64(h.random.IntN(50))+0.25, "Anna’s iPhone", "iPhone15,4")
			}
			at = at.Add(length)
		}
	}
	switch h.random.IntN(5) {
	case 0: // condensed
		h.add(noon.Add(within(6*time.Hour)), 5*time.Hour+within(14*time.Hour), float64(h.random.IntN(9000)), "Old iPhone", "iPhone9,3")
	case 1: // written in by hand, and by two at one instant
		at := noon.Add(within(time.Hour))
		h.add(at, 0, 500, "Health", "")
		h.add(at, 0, 321.5, "Anna’s iPhone", "iPhone15,4")
		h.add(at, 0, 400, "Anna’s iPhone", "iPhone15,4")
	case 2: // nothing was walked, and that was recorded
		h.add(noon, time.Hour, 0, "Health", "")
	case 3: // by two routes
		h.steps = append(h.steps, h.steps[len(h.steps)-1])
	}
}

// oracle is the steps of each day in a zone; a day without a sample is not in it.
func oracle(t *testing.T, steps []onetwentyone.Step, zone string, from, to string) map[string]float64 {
	t.Helper()
	clocks, err := time.LoadLocation(zone)
	require.NoError(t, err)
	begins := func(date string) time.Time { // the first instant that the clocks count to the date or a later one
		noon, err := time.Parse(time.DateOnly, date)
		require.NoError(t, err)
		for at := noon.Add(-15 * time.Hour); ; at = at.Add(time.Minute) {
			if at.In(clocks).Format(time.DateOnly) >= date {
				return at
			}
		}
	}
	recorded := make([]recording, len(steps))
	for i, s := range steps {
		recorded[i] = recording{s, deviceOf(s)}
	}
	days := map[string]float64{}
	for date := from; date <= to; {
		day, _ := time.Parse(time.DateOnly, date)
		next := day.AddDate(0, 0, 1).Format(time.DateOnly)
		if total, has := oracleDay(recorded, begins(date), begins(next)); has {
			days[date] = total
		}
		date = next
	}
	return days
}

var hardware = regexp.MustCompile(`hardware:\w+,\d`)

// deviceOf is what stays the same of a description.
func deviceOf(s onetwentyone.Step) string {
	if which := hardware.FindString(s.Product); which != "" {
		return s.Source + "|" + which
	}
	return s.Source + "|" + s.Product
}

type recording struct {
	onetwentyone.Step
	device string
}

func oracleDay(steps []recording, start, end time.Time) (total float64, has bool) {
	var spans []recording
	instants := map[time.Time]map[string]float64{}
	cuts := []time.Time{start, end}
	for _, s := range steps {
		switch {
		case s.Start.Equal(s.End) && !s.Start.Before(start) && s.Start.Before(end):
			if instants[s.Start] == nil {
				instants[s.Start] = map[string]float64{}
			}
			instants[s.Start][s.device] += s.Value
		case s.Start.Before(end) && s.End.After(start):
			spans = append(spans, s)
			for _, cut := range []time.Time{s.Start, s.End} {
				if cut.After(start) && cut.Before(end) {
					cuts = append(cuts, cut)
				}
			}
		}
	}
	for _, devices := range instants {
		most := 0.0
		for _, value := range devices {
			most = max(most, value)
		}
		total += most
	}
	slices.SortFunc(cuts, time.Time.Compare)
	for i := 1; i < len(cuts); i++ {
		rates, most := map[string]float64{}, 0.0
		for _, s := range spans {
			if s.Start.Before(cuts[i]) && s.End.After(cuts[i-1]) {
				rates[s.device] += s.Value / s.End.Sub(s.Start).Seconds()
				most = max(most, rates[s.device])
			}
		}
		total += most * cuts[i].Sub(cuts[i-1]).Seconds()
	}
	return total, len(spans)+len(instants) > 0
}

// eachOnce leaves out what is told to be the same sample: the same id and start, or without ids start, end, value and device.
func eachOnce(steps []onetwentyone.Step, withIDs bool) []onetwentyone.Step {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(steps), func(s onetwentyone.Step) bool {
		key := fmt.Sprint(s.ID, s.Start)
		if !withIDs {
			key = fmt.Sprint(s.Start, s.End, s.Value, deviceOf(s))
		}
		defer func() { seen[key] = true }()
		return seen[key]
	})
}

// nameless is for an upstream that names no device: each sample is taken for a device of its own.
func nameless(steps []onetwentyone.Step) []onetwentyone.Step {
	alone := slices.Clone(steps)
	for i := range alone {
		alone[i].Source, alone[i].Product = "", fmt.Sprint(i)
	}
	return alone
}

// byProgram is what the program says to the same.
type byProgram struct {
	StepCount struct {
		Complete bool
		Days     []struct {
			Date  string
			Steps *int
		}
		Problems []problem
	}
	QuantityStatistics struct {
		Complete bool
		Periods  []struct {
			From string
			Sum  *float64
		}
	}
}

// agrees compares every day of the range. A day whose total is a half within the precision of a float64 may be rounded either way.
func agrees(t *testing.T, want map[string]float64, got byProgram) {
	t.Helper()
	require.True(t, got.StepCount.Complete && got.QuantityStatistics.Complete)
	require.Empty(t, got.StepCount.Problems)
	wrong := 0
	for i, day := range got.StepCount.Days {
		total, has := want[day.Date]
		period := got.QuantityStatistics.Periods[i]
		told := day.Steps != nil && period.Sum != nil
		ok := period.From == day.Date && (told && has || day.Steps == nil && period.Sum == nil && !has)
		if ok && has {
			ok = math.Abs(float64(*day.Steps)-total) <= 0.5+1e-6 && float64(*day.Steps) == *period.Sum
		}
		if !ok && wrong < 5 {
			assert.Failf(t, "a day differs", "%s: %s steps, %s by the statistics, %v (%v) by hand", day.Date, number(day.Steps), text(period.Sum), total, has)
			wrong++
		}
	}
}

func (w *world) counted(user, zone, from, to string) byProgram {
	w.t.Helper()
	days := fmt.Sprintf(`from: %q, to: %q, timeZone: %q`, from, to, zone)
	var got byProgram
	w.ask(w.token(user), `{ stepCount(`+days+`) { complete days { date steps } problems { code message } }
		quantityStatistics(metric: "stepCount", `+days+`) { complete periods { from sum } } }`, nil).into(&got)
	return got
}

func TestDaysAreWhatACountByHandGivesWhereverTheClocksChange(t *testing.T) {
	for _, c := range []struct{ zone, around string }{
		{"Europe/Paris", "2026-03-29"}, {"Europe/Paris", "2025-10-26"}, {"America/New_York", "2026-03-08"},
		{"Australia/Sydney", "2025-10-05"}, {"Australia/Sydney", "2026-04-05"}, {"Australia/Lord_Howe", "2025-10-05"}, {"Australia/Lord_Howe", "2026-04-05"},
		{"America/Santiago", "2025-09-07"}, {"America/Santiago", "2026-04-05"}, {"Pacific/Apia", "2011-12-30"}, {"America/St_Johns", "2010-11-07"},
		{"Africa/Casablanca", "2026-02-15"}, {"Antarctica/Troll", "2026-03-29"}, {"Asia/Kathmandu", "2026-03-29"}, {"America/Havana", "2026-03-08"},
	} {
		t.Run(c.zone+" "+c.around, func(t *testing.T) {
			t.Parallel()
			around, err := time.Parse(time.DateOnly, c.around)
			require.NoError(t, err)
			h := historian{random: rand.New(rand.NewPCG(1, uint64(around.Unix())))}
			for day := -4; day <= 4; day++ {
				h.day(around.AddDate(0, 0, day).Add(12*time.Hour), 40)
			}
			w := newWorld(t, worldOptions{})
			w.walked(h.steps)
			from, to := around.AddDate(0, 0, -3).Format(time.DateOnly), around.AddDate(0, 0, 3).Format(time.DateOnly)
			agrees(t, oracle(t, eachOnce(h.steps, true), c.zone, from, to), w.counted("w", c.zone, from, to))
		})
	}
}

// However the upstream writes and sorts its samples, each day is what it is by hand, and the pages together are the samples.
func TestDaysAreWhatACountByHandGivesHoweverTheyAreWritten(t *testing.T) {
	begin := time.Date(2025, time.March, 1, 12, 0, 0, 0, time.UTC)
	h := historian{random: rand.New(rand.NewPCG(2, 2))}
	for day := range 75 {
		h.day(begin.AddDate(0, 0, day), 60)
	}
	require.Greater(t, len(h.steps), 12_000, "several pages")
	w := newWorld(t, worldOptions{})
	w.walked(h.steps)
	const zone, from, to = "Europe/Paris", "2025-03-03", "2025-05-12"
	named := oracle(t, eachOnce(h.steps, true), zone, from, to)
	for name, c := range map[string]struct {
		change func(*onetwentyone.Switches)
		want   map[string]float64
	}{
		"as it is":             {func(*onetwentyone.Switches) {}, named},
		"in local times":       {func(s *onetwentyone.Switches) { s.Times = "local" }, named},
		"with offsets":         {func(s *onetwentyone.Switches) { s.Times, s.ItemNames, s.Numbers = "offset", "camel", "string" }, named},
		"whatever overlaps":    {func(s *onetwentyone.Switches) { s.RangeBy, s.EndDate = "overlap", "exclusive" }, named},
		"dates at home":        {func(s *onetwentyone.Switches) { s.PlainDates = "home" }, named},
		"sorted by the end":    {func(s *onetwentyone.Switches) { s.Order = "end" }, named},
		"in no order":          {func(s *onetwentyone.Switches) { s.Order = "id" }, named},
		"without ids":          {func(s *onetwentyone.Switches) { s.ItemIDs = false }, oracle(t, eachOnce(h.steps, false), zone, from, to)},
		"without devices":      {func(s *onetwentyone.Switches) { s.ItemDevices = false }, oracle(t, nameless(eachOnce(h.steps, true)), zone, from, to)},
		"in no order, without": {func(s *onetwentyone.Switches) { s.Order, s.ItemIDs = "id", false }, oracle(t, eachOnce(h.steps, false), zone, from, to)},
	} {
		t.Run(name, func(t *testing.T) {
			w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches(); c.change(s) })
			agrees(t, c.want, w.counted("w", zone, from, to))
		})
	}
	for name, change := range map[string]func(*onetwentyone.Switches){
		"as it is": func(*onetwentyone.Switches) {}, "sorted by the end": func(s *onetwentyone.Switches) { s.Order = "end" }, "in no order": func(s *onetwentyone.Switches) { s.Order = "id" },
	} {
		t.Run("pages "+name, func(t *testing.T) {
			w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches(); change(s) })
			w.pagesAreTheSamples(t, eachOnce(h.steps, true), zone, from, "2025-03-20")
		})
	}
}

// pagesAreTheSamples turns all pages, and compares with the samples that touch the days.
func (w *world) pagesAreTheSamples(t *testing.T, steps []onetwentyone.Step, zone, from, to string) {
	t.Helper()
	clocks, err := time.LoadLocation(zone)
	require.NoError(t, err)
	begin, _ := time.ParseInLocation(time.DateOnly, from, clocks)
	end, _ := time.ParseInLocation(time.DateOnly, to, clocks)
	end = end.AddDate(0, 0, 1)
	line := func(start, end time.Time, value float64) string {
		return fmt.Sprint(start.UnixMilli(), " ", end.UnixMilli(), " ", value)
	}
	var want, got []string
	for _, s := range steps {
		if s.Start.Before(end) && (s.End.After(begin) || s.Start.Equal(begin)) {
			want = append(want, line(s.Start, s.End, s.Value))
		}
	}
	after, previous := "", time.Time{}
	for pages := 0; ; pages++ {
		require.Less(t, pages, 100)
		page := w.samplesOf("w", fmt.Sprintf(`from: %q, to: %q, timeZone: %q`, from, to, zone), fmt.Sprintf(`(first: 997%s)`, after))
		require.True(t, page.Complete)
		for _, s := range page.Nodes {
			require.False(t, s.Start.Before(previous))
			previous = s.Start
			got = append(got, line(s.Start, s.End, s.Value))
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		after = fmt.Sprintf(`, after: %q`, *page.PageInfo.EndCursor)
	}
	slices.SortFunc(want, cmp.Compare[string])
	slices.SortFunc(got, cmp.Compare[string])
	require.Len(t, got, len(want))
	assert.True(t, slices.Equal(want, got))
}

func TestYearsOfDaysAreWhatACountByHandGives(t *testing.T) {
	begin := time.Date(2023, time.April, 10, 12, 0, 0, 0, time.UTC)
	h := historian{random: rand.New(rand.NewPCG(3, 3))}
	for day := range 3 * 365 {
		h.day(begin.AddDate(0, 0, day), 15)
	}
	require.Greater(t, len(h.steps), 60_000)
	w := newWorld(t, worldOptions{})
	w.walked(h.steps)
	for _, zone := range []string{"Europe/Paris", "Australia/Sydney"} {
		for _, year := range []string{"2023", "2024", "2025"} {
			from, to := year+"-04-12", year+"-12-31"
			var near []onetwentyone.Step // a count by hand takes its time
			for _, s := range eachOnce(h.steps, true) {
				if y := s.Start.Year(); fmt.Sprint(y) == year || fmt.Sprint(y-1) == year {
					near = append(near, s)
				}
			}
			agrees(t, oracle(t, near, zone, from, to), w.counted("w", zone, from, to))
		}
	}
}
