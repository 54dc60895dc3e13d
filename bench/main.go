// Command bench measures what the gateway costs. It runs `healthgraph serve` with everything that production has switched on, a
// plain handler that does the same work without a gateway (the floor) and both upstreams as processes of their own, and asks gateway
// and floor the same in turns. docs/performance.md says how to read what comes of it.
//
//	bench --healthgraph bin/healthgraph                    every workload, some minutes
//	bench --healthgraph bin/healthgraph --workloads W1,W3  some
//	bench --healthgraph new --against old                  two builds, one beside the other
//	bench soak --time 10m                                  many hours' failures in minutes: see docs/performance.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"healthgraph/bench/floor"
	"healthgraph/bench/upstreams"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The roles that this program plays besides, in processes of their own.
const (
	roleUpstreams = "upstreams"
	roleFloor     = "floor"
)

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case roleUpstreams:
			return serveUpstreams(ctx, args[1:])
		case roleFloor:
			handler, err := floor.New(strings.Join(args[1:], ""))
			if err != nil {
				return err
			}
			return listen(ctx, handler, plainly, nil)
		case "soak":
			return soakCommand(ctx, args[1:])
		}
	}
	return benchCommand(ctx, args)
}

// serveUpstreams is told the newest day, and how to speak where that is not plainly.
func serveUpstreams(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return errors.New("the newest day is missing")
	}
	newest, err := time.Parse(time.DateOnly, words[0])
	if err != nil {
		return err
	}
	way := plainly
	if len(words) > 1 {
		if way, err = secured(words[1:]); err != nil {
			return err
		}
	}
	handler, err := upstreams.New(ctx, newest)
	if err != nil {
		return err
	}
	return listen(ctx, handler, way, handler.Connections.ConnState)
}

func benchCommand(ctx context.Context, args []string) error {
	o := options{out: os.Stdout, settle: 500 * time.Millisecond}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.healthgraph, "healthgraph", "bin/healthgraph", "the program to measure")
	flags.StringVar(&o.against, "against", "", "another build of healthgraph to compare with, in place of the floor")
	flags.StringVar(&o.database, "database", "", "postgres://… of an empty database that may be filled; a new SQLite file when left out")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each side, of which the medians are told")
	flags.Float64Var(&o.scale, "scale", 1, "how much longer than usual a round is, such as 0.5")
	flags.StringVar(&o.profiles, "profiles", "", "a directory for profiles of the gateway, taken in rounds of their own")
	flags.StringVar(&o.speak, "upstreams", plainHTTP, "how the upstreams speak: plain, or by TLS http1 or http2")
	write := flags.String("write", "", "the document whose table is replaced, if every workload was measured")
	names := flags.String("workloads", "", "names of workloads, separated by commas; all when left out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.workloads, err = chosen(*names); err != nil {
		return err
	}
	if o.speak != plainHTTP && o.speak != tlsHTTP1 && o.speak != tlsHTTP2 {
		return errors.New("upstreams speak plain, http1 or http2")
	}
	if o.rounds < 1 || o.scale <= 0 || flags.NArg() > 0 {
		return errors.New("there is at least one round, the scale is more than 0, and everything else is a flag")
	}
	if o.against != "" && (o.database != "" || *write != "") {
		return errors.New("two builds are compared on SQLite files of their own, and in no document")
	}
	measured, err := measure(ctx, o)
	if err != nil {
		return err
	}
	table := measured.markdown()
	if _, err := fmt.Fprintln(o.out, table); err != nil {
		return err
	}
	if *write != "" && *names == "" && o.speak == plainHTTP {
		return writeTable(*write, table)
	}
	return nil
}

func soakCommand(ctx context.Context, args []string) error {
	o := standard
	flags := flag.NewFlagSet("bench soak", flag.ContinueOnError)
	flags.StringVar(&o.healthgraph, "healthgraph", o.healthgraph, "the program to try")
	flags.DurationVar(&o.long, "time", o.long, "for how long")
	flags.StringVar(&o.database, "database", "", "postgres://… of an empty database that may be filled; a new SQLite file when left out")
	flags.StringVar(&o.redis, "redis", "", "redis://… in which limits are counted and answers shared; none when left out")
	flags.Float64Var(&o.share, "share", o.share, "of the capacity that is measured first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.long < 20*time.Second || o.share <= 0 || o.share > 1 || flags.NArg() > 0 {
		return errors.New("the time is at least 20s, the share more than 0 and at most 1, and everything else is a flag")
	}
	return runSoak(ctx, o)
}

// chosen finds workloads by their names.
func chosen(names string) ([]workload, error) {
	if names == "" {
		return workloads, nil
	}
	var list []workload
	var known []string
	for _, w := range workloads {
		known = append(known, w.name)
	}
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, w := range workloads {
			if strings.EqualFold(w.name, strings.TrimSpace(name)) {
				list, found = append(list, w), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no workload %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return list, nil
}

// listen serves on a free loopback port, tells which on standard output, and ends with ctx or with its standard input, which is
// that of whoever started it.
func listen(ctx context.Context, handler http.Handler, way serving, connState func(net.Conn, http.ConnState)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("%s://%s\n", way.scheme, listener.Addr())
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing is ever written: it ends
		cancel()
	}()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ConnState: connState}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := way.serve(server, listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
