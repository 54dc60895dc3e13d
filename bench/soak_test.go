package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/bench/floor"
	"healthgraph/bench/upstreams"
)

// The 20-second form of make soak. Deadlines are short, so that every fault comes to its end in two seconds. What it says of times is
// coarse, as other tests run beside it and a phase is two seconds long: half of the answers about the upstream that is well must come
// long before the deadline of one that hangs.
func TestSoak(t *testing.T) {
	program := build(t)
	o := standard
	o.healthgraph, o.long, o.people, o.out = program, 20*time.Second, 100, t.Output()
	o.environment = []string{"HEALTHGRAPH_UPSTREAM_TIMEOUT=3s", "HEALTHGRAPH_UPSTREAM_BREAK_FOR=500ms"}
	o.quantile, o.factor, o.grace, o.shed, o.lost = 0.5, 5, 1500*time.Millisecond, 0.5, 0.5
	require.NoError(t, runSoak(t.Context(), o))
}

func person() floor.Person {
	return floor.Person{ID: "mixed-soak-000001", Account: "000050a4-0000-4000-8000-000000000010"}
}

// Each way in which an answer can be wrong is seen.
func TestCheckSeesWhatIsWrong(t *testing.T) {
	newest := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	p := person()
	var days []string
	for i := range soakDays {
		day := newest.AddDate(0, 0, i+1-soakDays)
		steps := upstreams.OneTwentyOneSteps(p.Account, newest, day)
		days = append(days, `{"date":"`+day.Format(time.DateOnly)+`","candidates":[{"connector":"onetwentyone","steps":`+strconv.Itoa(steps)+`}]}`)
	}
	good := `{"data":{"viewer":{"id":"` + p.ID + `"},"connections":[{"dataSource":{"id":"onetwentyone"},"status":"CONNECTED"}],` +
		`"stepCount":{"complete":true,"days":[` + strings.Join(days, ",") + `],"problems":[]}}}`
	ask := func(answer string) (bool, error) {
		return check(asksFailing, []floor.Person{p}, newest, []byte(answer))
	}
	whole, err := ask(good)
	require.NoError(t, err)
	assert.True(t, whole)

	steps := strconv.Itoa(upstreams.OneTwentyOneSteps(p.Account, newest, newest))
	honest := strings.NewReplacer(`"steps":`+steps, `"steps":null`, `"complete":true`, `"complete":false`, `"problems":[]`, `"problems":[{"code":"UPSTREAM_UNAVAILABLE"}]`)
	whole, err = ask(honest.Replace(good))
	require.NoError(t, err)
	assert.False(t, whole)

	for what, wrong := range map[string]string{
		"another person":       strings.Replace(good, p.ID, "mixed-soak-000002", 1),
		"another figure":       strings.Replace(good, `"steps":`+steps, `"steps":1`, 1),
		"a day too few":        strings.Replace(good, days[0]+",", "", 1),
		"another day":          strings.Replace(good, "2026-03-01", "2026-02-01", 1),
		"another connector":    strings.Replace(good, `"connector":"onetwentyone"`, `"connector":"rook"`, 1),
		"a link that is lost":  strings.Replace(good, "CONNECTED", "NOT_CONNECTED", 1),
		"a gap that is hidden": strings.Replace(good, `"steps":`+steps, `"steps":null`, 1),
		"an error":             strings.Replace(good, `{"data"`, `{"errors":[{}],"data"`, 1),
		"no JSON":              "<html>",
	} {
		_, err := ask(wrong)
		assert.Error(t, err, what)
	}
}

func TestWhatGrew(t *testing.T) {
	before := readings{goroutines: 20, sockets: 3, files: 5, heap: 5, stacks: map[string]int{"a.b": 19, "runtime.main": 1}}
	assert.Empty(t, before.grown(before))
	after := readings{goroutines: 120, sockets: 50, files: 20, heap: 50, stacks: map[string]int{"a.b": 19, "c.leaks < d.e": 100, "runtime.main": 1}}
	list := strings.Join(after.grown(before), "\n")
	for _, told := range []string{"goroutines: 120, before 20", "100 more in c.leaks < d.e", "sockets: 50, before 3", "other open files: 20, before 5", "heap: 50.0 MiB, before 5.0"} {
		assert.Contains(t, list, told)
	}
	assert.NotContains(t, list, "a.b")
	before.pools = 50
	assert.NotContains(t, strings.Join(after.grown(before), "\n"), "sockets", "which pools may keep")
	assert.Equal(t, map[string]int{"sync.wait < main.f": 3, "main.main": 1}, stacks([]byte("goroutine profile: total 4\n3 @ 0x1 0x2\n#\t0x1\tsync.wait+0x1\t/x.go:1\n#\t0x2\tmain.f+0x20\t/y.go:2\n\n1 @ 0x3\n# labels: {\"a\":\"b\"}\n#\t0x3\tmain.main+0x1\t/z.go:1\n")))
}
