package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// badQuantities are arguments about metrics, and how they are refused.
var badQuantities = []badInput{
	{"a metric that is no name", `quantityStatistics(metric: "Heart Rate", from: "2026-04-10", to: "2026-04-10") { unit }`, "metric", "the field metrics lists those that are known"},
	{"a metric that leads elsewhere", `quantityStatistics(metric: "../profile", from: "2026-04-10", to: "2026-04-10") { unit }`, "metric", "a lower-case letter, then letters and digits"},
	{"a huge metric", `quantityStatistics(metric: "` + strings.Repeat("x", 50_000) + `", from: "2026-04-10", to: "2026-04-10") { unit }`, "metric", "at most 64"},
	{"statistics of a metric that is not known", `quantityStatistics(metric: "appleFutureMetric", from: "2026-04-10", to: "2026-04-10") { unit }`, "metric", "read them with the field quantity"},
	{"a unit of something else", `quantityStatistics(metric: "bodyMass", from: "2026-04-10", to: "2026-04-10", unit: "m") { unit }`, "unit", "bodyMass is given in (UCUM codes): kg, g, mg"},
	{"a unit that is no UCUM code", `quantityStatistics(metric: "bodyMass", from: "2026-04-10", to: "2026-04-10", unit: "lb") { unit }`, "unit", "[lb_av]"},
	{"a huge unit", `quantityStatistics(metric: "heartRate", from: "2026-04-10", to: "2026-04-10", unit: "` + strings.Repeat("x", 50_000) + `") { unit }`, "unit", "/min, /s"},
	{"statistics of a reversed range", `quantityStatistics(metric: "heartRate", from: "2026-04-10", to: "2026-04-09") { unit }`, "to", "before the first, 2026-04-10"},
	{"statistics of 3,661 days", `quantityStatistics(metric: "heartRate", period: MONTH, from: "2016-01-01", to: "2026-01-08") { unit }`, "to", "at most 3660 days, not 3661"},
	{"statistics of another age", `quantityStatistics(metric: "heartRate", from: "1066-10-14", to: "1066-10-14") { unit }`, "from", "a day of the years 1970 to 2200"},
	{"statistics in a zone that there is not", `quantityStatistics(metric: "heartRate", from: "2026-04-10", to: "2026-04-10", timeZone: "Mars/Olympus") { unit }`, "timeZone", "IANA name"},
	{"statistics of an impossible day", `quantityStatistics(metric: "heartRate", from: "2026-04-31", to: "2026-05-10") { unit }`, "from", "a date is an ISO 8601 calendar day"},
}

func TestTheAllowedQuantityBesideEachRefusedOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	for _, field := range []string{
		`quantityStatistics(metric: "bodyMass", from: "2026-04-10", to: "2026-04-10", unit: "[lb_av]") { unit }`,
		`quantityStatistics(metric: "heartRate", from: "2026-04-10", to: "2026-04-10", period: null, unit: null, timeZone: null) { unit periods { count } }`,
		`quantityStatistics(metric: "heartRate", period: MONTH, from: "2016-01-01", to: "2026-01-07") { unit }`, // 3,660 days
		`quantityStatistics(metric: "stepCount", from: "1970-01-01", to: "1970-01-01") { unit }`,
	} {
		a := w.ask(w.token("demo"), `{ it: `+field+` }`, nil)
		assert.Empty(t, a.Errors, field)
		assert.NotContains(t, string(a.Data), `"it":null`, field)
	}
}
