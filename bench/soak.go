package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"healthgraph/bench/floor"
	"healthgraph/bench/upstreams"
)

// soakOptions say how long and hard the gateway is tried.
type soakOptions struct {
	healthgraph string
	long        time.Duration
	share       float64 // of the capacity that is measured first
	people      int     // a multiple of ten
	database    string  // postgres://… of an empty database; "" = a new SQLite file
	redis       string  // redis://…; "" = none
	environment []string
	out         io.Writer

	quantile float64       // of the healthy upstream's times that are compared,
	factor   float64       // and how much longer it may be while the other fails,
	grace    time.Duration // and so much besides
	shed     float64       // share of the operations that may be turned away,
	lost     float64       // and of those of the healthy upstream that may be answered without its figures
}

// standard is what make soak does.
var standard = soakOptions{
	healthgraph: "bin/healthgraph", long: 10 * time.Minute, share: 0.7, people: 300, out: os.Stdout,
	quantile: 0.99, factor: 2, grace: 10 * time.Millisecond, shed: 0.001, lost: 0.001,
}

// soak is one under way.
type soak struct {
	*bench

	options  soakOptions
	people   []floor.Person
	asked    []asked
	lines    []*line
	next     int
	client   *http.Client
	underWay []*sync.WaitGroup
}

// phase is a part of it, in which OneTwentyOne fails in one way or is well.
type phase struct {
	fault string
	units int // of time
	after readings
	tally tally
}

// phases are cycles of all faults, each followed by a calm.
func phases(long time.Duration) (list []*phase, unit time.Duration) {
	cycles := max(1, int(long/(80*time.Second)))
	units := 0
	add := func(fault string, n int) {
		list, units = append(list, &phase{fault: fault, units: n}), units+n
	}
	for range cycles {
		add(upstreams.FaultNone, 2)
		add(upstreams.FaultErrors, 1)
		add(upstreams.FaultNone, 1)
		add(upstreams.FaultHang, 2)
		add(upstreams.FaultNone, 1)
		add(upstreams.FaultResets, 1)
	}
	add(upstreams.FaultNone, 2)
	return list, long / time.Duration(units)
}

// gateways is the gateway's environment.
func (o soakOptions) gateways() []string {
	environment := []string{"HEALTHGRAPH_KEEP_DAYS=off", "HEALTHGRAPH_STREAMS_LIFETIME=24h"}
	if o.redis == "" {
		// Nothing is remembered: each answer has to be asked for, or nobody would notice that an upstream fails.
		environment = append(environment, "HEALTHGRAPH_CACHE_BYTES=0")
	} else {
		// What is shared in it is remembered for so short a time that it is noticed all the same: a person's answers stand for the
		// service that asks about them next, and for nothing that comes after everybody else's, or the rate would decide what is asked.
		environment = append(environment, "HEALTHGRAPH_REDIS_URL="+o.redis, "HEALTHGRAPH_CACHE_LINKS=100ms", "HEALTHGRAPH_CACHE_RECENT=100ms", "HEALTHGRAPH_CACHE_PAST=100ms")
	}
	return append(environment, o.environment...)
}

// pools is how many connections the gateway may keep to the database and the Redis.
func (o soakOptions) pools() (n int) {
	if o.database != "" {
		n += 10 // HEALTHGRAPH_DATABASE_MAX_CONNS
	}
	if o.redis != "" {
		n += 2 * 10 * runtime.GOMAXPROCS(0) // limits and answers, as many as the library has
	}
	return n
}

// runSoak tries the gateway. Its error says what grew, what was wrong and what was too slow.
func runSoak(ctx context.Context, o soakOptions) (err error) {
	s := &soak{options: o, bench: &bench{
		options: options{healthgraph: o.healthgraph, database: o.database, environment: o.gateways(), speak: plainHTTP},
		newest:  time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1),
	}, client: newClient(mostOutstanding)}
	if s.directory, err = os.MkdirTemp("", "healthgraph-soak-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.directory)) }()
	if s.issuer, err = newIssuer(); err != nil {
		return err
	}
	if s.profiling, err = freeAddress(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := s.startUpstreams(ctx, self); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.upstreams.stop()) }()
	if err := s.install(ctx); err != nil {
		return err
	}
	s.populate()
	if err := s.importGrants(ctx, o.healthgraph, workload{name: "soak"}, s.people); err != nil {
		return err
	}
	if s.gateway, _, err = s.startGateway(ctx, o.healthgraph); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.gateway.stop()) }()
	if s.asked, err = s.questions(); err != nil {
		return err
	}
	return s.run(ctx)
}

// populate makes the people: all have linked Garmin and OneTwentyOne, and other sources as their ids have it.
func (s *soak) populate() {
	for n := 0; len(s.people) < s.options.people; n++ {
		p := floor.Person{ID: fmt.Sprintf("mixed-soak-%06d", n), Account: fmt.Sprintf("%08x-0000-4000-8000-%011d0", 0x50a4, n)}
		if upstreams.HasLinked(p.ID, "Garmin") {
			s.people = append(s.people, p)
		}
	}
}

func (s *soak) run(ctx context.Context) error {
	o := s.options
	// Everybody twice, so that everything is linked, known and remembered that is going to be.
	var warm tally
	for range 2 {
		for _, q := range s.asked {
			s.ask(ctx, q, time.Now(), &warm)
		}
	}
	if err := s.openLines(ctx); err != nil {
		return err
	}
	capacity := s.closed(ctx, 16, max(o.long/40, time.Second), &warm)
	if err := errors.Join(s.closeLines(), warm.verdict("before")); err != nil {
		return err
	}
	// One reading under no load, when everything that is going to stay is there.
	var last readings
	baseline, err := s.settle(ctx, 20*time.Second, func(r readings) bool {
		still := r.goroutines == last.goroutines && r.sockets == last.sockets
		last = r
		return still
	})
	if err != nil {
		return err
	}
	baseline.pools = o.pools()
	rate := capacity * o.share
	_, _ = fmt.Fprintf(o.out, "capacity: %.0f operations a second of %d clients; soaked at %.0f for %s\nbaseline: %s\n", capacity, 16, rate, o.long, baseline)
	if err := s.openLines(ctx); err != nil {
		return err
	}
	list, unit := phases(o.long)
	for _, p := range list {
		if err := s.upstream(ctx, http.MethodPut, "/bench/fault?kind="+p.fault); err != nil {
			return err
		}
		s.open(ctx, rate, time.Duration(p.units)*unit, &p.tally)
		if p.after, err = s.read(ctx, false); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(o.out, "%-7s %s\n", p.fault, p.after)
	}
	for _, all := range s.underWay {
		all.Wait()
	}
	verdict := errors.Join(s.judge(list), s.recovered(ctx), s.heard(ctx), s.closeLines())
	after, err := s.settle(ctx, 45*time.Second, func(r readings) bool { return len(r.grown(baseline)) == 0 })
	if err != nil {
		return errors.Join(verdict, err)
	}
	_, _ = fmt.Fprintf(o.out, "after:    %s\n", after)
	return errors.Join(verdict, grownError(after.grown(baseline)))
}

func grownError(list []string) error {
	if len(list) == 0 {
		return nil
	}
	return errors.New("it did not settle:\n" + strings.Join(list, "\n"))
}

// recovered asks everybody once more: nothing may be left of the failures.
func (s *soak) recovered(ctx context.Context) error {
	var t tally
	for _, q := range s.asked {
		s.ask(ctx, q, time.Now(), &t)
	}
	if err := t.verdict("afterwards"); err != nil {
		return err
	}
	for k := range kinds {
		if t.missing[k]+t.shed[k] > 0 {
			return fmt.Errorf("afterwards %d answers of %s had no figures", t.missing[k]+t.shed[k], k)
		}
	}
	return nil
}

// verdict says what was wrong.
func (t *tally) verdict(when string) error {
	if len(t.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d answers were wrong, such as\n%s", when, len(t.wrong), strings.Join(t.wrong[:min(len(t.wrong), 3)], "\n"))
}

func (s *soak) upstream(ctx context.Context, method, path string) error {
	r := request{method: method, url: s.upstreams.url + path}
	return r.send(ctx, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, &bytes.Buffer{})
}
