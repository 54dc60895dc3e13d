package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"healthgraph/bench/floor"
)

// workload is one thing that clients ask, as one operation to the gateway and one request to the floor.
type workload struct {
	name, title string
	target      string // the ratio of CPU that is aimed for; "" for none
	clients     int
	requests    int           // of one round
	latency     time.Duration // of each upstream call
	people      int           // of one request
	shape       string        // of the people's ids: see package upstreams
	many        bool          // 10,000 samples instead of 30
	account     bool          // everybody has linked OneTwentyOne
	known       bool          // the gateway has seen everybody before, in another process
	same        bool          // every request is about the same people

	operation string // variables: $from, $to, $ids
	service   bool   // called by a service, by $ids
	days      int    // of $from and $to, up to yesterday; 0 where the operation has neither
	floor     func(c cast) (method, path string, body any)
}

const (
	connectionsOnly = `query Connections { connections { dataSource { id } status } }`
	connectionsURLs = `query Links { connections { dataSource { id } status authorizationUrl } }`
	manyPeople      = `query People($ids: [ID!]!, $from: Date!, $to: Date!) {
  users(ids: $ids) { id connections { dataSource { id } status } stepCount(from: $from, to: $to) { days { date steps } } }
}`

	samplesOf30Days = `query Samples($from: Date!, $to: Date!) {
  stepCount(from: $from, to: $to, dataSources: ["onetwentyone"]) { samples(first: 10000) { nodes { start end value } } }
}`
)

func floorConnections(c cast) (string, string, any) {
	return "GET", "/connections?person=" + c.people[0].ID, nil
}

func floorURLs(c cast) (string, string, any) {
	return "GET", "/connections?urls=true&person=" + c.people[0].ID, nil
}

func floorSamples(c cast) (string, string, any) {
	query := url.Values{"account": {c.people[0].Account}, "from": {c.from}, "to": {c.to}, "samples": {"true"}}
	return "GET", "/steps?" + query.Encode(), nil
}

func floorPeople(c cast) (string, string, any) {
	return "POST", "/people", floor.PeopleRequest{People: c.people, From: c.from, To: c.to}
}

const unloaded = 5 * time.Millisecond // latency of each upstream call in W6

var workloads = []workload{
	{name: "W1", title: "links of a person never seen before", target: "0.6", clients: 16, requests: 1500, shape: "mixed", people: 1,
		operation: connectionsOnly, floor: floorConnections},
	{name: "W1k", title: "links of a person who is known, and was not asked about lately", clients: 16, requests: 1500, shape: "mixed", people: 1, known: true,
		operation: connectionsOnly, floor: floorConnections},
	{name: "W1u", title: "links with `authorizationUrl`, seven browser sources unconnected", target: "1.3", clients: 16, requests: 1000, shape: "none", people: 1,
		operation: connectionsURLs, floor: floorURLs},
	{name: "W2", title: "the 30 samples of 30 days", target: "1.3", clients: 16, requests: 1200, shape: "garmin", people: 1, account: true, known: true,
		operation: samplesOf30Days, days: 30, floor: floorSamples},
	{name: "W3", title: "the 10,000 samples of 30 days", target: "0.8", clients: 4, requests: 24, shape: "garmin", people: 1, account: true, many: true, known: true,
		operation: samplesOf30Days, days: 30, floor: floorSamples},
	{name: "W4", title: "links and yesterday's steps of 40 people, `users(ids:)`", target: "0.5", clients: 4, requests: 24, shape: "garmin", people: 40, account: true, known: true, service: true,
		operation: manyPeople, days: 1, floor: floorPeople},
	{name: "W4w", title: "the same with the steps of a week, which ROOK answers day by day", clients: 4, requests: 16, shape: "garmin", people: 40, account: true, known: true, service: true,
		operation: manyPeople, days: 7, floor: floorPeople},
	{name: "W5", title: "links of one and the same person", clients: 64, requests: 1200, shape: "mixed", people: 1, same: true, known: true,
		operation: connectionsOnly, floor: floorConnections},
	{name: "W6-W1", title: "W1 unloaded, upstreams that take 5 ms", clients: 1, requests: 60, latency: unloaded, shape: "mixed", people: 1,
		operation: connectionsOnly, floor: floorConnections},
	{name: "W6-W1u", title: "W1u unloaded, likewise", clients: 1, requests: 60, latency: unloaded, shape: "none", people: 1,
		operation: connectionsURLs, floor: floorURLs},
	{name: "W6-W4", title: "W4 unloaded, likewise", clients: 1, requests: 8, latency: unloaded, shape: "garmin", people: 40, account: true, known: true, service: true,
		operation: manyPeople, days: 1, floor: floorPeople},
}

// cast is who and what one request is about.
type cast struct {
	people   []floor.Person
	from, to string
}

// cast gives the n-th request's. newest is the last day that has figures.
func (w workload) cast(n int, newest time.Time) cast {
	c := cast{people: make([]floor.Person, w.people)}
	if w.same {
		n = 0
	}
	for i := range c.people {
		c.people[i] = w.person(n*w.people + i)
	}
	if w.days > 0 {
		c.from, c.to = newest.AddDate(0, 0, 1-w.days).Format(time.DateOnly), newest.Format(time.DateOnly)
	}
	return c
}

// person is the n-th of a workload. No two workloads have anybody in common.
func (w workload) person(n int) floor.Person {
	p := floor.Person{ID: fmt.Sprintf("%s-%s-%06d", w.shape, strings.ToLower(w.name), n)}
	if w.account {
		kind := 0
		if w.many {
			kind = 1
		}
		p.Account = fmt.Sprintf("%08x-0000-4000-8000-%011d%d", w.number(), n, kind)
	}
	return p
}

func (w workload) number() int {
	for i, one := range workloads {
		if one.name == w.name {
			return i + 1
		}
	}
	return 0
}
