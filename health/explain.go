package health

import (
	"fmt"
	"strconv"
	"strings"
)

// Explanation says in plain English where the day's figure comes from and why the others were not taken, for the person whose day
// it is.
func (d DailySteps) Explanation() string {
	var text []string
	for _, c := range d.Candidates {
		if c.Chosen {
			text = append(text, fmt.Sprintf("%s, from %s: %s.", countOf(*c.Steps), c.origin(), chosenBecause[c.Reason]))
			text = append(text, c.overlap()...)
		}
	}
	if len(text) == 0 {
		text = append(text, absentBecause[d.Presence])
	}
	for _, c := range d.Candidates {
		if why, told := refusedBecause[c.Reason]; told && c.Steps != nil && !c.Chosen {
			text = append(text, fmt.Sprintf("%s has %s: not taken, because %s.", c.origin(), countOf(*c.Steps), why))
		} else if c.Steps == nil && d.Steps != nil {
			text = append(text, fmt.Sprintf("%s has no figure: %s", c.origin(), lowered(absentBecause[c.Presence])))
		}
	}
	if d.Presence == PresencePartialDay {
		text = append(text, "The day is not over: the figure will still grow.")
	}
	return strings.Join(text, " ")
}

var chosenBecause = map[CandidateReason]string{
	ReasonOnly:      "there is no other figure",
	ReasonHighest:   "no other figure is higher",
	ReasonPreferred: "it comes first in the order asked for",
	ReasonAskedFor:  "it is the one that was asked for",
}

var refusedBecause = map[CandidateReason]string{
	ReasonNotHighest:   "another figure is higher",
	ReasonTie:          "the figure that was taken is as high",
	ReasonNotPreferred: "another comes first in the order asked for",
	ReasonNotAskedFor:  "only another data source was asked for",
	ReasonMergedSource: "it can't be told apart from data sources that were not asked for",
}

var absentBecause = map[Presence]string{
	PresenceUnavailable:  "The figure could not be read.",
	PresenceNotSynced:    "Nothing has arrived for this day or a later one yet.",
	PresenceNoData:       "Nothing was recorded on this day, although there is later data.",
	PresenceNoPermission: "Reading steps was not permitted.",
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

// origin names the upstream, and the data sources where these say more.
func (c StepCandidate) origin() string {
	var names []string
	for _, source := range c.DataSources {
		if source.Name != c.ConnectorName {
			names = append(names, source.Name)
		}
	}
	if len(names) == 0 {
		return c.ConnectorName
	}
	return c.ConnectorName + " (" + strings.Join(names, ", ") + ")"
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
		parts[i] = fmt.Sprintf("%s recorded %s, of which %s count", name, grouped(device.Recorded), grouped(device.Counted))
		all += device.Recorded
	}
	text := strings.Join(parts, "; ") + "."
	if all > *c.Steps+len(c.Devices) { // more than rounding
		text += " Where several recorded at the same time, only the one that counted fastest was taken."
	}
	return []string{text}
}

func lowered(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }
