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
	{"samples of a metric that is no name", `quantity(metric: "heart-rate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z") { complete }`, "metric", "such as stepCount"},
	{"samples in another thing's unit", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z", unit: "kg") { complete }`, "unit", "/min, /s"},
	{"a unit for a metric that is not known", `quantity(metric: "appleFutureMetric", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z", unit: "kg") { complete }`, "unit", "leave the unit out"},
	{"a reversed span", `quantity(metric: "heartRate", from: "2026-04-11T00:00:00Z", to: "2026-04-10T00:00:00Z") { complete }`, "to", "after the beginning"},
	{"a span of nothing", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-10T02:00:00+02:00") { complete }`, "to", "after the beginning"},
	{"a span of eleven years", `quantity(metric: "heartRate", from: "2015-04-10T00:00:00Z", to: "2026-04-10T00:00:00Z") { complete }`, "to", "at most 3660 days"},
	{"a span of all time", `quantity(metric: "heartRate", from: "0001-01-01T00:00:00Z", to: "9999-12-31T00:00:00Z") { complete }`, "from", "the years 1970 to 2200"},
	{"an instant that is a day", `quantity(metric: "heartRate", from: "2026-04-10", to: "2026-04-11T00:00:00Z") { complete }`, "from", "RFC 3339"},
	{"an instant that is nowhere", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00") { complete }`, "to", "with its offset"},
	{"a page of none", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z", first: 0) { complete }`, "first", "from 1 to 10000, not 0"},
	{"a page of too many", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z", first: 10001) { complete }`, "first", "from 1 to 10000, not 10001"},
	{"a cursor that is none", `quantity(metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z", after: "nonsense") { complete }`, "after", "not a cursor of this list"},
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
		`quantity(metric: "heartRate", from: "2016-04-03T00:00:00Z", to: "2026-04-11T00:00:00Z", first: 10000, unit: "/s") { complete }`, // 3,660 days
		`quantity(metric: "appleFutureMetric", from: "2026-04-10T00:00:00Z", to: "2026-04-10T00:00:00.001Z", first: null, after: null, unit: null) { complete }`,
	} {
		a := w.ask(w.token("demo"), `{ it: `+field+` }`, nil)
		assert.Empty(t, a.Errors, field)
		assert.NotContains(t, string(a.Data), `"it":null`, field)
	}
}
