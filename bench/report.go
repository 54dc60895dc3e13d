package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func medianOf(rounds []measurement, of func(measurement) float64) float64 {
	var values []float64
	for _, m := range rounds {
		values = append(values, of(m))
	}
	return median(values)
}

// ratios are the gateway's CPU over the floor's, round by round: what else the machine did then was the same for both.
func (m measured) ratios(name string) []float64 {
	var list []float64
	for i, f := range m.floor[name] {
		list = append(list, m.gateway[name][i].cpu/f.cpu)
	}
	return list
}

// markdown is the table of docs/performance.md.
func (m measured) markdown() string {
	var b strings.Builder
	database := "SQLite"
	if !m.sqlite {
		database = "PostgreSQL, whose own CPU is not counted"
	}
	fmt.Fprintf(&b, "Measured on %s with %s on %d cores (%s), commit %s, %s; medians of %d rounds of each side.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), processor(), commit(), database, m.rounds)
	fmt.Fprintf(&b, "Start until it answers: %.0f ms (median of %d starts). Idle after start: %.0f MiB.\n\n", median(m.startUp), len(m.startUp), median(m.idle))
	fmt.Fprintf(&b, "| | what | clients | CPU ratio (rounds) | aim | CPU s / 1,000: %[1]s | gateway | upstream calls: %[1]s | gateway |\n|---|---|---|---|---|---|---|---|---|\n", m.baseline)
	for _, w := range m.workloads {
		f, g, ratios := m.floor[w.name], m.gateway[w.name], m.ratios(w.name)
		fmt.Fprintf(&b, "| %s | %s | %d | **%.2f** (%.2f–%.2f) | %s | %.3f | %.3f | %.2f | %.2f |\n", w.name, w.title, w.clients,
			median(ratios), slices.Min(ratios), slices.Max(ratios), dash(m.aim(w)),
			medianOf(f, cpuOf), medianOf(g, cpuOf), medianOf(f, callsOf), medianOf(g, callsOf))
	}
	fmt.Fprintf(&b, "\n| | requests / s: %[1]s | gateway | p50 ms: %[1]s | gateway | p99 ms: %[1]s | gateway | peak MiB: %[1]s | gateway |\n|---|---|---|---|---|---|---|---|---|\n", m.baseline)
	for _, w := range m.workloads {
		f, g := m.floor[w.name], m.gateway[w.name]
		fmt.Fprintf(&b, "| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f |\n", w.name,
			medianOf(f, rateOf), medianOf(g, rateOf), medianOf(f, p50Of), medianOf(g, p50Of), medianOf(f, p99Of), medianOf(g, p99Of), medianOf(f, peakOf), medianOf(g, peakOf))
	}
	return b.String()
}

func cpuOf(m measurement) float64   { return m.cpu }
func callsOf(m measurement) float64 { return m.calls }
func rateOf(m measurement) float64  { return m.rate }
func p50Of(m measurement) float64   { return m.p50 }
func p99Of(m measurement) float64   { return m.p99 }
func peakOf(m measurement) float64  { return m.peak }

// aim is what the ratio to the floor should be.
func (m measured) aim(w workload) string {
	if m.baseline != "floor" {
		return ""
	}
	return w.target
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// processor is the machine's, as Linux names it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}

// commit names what was measured, as far as git knows.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output() //nolint:noctx // at once
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

const (
	tableBegins = "<!-- bench: what make bench measured; it writes all up to the end -->"
	tableEnds   = "<!-- bench: end -->"
)

// writeTable puts the table between the markers of a document.
func writeTable(path, table string) error {
	document, err := os.ReadFile(path) //nolint:gosec // whoever measures says which
	if err != nil {
		return err
	}
	head, rest, begins := strings.Cut(string(document), tableBegins)
	_, tail, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return errors.New(path + " has no place for the table: " + tableBegins + " and " + tableEnds)
	}
	return os.WriteFile(path, []byte(head+tableBegins+"\n\n"+table+"\n"+tableEnds+tail), 0o600) //nolint:gosec // likewise
}
