package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthgraph/bench/floor"
	"healthgraph/bench/upstreams"
)

// kind is what an operation of the soak asks.
type kind int

const (
	asksHealthy kind = iota // of ROOK alone, by the person
	asksFailing             // of OneTwentyOne alone, by the person
	asksBoth                // of both about several people, by a service
	kinds
)

func (k kind) String() string { return [...]string{"ROOK", "OneTwentyOne", "both"}[k] }

const soakDays = 3

var soakOperations = [kinds]string{
	asksHealthy: `query Healthy($from: Date!, $to: Date!) {
  viewer { id }
  connections(dataSources: ["garmin", "oura", "polar", "fitbit", "withings", "whoop", "dexcom"]) { dataSource { id } status }
  stepCount(from: $from, to: $to, dataSources: ["garmin"]) { ...figures }
}` + figures,
	asksFailing: `query Failing($from: Date!, $to: Date!) {
  viewer { id }
  connections(dataSources: ["onetwentyone"]) { dataSource { id } status }
  stepCount(from: $from, to: $to, dataSources: ["onetwentyone"]) { ...figures }
}` + figures,
	asksBoth: `query Both($ids: [ID!]!, $from: Date!, $to: Date!) {
  users(ids: $ids) { id stepCount(from: $from, to: $to) { ...figures } }
}` + figures,
}

const figures = `
fragment figures on StepCount { complete days { date candidates { connector steps } } problems { code } }`

type soakAnswer struct {
	Data struct {
		Viewer      struct{ ID string }
		Connections []struct {
			DataSource struct{ ID string }
			Status     string
		}
		StepCount soakFigures
		Users     []struct {
			ID        string
			StepCount soakFigures
		}
	}
	Errors []any
}

type soakFigures struct {
	Complete bool
	Days     []struct {
		Date       string
		Candidates []struct {
			Connector string
			Steps     *int
		}
	}
	Problems []struct{ Code string }
}

// check compares an answer with what the upstreams hold of the people. whole is false where figures are missing and the answer
// says so, which only OneTwentyOne's may.
func check(k kind, people []floor.Person, newest time.Time, raw []byte) (whole bool, err error) {
	var a soakAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		return false, err
	}
	if len(a.Errors) > 0 {
		return false, fmt.Errorf("errors: %v", a.Errors)
	}
	if k == asksBoth {
		if len(a.Data.Users) != len(people) {
			return false, fmt.Errorf("%d people instead of %d", len(a.Data.Users), len(people))
		}
		whole = true
		for i, person := range people {
			if a.Data.Users[i].ID != person.ID {
				return false, fmt.Errorf("another person in the place of %s", person.ID)
			}
			complete, err := a.Data.Users[i].StepCount.check(person, newest, "rook", "onetwentyone")
			if err != nil {
				return false, err
			}
			whole = whole && complete
		}
		return whole, nil
	}
	person := people[0]
	if a.Data.Viewer.ID != person.ID {
		return false, fmt.Errorf("another viewer than %s", person.ID)
	}
	links := map[string]string{}
	for _, link := range a.Data.Connections {
		links[link.DataSource.ID] = link.Status
	}
	if k == asksFailing {
		if len(links) != 1 || links["onetwentyone"] != "CONNECTED" {
			return false, fmt.Errorf("the link of %s is %v", person.ID, links)
		}
		return a.Data.StepCount.check(person, newest, "onetwentyone")
	}
	whole, err = a.Data.StepCount.check(person, newest, "rook")
	for _, name := range upstreams.BrowserSources {
		source := strings.ToLower(name)
		switch want := standing(person, source); links[source] {
		case want:
		case "UNKNOWN":
			whole = false
		default:
			return false, fmt.Errorf("%s of %s is %v, not %s", name, person.ID, links, want)
		}
	}
	return whole, err
}

// standing is the status of a person's link as its upstream has it.
func standing(person floor.Person, source string) string {
	linked := source == "onetwentyone"
	for _, name := range upstreams.BrowserSources {
		linked = linked || strings.EqualFold(name, source) && upstreams.HasLinked(person.ID, name)
	}
	if linked {
		return "CONNECTED"
	}
	return "NOT_CONNECTED"
}

func (f soakFigures) check(person floor.Person, newest time.Time, connectors ...string) (whole bool, err error) {
	if len(f.Days) != soakDays {
		return false, fmt.Errorf("%d days of %s", len(f.Days), person.ID)
	}
	whole = true
	for i, day := range f.Days {
		date := newest.AddDate(0, 0, i+1-soakDays)
		if day.Date != date.Format(time.DateOnly) {
			return false, fmt.Errorf("the day %s of %s in the place of another", day.Date, person.ID)
		}
		truth := map[string]int{
			"rook":         upstreams.RookSteps(day.Date, upstreams.Variant(person.ID)),
			"onetwentyone": upstreams.OneTwentyOneSteps(person.Account, newest, date),
		}
		found := 0
		for _, candidate := range day.Candidates {
			switch {
			case !slices.Contains(connectors, candidate.Connector):
				return false, fmt.Errorf("figures of %s were not asked for", candidate.Connector)
			case candidate.Steps == nil:
			case *candidate.Steps != truth[candidate.Connector]:
				return false, fmt.Errorf("%d steps of %s on %s by %s instead of %d", *candidate.Steps, person.ID, day.Date, candidate.Connector, truth[candidate.Connector])
			default:
				found++
			}
		}
		whole = whole && found == len(connectors)
	}
	if !whole && f.Complete && len(f.Problems) == 0 {
		return false, fmt.Errorf("figures of %s are missing, and the answer says that it is complete", person.ID)
	}
	return whole && f.Complete, nil
}
