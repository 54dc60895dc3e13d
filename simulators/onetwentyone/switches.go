package onetwentyone

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"healthgraph/simulators"
)

// Switches is every choice that the documentation leaves open or contradicts, and every way in which the simulator
// can be told to misbehave. GET and PATCH /_control/switches show and change it under the json names; the words that a
// switch knows are in its comment, the default first. What the documentation does settle is not here.
//
// Four open questions are no switches. Items are ordered by start, then end, then order of arrival. A redirect_uri must
// equal a registered one byte for byte. A startDate after the endDate gives no items. Items are raw samples that may
// overlap; to have merged ones, PUT people with samples that do not overlap and name no device.
type Switches struct {
	// CodeLifetime: how long an authorization code can be exchanged is not documented.
	CodeLifetime simulators.Duration `json:"codeLifetime"`
	// DenyAs: what a refusal looks like is not documented. "redirect" goes back with error=DenyError and state, as
	// OAuth has it; "page" stays on a plain page.
	DenyAs    string `json:"denyAs"`
	DenyError string `json:"denyError"`
	// NoScopes: whether one may allow nothing at all is not documented. "deny" or "grant".
	NoScopes string `json:"noScopes"`
	// ReauthorizeRevokes: whether a new authorization ends the person's earlier ones is not documented. False.
	ReauthorizeRevokes bool `json:"reauthorizeRevokes"`

	// TokenEncoding: the token endpoints are POST by their heading, but their samples are no valid request of any
	// kind. "both" takes JSON and form bodies; "json" and "form" refuse the other with 400.
	TokenEncoding string `json:"tokenEncoding"`
	// RejectExtraParams: whether a parameter that is not listed, such as grant_type, is refused. False.
	RejectExtraParams bool `json:"rejectExtraParams"`
	// AccessTokenLifetime is documented: one hour. It is a switch for the convenience of tests.
	AccessTokenLifetime simulators.Duration `json:"accessTokenLifetime"`
	// TokenExpiresIn: as documented, only the answer of /api/refresh has expires_in. True adds it to /api/token.
	TokenExpiresIn bool `json:"tokenExpiresIn"`
	// RotateRefreshTokens: as documented, the answer of /api/refresh has no refresh_token and the old one stays good.
	// True answers a new one and refuses the old one from then on.
	RotateRefreshTokens bool `json:"rotateRefreshTokens"`
	// InvalidGrantStatus, InvalidClientStatus, TokenErrors: no error of the token endpoints is documented. 400 and 401
	// as in RFC 6749, with a body that is "oauth" ({"error":"invalid_grant"}), "plain" text or "empty".
	InvalidGrantStatus  int    `json:"invalidGrantStatus"`
	InvalidClientStatus int    `json:"invalidClientStatus"`
	TokenErrors         string `json:"tokenErrors"`

	// The statuses of the data routes: no error is documented, all of them are inventions. UnauthorizedStatus is for a
	// bearer token that is missing, unknown, expired or revoked.
	UnauthorizedStatus  int `json:"unauthorizedStatus"`
	MissingScopeStatus  int `json:"missingScopeStatus"`
	OtherUserStatus     int `json:"otherUserStatus"`
	UnknownUserStatus   int `json:"unknownUserStatus"`
	UnknownMetricStatus int `json:"unknownMetricStatus"`
	MalformedStatus     int `json:"malformedStatus"`
	// ErrorBody: their body: "json" ({"error":"…"}), "html" or "empty".
	ErrorBody string `json:"errorBody"`

	// DefaultPageSize: 1000 in one place of the documentation, 10000 in another.
	DefaultPageSize int `json:"defaultPageSize"`
	// EndDate: whether a sample at the endDate belongs. "inclusive", which for a plain date means all of that day, or
	// "exclusive", which leaves all of that day out.
	EndDate string `json:"endDate"`
	// PlainDates: where a date without a time and a time without an offset are. "utc" or "home" (home_timezone).
	PlainDates string `json:"plainDates"`
	// Offsets: whether times may be written with an offset such as +02:00. "accept" or "reject".
	Offsets string `json:"offsets"`
	// RangeBy: which samples are in the range: those that "start" in it, or all that "overlap" it.
	RangeBy string `json:"rangeBy"`
	// OutOfRange: what a page below 1 or a pageSize outside 1 to 10000 does: "reject" or "clamp".
	OutOfRange string `json:"outOfRange"`
	// BeyondLast: a page after the last one is "empty" or "notFound".
	BeyondLast string `json:"beyondLast"`
	// NoPage: without a next or previous page its field is "null" (the samples) or "absent" (the prose).
	NoPage string `json:"noPage"`
	// NextPage: next_page is a "path" (the samples), an "absolute" URL (the prose), or a "foreign" host's URL, which
	// nobody should ever follow with a token.
	NextPage string `json:"nextPage"`
	// NextPageSort: "drop" leaves sort out of next_page as the samples do, "keep" has it.
	NextPageSort string `json:"nextPageSort"`

	// ItemNames to ItemIDs are the shape of an item, which no page that can be read shows: see item.go.
	// ItemNames: "snake" (start_date) or "camel" (startDate).
	ItemNames string `json:"itemNames"`
	// Numbers: values are JSON "number" or "string".
	Numbers string `json:"numbers"`
	// Times: "z" (…T08:00:00Z), "offset" (…T08:00:00+00:00) or "local" (…T09:00:00+01:00 in the home zone).
	Times string `json:"times"`
	// Units: no page says which unit a value is in. "export" writes them as Apple's own export does (count/min), "header" as
	// HealthKit's header (count/s), "ucum" by UCUM codes (/min), "locale" as an iPhone may be set (lb, degF), "none" not at
	// all.
	Units string `json:"units"`
	// Percent: whether a "%" is a "fraction" (0.97) as in HealthKit, or of a "hundred" (97).
	Percent string `json:"percent"`
	// UnknownMetrics, names separated by spaces, are refused with unknownMetricStatus beside those that the simulator never knew: the list of allowed ones
	// cannot be read.
	UnknownMetrics string `json:"unknownMetrics"`
	// ItemDevices, ItemIDs: whether items name their device and have an id. True.
	ItemDevices bool `json:"itemDevices"`
	ItemIDs     bool `json:"itemIDs"`

	// SleepItems to SleepUnits are the shape of an item of sleep, which no page that can be read shows: see sleepitem.go.
	// SleepItems: "sessions" by device with their stages, "samples" that are each one stage, or sessions with "totals" of the stages.
	SleepItems string `json:"sleepItems"`
	// SleepStageNames: "short" (core), "healthkit" (asleepCore), "identifier" (HKCategoryValueSleepAnalysisAsleepCore), "number" (3) or
	// "light", as other makers call core.
	SleepStageNames string `json:"sleepStageNames"`
	// SleepEnds: an item says its "end", or its "duration" in seconds.
	SleepEnds string `json:"sleepEnds"`
	// SleepUnits: totals are in "seconds" or "minutes", which their names say, or "unnamed" (seconds) or "unnamedMinutes".
	SleepUnits string `json:"sleepUnits"`

	// LimitIn: the documentation calls the limits headers and shows them in the body. "body", "headers", "both" or
	// "none".
	LimitIn string `json:"limitIn"`
	// LimitPer: whom the 10,000 requests a day belong to. "user" or "client".
	LimitPer string `json:"limitPer"`
	// DailyLimit: 10000 as documented, although one sample says 1000.
	DailyLimit int `json:"dailyLimit"`
	// LimitStatus, RetryAfter: what happens over the limit is not documented; both are inventions. RetryAfter is
	// "seconds", "date" or "none".
	LimitStatus int    `json:"limitStatus"`
	RetryAfter  string `json:"retryAfter"`
	// CountTokenCalls: whether /api/token and /api/refresh use up the limit. False.
	CountTokenCalls bool `json:"countTokenCalls"`

	// RepeatPage misbehaves: every page has the items of the first one, and more are promised for ever.
	RepeatPage bool `json:"repeatPage"`
	// NeverEnding misbehaves: has_more is true on every page, empty ones too.
	NeverEnding bool `json:"neverEnding"`
	// ExtraSamples is a nuisance and no fault: so many samples arrive, at the newest end of the range asked for,
	// before each page after the first is answered.
	ExtraSamples int `json:"extraSamples"`
}

// DefaultSwitches is what a simulator starts with.
func DefaultSwitches() Switches {
	return Switches{
		CodeLifetime: simulators.Duration(10 * time.Minute), DenyAs: "redirect", DenyError: "access_denied", NoScopes: "deny",
		TokenEncoding: "both", AccessTokenLifetime: simulators.Duration(time.Hour),
		InvalidGrantStatus: http.StatusBadRequest, InvalidClientStatus: http.StatusUnauthorized, TokenErrors: "oauth",
		UnauthorizedStatus: http.StatusUnauthorized, MissingScopeStatus: http.StatusForbidden, OtherUserStatus: http.StatusForbidden,
		UnknownUserStatus: http.StatusNotFound, UnknownMetricStatus: http.StatusNotFound, MalformedStatus: http.StatusBadRequest,
		ErrorBody: "json", DefaultPageSize: 1000, EndDate: "inclusive", PlainDates: "utc", Offsets: "accept", RangeBy: "start",
		OutOfRange: "reject", BeyondLast: "empty", NoPage: "null", NextPage: "path", NextPageSort: "drop",
		ItemNames: "snake", Numbers: "number", Times: "z", Units: "export", Percent: "fraction", ItemDevices: true, ItemIDs: true,
		SleepItems: "sessions", SleepStageNames: "short", SleepEnds: "end", SleepUnits: "seconds",
		LimitIn: "body", LimitPer: "user", DailyLimit: 10_000, LimitStatus: http.StatusTooManyRequests, RetryAfter: "seconds",
	}
}

// Validate refuses words and numbers that a switch does not know.
func (s Switches) Validate() error {
	words := []struct{ name, value, known string }{
		{"denyAs", s.DenyAs, "redirect page"}, {"noScopes", s.NoScopes, "deny grant"},
		{"tokenEncoding", s.TokenEncoding, "both json form"}, {"tokenErrors", s.TokenErrors, "oauth plain empty"},
		{"errorBody", s.ErrorBody, "json html empty"}, {"endDate", s.EndDate, "inclusive exclusive"},
		{"plainDates", s.PlainDates, "utc home"}, {"offsets", s.Offsets, "accept reject"}, {"rangeBy", s.RangeBy, "start overlap"},
		{"outOfRange", s.OutOfRange, "reject clamp"}, {"beyondLast", s.BeyondLast, "empty notFound"},
		{"noPage", s.NoPage, "null absent"}, {"nextPage", s.NextPage, "path absolute foreign"},
		{"nextPageSort", s.NextPageSort, "drop keep"}, {"itemNames", s.ItemNames, "snake camel"},
		{"numbers", s.Numbers, "number string"}, {"times", s.Times, "z offset local"},
		{"units", s.Units, "export header ucum locale none"}, {"percent", s.Percent, "fraction hundred"},
		{"sleepItems", s.SleepItems, "sessions samples totals"}, {"sleepStageNames", s.SleepStageNames, "short healthkit identifier number light"},
		{"sleepEnds", s.SleepEnds, "end duration"}, {"sleepUnits", s.SleepUnits, "seconds minutes unnamed unnamedMinutes"},
		{"limitIn", s.LimitIn, "body headers both none"}, {"limitPer", s.LimitPer, "user client"},
		{"retryAfter", s.RetryAfter, "seconds date none"},
	}
	for _, w := range words {
		if known := strings.Fields(w.known); !slices.Contains(known, w.value) {
			return fmt.Errorf("%s is %s, not %q", w.name, strings.Join(known, " or "), w.value)
		}
	}
	statuses := []int{
		s.InvalidGrantStatus, s.InvalidClientStatus, s.UnauthorizedStatus, s.MissingScopeStatus, s.OtherUserStatus,
		s.UnknownUserStatus, s.UnknownMetricStatus, s.MalformedStatus, s.LimitStatus,
	}
	for _, status := range statuses {
		if status < 400 || status > 599 {
			return fmt.Errorf("the status of an error is from 400 to 599, not %d", status)
		}
	}
	switch {
	case s.DefaultPageSize < 1 || s.DefaultPageSize > maxPageSize:
		return fmt.Errorf("defaultPageSize is from 1 to %d, not %d", maxPageSize, s.DefaultPageSize)
	case s.CodeLifetime <= 0 || s.AccessTokenLifetime <= 0:
		return errors.New("a lifetime must be positive")
	case s.DailyLimit < 0 || s.ExtraSamples < 0:
		return errors.New("dailyLimit and extraSamples must not be negative")
	case s.DenyError == "":
		return errors.New("denyError must not be empty")
	}
	return nil
}
