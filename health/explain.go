package health

import (
	"fmt"
	"strconv"
	"strings"
)

// Explanation says in plain English where the day's figure comes from and why the others were not taken, for the person whose day it
// is.
func (d DailySteps) Explanation() string {
	told := make([]candidateTold, len(d.Candidates))
	for i, c := range d.Candidates {
		told[i] = candidateTold{origin: originOf(c.ConnectorName, c.DataSources), presence: c.Presence, chosen: c.Chosen, reason: c.Reason}
		if c.Steps != nil {
			told[i].figure, told[i].details = countOf(*c.Steps), c.overlap()
		}
	}
	return explain("steps", "higher", "high", d.Presence, told)
}

// candidateTold is what an explanation says of one upstream.
type candidateTold struct {
	origin   string
	figure   string // "" where it has none
	details  []string
	presence Presence
	chosen   bool
	reason   CandidateReason
}

// explain tells of a day. more and as are what a figure is that beats another one, and one that equals it.
func explain(what, more, as string, presence Presence, candidates []candidateTold) string {
	words := strings.NewReplacer("{what}", what, "{more}", more, "{as}", as)
	var text, others []string
	chosen, merged := false, false
	for _, c := range candidates {
		why, told := refusedBecause[c.reason]
		switch {
		case c.chosen:
			chosen = true
			text = append(text, fmt.Sprintf("%s, from %s: %s.", c.figure, c.origin, words.Replace(chosenBecause[c.reason])))
			text = append(text, c.details...)
		case c.figure != "" && told:
			merged = merged || c.reason == ReasonMergedSource
			others = append(others, fmt.Sprintf("%s has %s: not taken, because %s.", c.origin, c.figure, words.Replace(why)))
		}
	}
	for _, c := range candidates {
		if chosen && c.figure == "" {
			others = append(others, fmt.Sprintf("%s has no figure: %s", c.origin, lowered(words.Replace(absentBecause[c.presence]))))
		}
	}
	switch {
	case chosen:
	case merged && presence == PresenceUnavailable:
		text = append(text, "There is no figure for just what was asked for.")
	default:
		text = append(text, words.Replace(absentBecause[presence]))
	}
	text = append(text, others...)
	if presence == PresencePartialDay {
		text = append(text, "The day is not over: the figure may still grow.")
	}
	return strings.Join(text, " ")
}

var chosenBecause = map[CandidateReason]string{
	ReasonOnly:      "there is no other figure",
	ReasonHighest:   "no other figure is {more}",
	ReasonPreferred: "it comes first in the order asked for",
	ReasonAskedFor:  "it is the one that was asked for",
}

var refusedBecause = map[CandidateReason]string{
	ReasonNotHighest:   "another figure is {more}",
	ReasonTie:          "the figure that was taken is as {as}",
	ReasonNotPreferred: "another comes first in the order asked for",
	ReasonNotAskedFor:  "only another data source was asked for",
	ReasonMergedSource: "it also counts data sources that were not asked for",
}

var absentBecause = map[Presence]string{
	PresenceUnavailable:  "The figure could not be read.",
	PresenceNotSynced:    "Nothing has arrived for this day or a later one yet.",
	PresenceNoData:       "Nothing was recorded on this day, although there is later data.",
	PresenceNoPermission: "Reading {what} was not permitted.",
	PresenceNotConnected: "No data source is linked.",
}

func countOf(steps int) string {
	if steps == 1 {
		return "1 step"
	}
	return grouped(steps) + " steps"
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// originOf names the upstream, and the data sources where these say more.
func originOf(connector string, sources []DataSource) string {
	var names []string
	for _, source := range sources {
		if source.Name != connector {
			names = append(names, source.Name)
		}
	}
	if len(names) == 0 {
		return connector
	}
	return connector + " (" + strings.Join(names, ", ") + ")"
}

// overlap tells how devices that recorded at the same time were counted.
func (c StepCandidate) overlap() []string {
	if len(c.Devices) < 2 {
		return nil
	}
	parts, all := make([]string, len(c.Devices)), 0
	for i, device := range c.Devices {
		name := "devices without a name"
		if device.Name != nil {
			name = *device.Name
		}
		parts[i] = fmt.Sprintf("%s recorded %s, %s", name, grouped(device.Recorded), device.counting())
		all += device.Recorded
	}
	text := strings.Join(parts, "; ") + "."
	if all > *c.Steps+len(c.Devices) { // more than rounding
		text += " Where several recorded at the same time, only the one that counted most at that moment was taken."
	}
	return []string{text}
}

// counting says how much of what it recorded counts; a step more or less is rounding.
func (d DeviceSteps) counting() string {
	switch {
	case d.Counted == 0:
		return "none of which count"
	case d.Counted >= d.Recorded:
		return "all of which count"
	}
	return "of which " + grouped(d.Counted) + " count"
}

func lowered(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }
