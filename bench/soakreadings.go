package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readings are what the gateway's process holds.
type readings struct {
	goroutines int
	sockets    int
	pools      int     // of the sockets, those that pools may keep open besides: they fill up when there is much to do, and are bounded
	files      int     // open, that are neither sockets nor the database's
	heap       float64 // MiB, of what lives
	resident   float64 // MiB
	stacks     map[string]int
}

func (r readings) String() string {
	return fmt.Sprintf("%d goroutines, %d sockets, %d other files, %.1f MiB of heap, %.0f MiB resident", r.goroutines, r.sockets, r.files, r.heap, r.resident)
}

var (
	heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	stackHead = regexp.MustCompile(`^(\d+) @`)
)

// read reads them; clean has garbage collected first.
func (s *soak) read(ctx context.Context, clean bool) (r readings, err error) {
	profile, err := s.debug(ctx, "goroutine?debug=1")
	if err != nil {
		return r, err
	}
	r.stacks = stacks(profile)
	for _, n := range r.stacks {
		r.goroutines += n
	}
	gc := ""
	if clean {
		gc = "&gc=1"
	}
	profile, err = s.debug(ctx, "heap?debug=1"+gc)
	if err != nil {
		return r, err
	}
	if found := heapAlloc.FindSubmatch(profile); found != nil {
		bytes, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return r, err
		}
		r.heap = bytes / (1 << 20)
	}
	if r.resident, err = s.gateway.memory("VmRSS"); err != nil {
		return r, err
	}
	entries, err := os.ReadDir(s.gateway.file("fd"))
	if err != nil {
		return r, err
	}
	for _, entry := range entries {
		switch to, err := os.Readlink(s.gateway.file("fd/" + entry.Name())); {
		case err != nil: // closed meanwhile
		case strings.HasPrefix(to, "socket:"):
			r.sockets++
		case strings.HasPrefix(to, s.directory): // SQLite's, three for each connection of its pool
		default:
			r.files++
		}
	}
	return r, nil
}

func (s *soak) debug(ctx context.Context, what string) ([]byte, error) {
	var profile bytes.Buffer
	r := request{method: http.MethodGet, url: "http://" + s.profiling + "/debug/pprof/" + what}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // or it would be counted
	err := r.send(ctx, client, &profile)
	return profile.Bytes(), err
}

// stacks counts the goroutines by the functions that they are in, of a profile with debug=1.
func stacks(profile []byte) map[string]int {
	counts := map[string]int{}
	n, where := 0, []string(nil)
	end := func() {
		if n > 0 {
			counts[strings.Join(where, " < ")] += n
		}
		n, where = 0, nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(profile)); lines.Scan(); {
		line := lines.Text()
		if head := stackHead.FindStringSubmatch(line); head != nil {
			end()
			n, _ = strconv.Atoi(head[1]) // digits
		} else if fields := strings.Fields(line); n > 0 && len(fields) > 2 && fields[0] == "#" && !strings.HasPrefix(line, "# labels") {
			name, _, _ := strings.Cut(fields[2], "+")
			where = append(where, name)
		}
	}
	end()
	return counts
}

// What may be there afterwards beyond the baseline: a connection that is just being closed, memory that something keeps for the
// next time. What leaks, leaks with every operation or with every failure, and is many.
const (
	moreGoroutines = 10
	moreSockets    = 4
	moreFiles      = 4
	moreHeap       = 8.0 // MiB, and a fifth
)

// grown says what is larger than before.
func (r readings) grown(before readings) []string {
	var list []string
	if r.goroutines > before.goroutines+moreGoroutines {
		list = append(list, fmt.Sprintf("goroutines: %d, before %d\n%s", r.goroutines, before.goroutines, newStacks(r.stacks, before.stacks)))
	}
	if r.sockets > before.sockets+before.pools+moreSockets {
		list = append(list, fmt.Sprintf("sockets: %d, before %d", r.sockets, before.sockets))
	}
	if r.files > before.files+moreFiles {
		list = append(list, fmt.Sprintf("other open files: %d, before %d", r.files, before.files))
	}
	if r.heap > before.heap*1.2+moreHeap {
		list = append(list, fmt.Sprintf("heap: %.1f MiB, before %.1f", r.heap, before.heap))
	}
	return list
}

// newStacks tells which goroutines there are more of, the most first.
func newStacks(after, before map[string]int) string {
	var names []string
	more := func(name string) int { return after[name] - before[name] }
	for name := range after {
		if more(name) > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return more(b) - more(a) })
	var b strings.Builder
	for _, name := range names[:min(len(names), 5)] {
		fmt.Fprintf(&b, "  %d more in %s\n", more(name), name)
	}
	return b.String()
}

// settle waits until the gateway has let go of what the soak made it hold: idle connections are closed from the other side.
func (s *soak) settle(ctx context.Context, patience time.Duration, good func(readings) bool) (r readings, err error) {
	for until := time.Now().Add(patience); ; time.Sleep(250 * time.Millisecond) {
		s.client.CloseIdleConnections()
		if err := s.upstream(ctx, http.MethodPost, "/bench/hangup"); err != nil {
			return r, err
		}
		if r, err = s.read(ctx, true); err != nil || good(r) || time.Now().After(until) {
			return r, err
		}
	}
}
