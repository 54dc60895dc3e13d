package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"time"
)

// options say what is measured.
type options struct {
	healthgraph string // the program
	against     string // another build, in place of the floor; "" for the floor
	database    string
	rounds      int
	scale       float64
	workloads   []workload
	profiles    string
	environment []string      // of the gateway, besides
	speak       string        // how the upstreams do
	settle      time.Duration // after its start a gateway is idle
	out         io.Writer
}

// bench is a measurement under way.
type bench struct {
	options   options
	directory string // for what the gateway keeps
	newest    time.Time
	issuer    *issuer
	profiling string       // address of the gateway's profiles; "" for none
	trusting  []string     // environment of who asks the upstreams
	control   *http.Client // asks them what is not measured

	upstreams, floor, gateway *process
}

// measurement is what came of one round of one side.
type measurement struct {
	cpu      float64 // seconds of the process for 1,000 requests
	rate     float64 // requests a second
	p50, p99 float64 // milliseconds
	peak     float64 // MiB resident
	calls    float64 // upstream calls for one request
}

// measured is everything.
type measured struct {
	rounds         int
	baseline       string    // what the floor is called: it may be another build
	startUp        []float64 // ms until the gateway answered, each start
	idle           []float64 // MiB resident, each start
	workloads      []workload
	floor, gateway map[string][]measurement // by workload, each round
	sqlite         bool
}

func measure(ctx context.Context, o options) (m measured, err error) {
	b := &bench{options: o, newest: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}
	if b.directory, err = os.MkdirTemp("", "healthgraph-bench-"); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.directory)) }()
	if b.issuer, err = newIssuer(); err != nil {
		return m, err
	}
	if o.profiles != "" {
		if b.profiling, err = freeAddress(ctx); err != nil {
			return m, err
		}
		if err := os.MkdirAll(o.profiles, 0o700); err != nil {
			return m, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	if err := b.startUpstreams(ctx, self); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, b.upstreams.stop()) }()
	if err := b.install(ctx); err != nil {
		return m, err
	}
	m = measured{rounds: o.rounds, workloads: o.workloads, baseline: "floor", floor: map[string][]measurement{}, gateway: map[string][]measurement{}, sqlite: o.database == ""}
	if o.against != "" {
		m.baseline = "before"
	}
	for _, w := range o.workloads {
		if err := b.workload(ctx, self, w, &m); err != nil {
			return m, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return m, nil
}

// workload measures one by fresh processes of both sides.
func (b *bench) workload(ctx context.Context, self string, w workload, m *measured) (err error) {
	requests := max(int(float64(w.requests)*b.options.scale), 1)
	warmUp := max(requests/4, 1)
	rounds := b.options.rounds
	if b.options.profiles != "" {
		rounds += profileRounds
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", w.name, w.title)
	if err := b.reset(ctx, 0); err != nil {
		return err
	}
	for _, program := range b.programs() {
		if err := b.introduce(ctx, program, w, warmUp+rounds*requests); err != nil {
			return err
		}
	}
	if b.options.against != "" {
		b.floor, _, err = b.startGateway(ctx, b.options.against)
	} else {
		b.floor, err = start(ctx, false, wholeLine, b.trusting, self, roleFloor, b.upstreams.url)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.floor.stop()) }()
	var startUp time.Duration
	if b.gateway, startUp, err = b.startGateway(ctx, b.options.healthgraph); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.gateway.stop()) }()
	m.startUp = append(m.startUp, float64(startUp.Microseconds())/1000)
	time.Sleep(b.options.settle)
	if idle, err := b.gateway.memory("VmRSS"); err == nil {
		m.idle = append(m.idle, idle)
	}

	client := newClient(w.clients)
	round, err := b.requests(w, 0, warmUp)
	if err != nil {
		return err
	}
	if err := b.warmUp(ctx, client, w, round); err != nil {
		return err
	}
	if err := b.rounds(ctx, client, w, warmUp, requests, m); err != nil {
		return err
	}
	if b.options.profiles == "" {
		return nil
	}
	if round, err = b.requests(w, warmUp+b.options.rounds*requests, profileRounds*requests); err != nil {
		return err
	}
	return b.profile(ctx, client, w, round, medianOf(m.gateway[w.name], rateOf))
}

// rounds measures those of both sides, about the people from the given cast on. Another side begins each time.
func (b *bench) rounds(ctx context.Context, client *http.Client, w workload, from, requests int, m *measured) error {
	for n := range b.options.rounds {
		round, err := b.requests(w, from+n*requests, requests)
		if err != nil {
			return err
		}
		for turn := range 2 {
			var one measurement
			if (turn+n)%2 == 0 {
				one, err = b.round(ctx, client, w, b.floor, round, floorSide)
				m.floor[w.name] = append(m.floor[w.name], one)
			} else {
				one, err = b.round(ctx, client, w, b.gateway, round, gatewaySide)
				m.gateway[w.name] = append(m.gateway[w.name], one)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

type side func(prepared) request

func floorSide(p prepared) request   { return p.floor }
func gatewaySide(p prepared) request { return p.gateway }

func all(round []prepared, of side) []request {
	list := make([]request, len(round))
	for i, p := range round {
		list[i] = of(p)
	}
	return list
}

// warmUp opens connections, has documents parsed, and compares the first answers.
func (b *bench) warmUp(ctx context.Context, client *http.Client, w workload, round []prepared) error {
	if err := b.reset(ctx, w.latency); err != nil {
		return err
	}
	for _, p := range round[:min(len(round), 10)] {
		var answer bytes.Buffer
		if err := p.gateway.send(ctx, client, &answer); err != nil {
			return err
		}
		if err := b.compare(ctx, client, p, answer.Bytes()); err != nil {
			return err
		}
	}
	_, err := drive(ctx, client, w.clients, all(round, floorSide))
	if err == nil {
		_, err = drive(ctx, client, w.clients, all(round, gatewaySide))
	}
	return err
}

// round measures one round of one process.
func (b *bench) round(ctx context.Context, client *http.Client, w workload, p *process, round []prepared, of side) (m measurement, err error) {
	if err := errors.Join(b.reset(ctx, w.latency), p.forgetPeak()); err != nil {
		return m, err
	}
	before, err := p.cpu()
	if err != nil {
		return m, err
	}
	result, err := drive(ctx, client, w.clients, all(round, of))
	if err != nil {
		return m, err
	}
	after, err := p.cpu()
	if err != nil {
		return m, err
	}
	n := float64(len(round))
	m.cpu = (after - before).Seconds() / n * 1000
	m.rate = n / result.took.Seconds()
	m.p50 = milliseconds(result.latencies[len(result.latencies)/2])
	m.p99 = milliseconds(result.latencies[len(result.latencies)*99/100])
	if m.peak, err = p.memory("VmHWM"); err != nil {
		return m, err
	}
	calls, err := b.calls(ctx)
	if err != nil {
		return m, err
	}
	m.calls = float64(calls) / n
	for i, answer := range result.samples {
		if p == b.gateway {
			if err := b.compare(ctx, client, round[i], answer); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// nonce is what no two answers have in common: the state of the page on which to link OneTwentyOne.
var nonce = regexp.MustCompile(`(/authorize\?[^"]*state=)[^"]*`)

// compare asks the floor for what the gateway answered, and wants the same.
func (b *bench) compare(ctx context.Context, client *http.Client, p prepared, answer []byte) error {
	var expected bytes.Buffer
	if err := p.floor.send(ctx, client, &expected); err != nil {
		return err
	}
	got, err := normal(answer)
	want, wantErr := normal(expected.Bytes())
	if err = errors.Join(err, wantErr); err != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the answers differ\nfloor:   %.2000s\ngateway: %.2000s", expected.Bytes(), answer)
	}
	return nil
}

func normal(answer []byte) (value any, err error) {
	plain := bytes.ReplaceAll(answer, []byte(`\u0026`), []byte("&"))
	err = json.Unmarshal(nonce.ReplaceAll(plain, []byte("$1*")), &value)
	return value, err
}
