package server

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of answers.
const (
	graphqlResponse = "application/graphql-response+json"
	plainJSON       = "application/json"
	eventStream     = "text/event-stream"
)

// negotiate picks the media type of the answer from the Accept headers: the one with the higher quality, and of two that
// are alike the newer one if it is named, else plain JSON. No header at all means plain JSON. Event streams are no part of
// this: see wantsEvents.
func negotiate(accept []string) (string, bool) {
	ranges := splitRanges(accept)
	if strings.TrimSpace(strings.Join(accept, "")) == "" {
		return plainJSON, true
	}
	newer, named := quality(ranges, graphqlResponse)
	plain, _ := quality(ranges, plainJSON)
	switch {
	case newer <= 0 && plain <= 0:
		return "", false
	case newer > plain, newer == plain && named:
		return graphqlResponse, true
	default:
		return plainJSON, true
	}
}

func splitRanges(accept []string) []string { return strings.Split(strings.Join(accept, ","), ",") }

// quality is the q of the most specific range that covers the type, -1 when none does, and whether it is named in full.
func quality(ranges []string, mediaType string) (q float64, named bool) {
	best := 0
	q = -1
	for _, text := range ranges {
		name, parameters, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		family, _, _ := strings.Cut(mediaType, "/")
		specificity := map[string]int{mediaType: 3, family + "/*": 2, "*/*": 1}[name]
		if specificity <= best {
			continue
		}
		if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		best, q, named = specificity, 1, specificity == 3
		if text, ok := parameters["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) { // NaN is neither
				q = 1 // unreadable: as if it were not there
			}
		}
	}
	return q, named
}
