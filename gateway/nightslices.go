package gateway

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"healthgraph/health"
)

// stageOrder is which of its stages a device means where it tells two at once.
var stageOrder = []health.SleepStage{health.StageDeep, health.StageREM, health.StageLight}

func isStaged(stage health.SleepStage) bool { return slices.Contains(stageOrder, stage) }

// slice measures the stretches of one session, which are in order of their start, without counting overlaps twice: several devices
// record one night, and being in bed overlaps being asleep. woke is when the last sleep ended, 0 where there is none.
//
// Time is cut at every start and end. A slice is sleep if any device says so; its stage is that of the device that recorded most
// of the session in stages, of those that name one for the slice, and unspecified where none does. It is awake if any device says so
// and none says asleep. Time in bed is all that any device recorded, where one tells of being in bed at all. So sleep is
// never longer than the session, nor shorter than what any one device says. Takes O(n log n) for n stretches.
func slice(stretches []stretch) (times health.SleepTimes, woke int64) {
	sums := nightSums{seconds: map[health.SleepStage]int64{}, told: map[health.SleepStage]bool{}}
	cuts := make([]int64, 0, 2*len(stretches))
	for _, s := range stretches {
		sums.told[s.stage] = true
		sums.laid = sums.laid || s.laid
		cuts = append(cuts, s.from, s.to)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	ending := slices.Clone(stretches)
	slices.SortFunc(ending, func(a, b stretch) int { return cmp.Compare(a.to, b.to) })

	now := underWay{counting: map[health.SleepStage]int{}, staged: stagedHeap{rank: rankDevices(stretches)}}
	next, ended := 0, 0
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		for ; ended < len(ending) && ending[ended].to <= from; ended++ {
			now.counting[ending[ended].stage]--
		}
		for ; next < len(stretches) && stretches[next].from <= from; next++ {
			now.begin(stretches[next])
		}
		if now.counting[health.StageInBed] > 0 && sums.toBed == 0 {
			sums.toBed = from
		}
		sums.add(from, to, now.stage(from))
	}
	return sums.times(), sums.woke
}

// underWay is the stretches at a moment.
type underWay struct {
	counting map[health.SleepStage]int
	staged   stagedHeap
}

func (u *underWay) begin(s stretch) {
	u.counting[s.stage]++
	if isStaged(s.stage) {
		heap.Push(&u.staged, s)
	}
}

// stage is what the slice that begins now is; "" for a short break.
func (u *underWay) stage(now int64) health.SleepStage {
	for len(u.staged.all) > 0 && u.staged.all[0].to <= now {
		heap.Pop(&u.staged)
	}
	if len(u.staged.all) > 0 {
		return u.staged.all[0].stage
	}
	for _, stage := range []health.SleepStage{health.StageAsleep, health.StageAwake, health.StageInBed} {
		if u.counting[stage] > 0 {
			return stage
		}
	}
	return ""
}

// nightSums is what the slices add up to.
type nightSums struct {
	told                              map[health.SleepStage]bool // by any device
	laid                              bool                       // when some of it was is not known
	seconds                           map[health.SleepStage]int64
	recorded, toBed, fellAsleep, woke int64
}

func (n *nightSums) add(from, to int64, stage health.SleepStage) {
	if stage == "" {
		return
	}
	n.recorded += to - from
	n.seconds[stage] += to - from
	if isStaged(stage) || stage == health.StageAsleep {
		n.woke = to
		if n.fellAsleep == 0 {
			n.fellAsleep = from
		}
	}
}

func (n *nightSums) times() health.SleepTimes {
	set := func(known bool, parts ...int64) *health.Duration {
		if !known {
			return nil
		}
		var sum int64
		for _, part := range parts {
			sum += part
		}
		return new(health.Duration(time.Duration(sum) * time.Second))
	}
	light, deep, rem, unspecified := n.seconds[health.StageLight], n.seconds[health.StageDeep], n.seconds[health.StageREM], n.seconds[health.StageAsleep]
	stages := n.told[health.StageLight] || n.told[health.StageDeep] || n.told[health.StageREM]
	asleep := stages || n.told[health.StageAsleep] || n.told[health.StageAwake]
	return health.SleepTimes{
		Asleep: set(asleep, light, deep, rem, unspecified), InBed: set(n.told[health.StageInBed], n.recorded),
		Light: set(stages, light), Deep: set(stages, deep), REM: set(stages, rem), Unspecified: set(asleep, unspecified),
		Awake:   set(stages || n.told[health.StageAwake], n.seconds[health.StageAwake]),
		Latency: set(!n.laid && n.toBed > 0 && n.toBed <= n.fellAsleep, n.fellAsleep-n.toBed),
	}
}

// rankDevices puts the devices in order: first the one that recorded most in stages.
func rankDevices(stretches []stretch) map[string]int {
	staged, until := map[string]int64{}, map[string]int64{}
	var devices []string
	for _, s := range stretches { // in order of their start
		if !isStaged(s.stage) {
			continue
		}
		if _, known := staged[s.device]; !known {
			devices = append(devices, s.device)
		}
		staged[s.device] += max(0, s.to-max(s.from, until[s.device]))
		until[s.device] = max(until[s.device], s.to)
	}
	slices.SortFunc(devices, func(a, b string) int { return cmp.Or(cmp.Compare(staged[b], staged[a]), cmp.Compare(a, b)) })
	rank := make(map[string]int, len(devices))
	for i, device := range devices {
		rank[device] = i
	}
	return rank
}

// stagedHeap is the stretches with a stage that are under way, the one that counts on top. Those that have ended leave when they
// come up.
type stagedHeap struct {
	rank map[string]int
	all  []stretch
}

// The methods of heap.Interface.

func (h *stagedHeap) Len() int { return len(h.all) }
func (h *stagedHeap) Less(i, j int) bool {
	a, b := h.all[i], h.all[j]
	return cmp.Or(cmp.Compare(h.rank[a.device], h.rank[b.device]), cmp.Compare(slices.Index(stageOrder, a.stage), slices.Index(stageOrder, b.stage)), cmp.Compare(b.to, a.to)) < 0
}
func (h *stagedHeap) Swap(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *stagedHeap) Push(x any) {
	h.all = append(h.all, x.(stretch)) //nolint:errcheck,forcetypeassert // this file alone pushes
}
func (h *stagedHeap) Pop() any {
	last := h.all[len(h.all)-1]
	h.all = h.all[:len(h.all)-1]
	return last
}
