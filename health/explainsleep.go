package health

import (
	"fmt"
	"strings"
	"time"
)

// Explanation says in plain English where the day's sleep comes from and why other figures were not taken, for the person whose day it
// is.
func (d DailySleep) Explanation() string {
	told := make([]candidateTold, len(d.Candidates))
	for i, c := range d.Candidates {
		told[i] = candidateTold{origin: originOf(c.ConnectorName, c.DataSources), presence: c.Presence, chosen: c.Chosen, reason: c.Reason}
		if c.Figure != nil {
			told[i].figure, told[i].details = c.Figure.length(), c.Figure.sessions()
		}
	}
	return explain("sleep", "longer", "long", d.Presence, told)
}

// length is how long the sleep was, or the time in bed where no more is known.
func (f SleepFigure) length() string {
	switch {
	case f.Asleep != nil:
		return clockOf(*f.Asleep) + " of sleep"
	case f.InBed != nil:
		return clockOf(*f.InBed) + " in bed, with nothing known of the sleep"
	}
	return "an unknown time"
}

// sessions tells of naps, and of who recorded.
func (f SleepFigure) sessions() (text []string) {
	var naps []string
	for _, session := range f.Sessions {
		if length := (SleepFigure{SleepTimes: session.SleepTimes}).length(); !session.Main {
			naps = append(naps, length)
		}
	}
	if len(naps) > 0 {
		text = append(text, "That includes, beside the longest sleep, "+strings.Join(naps, " and ")+".")
	}
	devices, known := []string{}, map[string]bool{}
	for _, session := range f.Sessions {
		for _, device := range session.Devices {
			if !known[device] {
				known[device] = true
				devices = append(devices, device)
			}
		}
	}
	switch len(devices) {
	case 0:
	case 1:
		text = append(text, devices[0]+" recorded it.")
	default:
		text = append(text, "Recorded by "+strings.Join(devices, "; ")+": what several recorded at the same time counts once.")
	}
	return text
}

// clockOf writes a length as a person says it: "6 h 28 min".
func clockOf(d Duration) string {
	length := time.Duration(d).Round(time.Minute)
	hours, minutes := int(length/time.Hour), int(length%time.Hour/time.Minute)
	switch {
	case hours == 0:
		return fmt.Sprintf("%d min", minutes)
	case minutes == 0:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d h %d min", hours, minutes)
}
