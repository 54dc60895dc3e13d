package rook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"healthgraph/simulators"
)

// Switches are the choices that ROOK's public material leaves open or contradicts itself about, each with the default
// that DefaultSwitches assumes. A client should work whichever way they stand.
type Switches struct {
	// RequireUserAgent: integrators say that requests need a User-Agent, no official page does, and how a refusal looks
	// is unknown. Assumed: true; an absent one and Go's own are refused with 403.
	RequireUserAgent bool `json:"requireUserAgent"`
	// ErrorFormat: the envelope is documented for revoke_auth only. Assumed: "envelope" everywhere; or "text", "html".
	ErrorFormat string `json:"errorFormat"`
	// ErrorPath: the documented examples show both forms. Assumed: "literal", the path as asked; or "template".
	ErrorPath string `json:"errorPath"`
	// EnforceUserID: the pattern of user ids is documented, that it is enforced is not. Assumed: true, with 422.
	EnforceUserID bool `json:"enforceUserId"`
	// UnknownUserStatus: what a user id never seen before is answered is undocumented. Assumed: 200, a list in which
	// nothing is linked; or 204, or 404. With 404, documents are answered 404 as well, otherwise like "no data".
	UnknownUserStatus int `json:"unknownUserStatus"`

	// V2List: the newer list is announced as the replacement. Assumed: true; false answers 404.
	V2List bool `json:"v2List"`
	// FlagName: the v2 list's boolean is "authorized" in the SDK, "status" in the changelog. Assumed: "authorized".
	FlagName string `json:"flagName"`
	// NullSources: the SDK allows null for a source that is not offered to a client. Assumed: none. Display names.
	NullSources []string `json:"nullSources"`
	// V2NullSources: how the v2 list has such a source is undocumented. Assumed: "absent"; or "null".
	V2NullSources string `json:"v2NullSources"`
	// ExtraSources: names that no documentation has yet, in both lists, never linked. Assumed: none.
	ExtraSources []string `json:"extraSources"`
	// NameStyle: the spelling of sources in answers, except v1's keys, is shown by example only. Assumed: "display";
	// or "lower", "upper", "snake", "kebab", "joined".
	NameStyle string `json:"nameStyle"`
	// V1KeyStyle: the same for v1's keys. Assumed: "snake".
	V1KeyStyle string `json:"v1KeyStyle"`
	// V1SamsungHealth: no document shows a key samsung_health. Assumed: false, there is none.
	V1SamsungHealth bool `json:"v1SamsungHealth"`

	// AuthorizationURLWhenAuthorized: absent or null is undocumented. Assumed: "absent"; or "null".
	AuthorizationURLWhenAuthorized string `json:"authorizationUrlWhenAuthorized"`
	// EnforceRedirectURL: integrators pass more than the documented 50 characters. Assumed: true, the rules hold.
	EnforceRedirectURL bool `json:"enforceRedirectUrl"`
	// RedirectURLStatus: how a bad redirect_url is refused is undocumented. Assumed: 422; or 400.
	RedirectURLStatus int `json:"redirectUrlStatus"`
	// UnknownSourceStatus: the same for a source that the authorizer does not have. Assumed: 422; or 404.
	UnknownSourceStatus int `json:"unknownSourceStatus"`
	// CaseInsensitiveSources: whether "garmin" is Garmin is undocumented. Assumed: false, for authorizer and revoke_auth.
	CaseInsensitiveSources bool `json:"caseInsensitiveSources"`
	// AppendPath: integrators see /client_uuid/…/user_id/… added to their redirect_url, no page confirms it.
	// Assumed: "beforeQuery", added to its path; or "afterQuery", added to its very end; or "off".
	AppendPath string `json:"appendPath"`
	// DenyRedirect: what follows a refusal is undocumented. Assumed: "callback", the same redirect; or "stay", a page.
	DenyRedirect string `json:"denyRedirect"`
	// ConsentLifetime: how long an authorization_url works is undocumented. Assumed: "0s", for ever.
	ConsentLifetime simulators.Duration `json:"consentLifetime"`
	// ConnectDelay: how soon a granted source counts as linked is undocumented. Assumed: "0s", at once.
	ConnectDelay simulators.Duration `json:"connectDelay"`

	// RevokeNotConnectedStatus: revoking a source that is not linked is 204 or 422; the SDK takes 422 for success.
	// Assumed: 422; or 204, or 200.
	RevokeNotConnectedStatus int `json:"revokeNotConnectedStatus"`
	// RevokableSources: the documented list of 2024 lacks Withings, Dexcom, Samsung Health and Android.
	// Assumed: "all"; or "listed2024".
	RevokableSources string `json:"revokableSources"`
	// EmptyRevoke: the guide revokes all sources without a body, the OpenAPI description answers that with 400.
	// Assumed: "refuse"; or "revokeAll".
	EmptyRevoke string `json:"emptyRevoke"`
	// RevokeDelay: the guide says up to hours, a support article at once. Assumed: "0s". Lists and data go on so long.
	RevokeDelay simulators.Duration `json:"revokeDelay"`
	// LateDataFor: data may still arrive for a while after a revocation. Assumed: "0s", counted from the revocation.
	LateDataFor simulators.Duration `json:"lateDataFor"`

	// NoDataStatus: 204 is documented; one integrator expects 404. Assumed: 204.
	NoDataStatus int `json:"noDataStatus"`
	// BadQueryStatus: a missing or malformed user_id or date is undocumented. Assumed: 422; or 400, or 204.
	BadQueryStatus int `json:"badQueryStatus"`
	// FutureDateStatus: so is a day that has not begun for the person. Assumed: 204; or 422.
	FutureDateStatus int `json:"futureDateStatus"`
	// ServeToday: documents come after the day (or the night) has ended, says the data-structure page; SDK 4 may have
	// today's. Assumed: false. With true, today's steps are the share of the day that has passed.
	ServeToday bool `json:"serveToday"`
	// HistoryDays: how many days before a link are served; documented are 7 for browser and 29 for SDK sources. Assumed:
	// 0, no limit, so that a demo has a past. Links that a simulator starts with are older than any limit.
	HistoryDays int `json:"historyDays"`
	// SourcesPerDocument: how often sources are merged is undocumented. Assumed: "mixed", all linked sources on days
	// whose number since 1970 divides by three, else the first one; or "one", "all".
	SourcesPerDocument string `json:"sourcesPerDocument"`
	// GranularData: on unless deactivated, or an add-on that must be ordered, depending on the page. Assumed: true.
	GranularData bool `json:"granularData"`
	// ActiveStepsItem: the items of active_steps_granular_data_array have "active_steps_int" in the OpenAPI description,
	// "steps_int" in live payloads. Assumed: "active_steps_int".
	ActiveStepsItem string `json:"activeStepsItem"`
	// OmitDistance: any leaf may be null; whether the object around steps_int may lack is undocumented. Assumed: false.
	OmitDistance bool `json:"omitDistance"`
	// SummaryInstant: which moment a summary's datetime_string is, is undocumented. Assumed: "localMidnight", the start
	// of the day with the person's offset; or "utcMidnight", or "localMidnightInUTC" (whose first ten characters are the
	// day before, east of Greenwich), or "extraction", a minute after the day's end.
	SummaryInstant string `json:"summaryInstant"`
	// NightDate: which date a night's summary is asked for by is undocumented. Assumed: "morning", that of waking up; or "evening".
	NightDate string `json:"nightDate"`
	// TimeZoneStatus: the answer to setting a zone is undocumented. Assumed: 200; or 201, or 204.
	TimeZoneStatus int `json:"timeZoneStatus"`
}

// DefaultSwitches are the assumptions that a simulator starts with.
func DefaultSwitches() Switches {
	return Switches{
		RequireUserAgent: true, ErrorFormat: "envelope", ErrorPath: "literal", EnforceUserID: true, UnknownUserStatus: 200,
		V2List: true, FlagName: "authorized", NullSources: []string{}, V2NullSources: "absent", ExtraSources: []string{},
		NameStyle: "display", V1KeyStyle: "snake",
		AuthorizationURLWhenAuthorized: "absent", EnforceRedirectURL: true, RedirectURLStatus: 422, UnknownSourceStatus: 422,
		AppendPath: "beforeQuery", DenyRedirect: "callback",
		RevokeNotConnectedStatus: 422, RevokableSources: "all", EmptyRevoke: "refuse",
		NoDataStatus: 204, BadQueryStatus: 422, FutureDateStatus: 204, SourcesPerDocument: "mixed", GranularData: true,
		ActiveStepsItem: "active_steps_int", SummaryInstant: "localMidnight", NightDate: "morning", TimeZoneStatus: 200,
	}
}

// Validate reports the first switch that has a value it does not know, with those that it knows.
func (s *Switches) Validate() error {
	styles := []string{"display", "lower", "upper", "snake", "kebab", "joined"}
	for _, c := range []struct {
		name, value string
		allowed     []string
	}{
		{"errorFormat", s.ErrorFormat, []string{"envelope", "text", "html"}},
		{"errorPath", s.ErrorPath, []string{"literal", "template"}},
		{"unknownUserStatus", strconv.Itoa(s.UnknownUserStatus), []string{"200", "204", "404"}},
		{"flagName", s.FlagName, []string{"authorized", "status"}},
		{"v2NullSources", s.V2NullSources, []string{"absent", "null"}},
		{"nameStyle", s.NameStyle, styles},
		{"v1KeyStyle", s.V1KeyStyle, styles},
		{"authorizationUrlWhenAuthorized", s.AuthorizationURLWhenAuthorized, []string{"absent", "null"}},
		{"redirectUrlStatus", strconv.Itoa(s.RedirectURLStatus), []string{"422", "400"}},
		{"unknownSourceStatus", strconv.Itoa(s.UnknownSourceStatus), []string{"422", "404"}},
		{"appendPath", s.AppendPath, []string{"beforeQuery", "afterQuery", "off"}},
		{"denyRedirect", s.DenyRedirect, []string{"callback", "stay"}},
		{"revokeNotConnectedStatus", strconv.Itoa(s.RevokeNotConnectedStatus), []string{"422", "204", "200"}},
		{"revokableSources", s.RevokableSources, []string{"all", "listed2024"}},
		{"emptyRevoke", s.EmptyRevoke, []string{"refuse", "revokeAll"}},
		{"noDataStatus", strconv.Itoa(s.NoDataStatus), []string{"204", "404"}},
		{"badQueryStatus", strconv.Itoa(s.BadQueryStatus), []string{"422", "400", "204"}},
		{"futureDateStatus", strconv.Itoa(s.FutureDateStatus), []string{"204", "422"}},
		{"sourcesPerDocument", s.SourcesPerDocument, []string{"mixed", "one", "all"}},
		{"activeStepsItem", s.ActiveStepsItem, []string{"active_steps_int", "steps_int"}},
		{"summaryInstant", s.SummaryInstant, []string{"localMidnight", "utcMidnight", "localMidnightInUTC", "extraction"}},
		{"nightDate", s.NightDate, []string{"morning", "evening"}},
		{"timeZoneStatus", strconv.Itoa(s.TimeZoneStatus), []string{"200", "201", "204"}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			return fmt.Errorf("%s cannot be %q; allowed are %s", c.name, c.value, strings.Join(c.allowed, ", "))
		}
	}
	for _, name := range s.NullSources {
		if _, ok := findSource(name, false); !ok {
			return fmt.Errorf("nullSources cannot have %q; allowed are %s", name, strings.Join(sourceNames(), ", "))
		}
	}
	for name, d := range map[string]simulators.Duration{
		"consentLifetime": s.ConsentLifetime, "connectDelay": s.ConnectDelay, "revokeDelay": s.RevokeDelay, "lateDataFor": s.LateDataFor,
	} {
		if d < 0 {
			return fmt.Errorf("%s cannot be negative", name)
		}
	}
	if s.HistoryDays < 0 {
		return errors.New("historyDays cannot be negative; 0 means no limit")
	}
	return nil
}
