package health

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones come with the program: a slim container has none of its own

	"github.com/go-json-experiment/json/jsontext"
)

// writeQuoted writes s as a JSON string, with what is no UTF-8 replaced: that is all that the error would say. A response writer keeps
// its own error, so there is nobody to tell here.
func writeQuoted(w io.Writer, s string) {
	quoted, _ := jsontext.AppendQuote(make([]byte, 0, len(s)+2), s)
	_, _ = w.Write(quoted)
}

// TimeZone is an IANA time zone. The zero value is UTC. Comparable.
type TimeZone struct{ loc *time.Location }

// UTC is the zone of last resort.
var UTC = TimeZone{}

// zones keeps those that were asked for: parsing one costs more than a request. Valid names alone are kept.
var zones zoneMap

// zoneMap is a sync.Map with types.
type zoneMap struct{ m sync.Map }

func (z *zoneMap) Load(name string) (*time.Location, bool) {
	value, _ := z.m.Load(name)
	loc, ok := value.(*time.Location)
	return loc, ok
}

func (z *zoneMap) LoadOrStore(name string, loc *time.Location) (*time.Location, bool) {
	value, loaded := z.m.LoadOrStore(name, loc)
	kept, _ := value.(*time.Location) // nothing else is ever stored
	return kept, loaded
}

// ParseTimeZone finds an IANA zone such as "Europe/Paris". "Local" and the empty name are refused.
func ParseTimeZone(name string) (TimeZone, error) {
	if name == "UTC" {
		return UTC, nil
	}
	if loc, ok := zones.Load(name); ok {
		return TimeZone{loc}, nil
	}
	refused := Refuse("", "a time zone is an IANA name such as Europe/Paris or UTC")
	if len(name) > 64 || !isZoneName(name) {
		return TimeZone{}, refused
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return TimeZone{}, refused
	}
	kept, _ := zones.LoadOrStore(name, loc)
	return TimeZone{kept}, nil
}

// isZoneName says whether the name is spelled as IANA spells zones. A system's own directory of zones has the same files
// under other paths ("Europe//Paris", "posix/Europe/Paris"), clocks that count leap seconds ("right/Europe/Paris") and the
// machine's own zone ("localtime").
func isZoneName(name string) bool {
	for i, part := range strings.Split(name, "/") {
		strange := strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_+-", r)
		})
		if part == "" || strange || (i == 0 && slices.Contains([]string{"Local", "localtime", "posix", "posixrules", "right"}, part)) {
			return false
		}
	}
	return true
}

// Location is the zone for package time.
func (z TimeZone) Location() *time.Location {
	if z.loc == nil {
		return time.UTC
	}
	return z.loc
}

// String is the IANA name.
func (z TimeZone) String() string { return z.Location().String() }

// MarshalGQL writes the scalar TimeZone.
func (z TimeZone) MarshalGQL(w io.Writer) { writeQuoted(w, z.String()) }

// UnmarshalGQL reads the scalar TimeZone.
func (z *TimeZone) UnmarshalGQL(v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return Refuse("", "a time zone is a string such as \"Europe/Paris\"")
	}
	*z, err = ParseTimeZone(s)
	return err
}

// URL is an absolute URL. App schemes (com.example.app:/back) count as absolute.
type URL string

// MaxURLBytes is the longest URL that a caller may hand in.
const MaxURLBytes = 8192

// ParseURL checks that s is an absolute URL of at most 8,192 bytes. The error never repeats s.
func ParseURL(s string) (URL, error) {
	if len(s) > MaxURLBytes {
		return "", Refuse("", fmt.Sprintf("a URL has at most %d bytes", MaxURLBytes))
	}
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() || (u.Host == "" && u.Path == "" && u.Opaque == "") {
		return "", Refuse("", "a URL is absolute, such as https://app.example/back")
	}
	return URL(s), nil
}

// MarshalGQL writes the scalar URL.
func (u URL) MarshalGQL(w io.Writer) { writeQuoted(w, string(u)) }

// UnmarshalGQL reads the scalar URL.
func (u *URL) UnmarshalGQL(v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return Refuse("", "a URL is a string")
	}
	*u, err = ParseURL(s)
	return err
}

// Duration is a span of time, written in ISO 8601 as "PT90S" or "PT1H30M". Output only, whole seconds, rounded up so
// that waiting as long as told is always enough.
type Duration time.Duration

// String is the ISO 8601 form.
func (d Duration) String() string {
	left := (time.Duration(d) + time.Second - 1) / time.Second
	if left <= 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteString("PT")
	for _, part := range []struct {
		seconds time.Duration
		letter  string
	}{{3600, "H"}, {60, "M"}, {1, "S"}} {
		if n := left / part.seconds; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, part.letter)
			left %= part.seconds
		}
	}
	return b.String()
}

// MarshalGQL writes the scalar Duration.
func (d Duration) MarshalGQL(w io.Writer) { writeQuoted(w, d.String()) }

// UnmarshalGQL refuses: no argument takes a Duration.
func (d *Duration) UnmarshalGQL(any) error { return Refuse("", "a duration is never an input") }
