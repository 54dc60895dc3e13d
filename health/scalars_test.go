package health_test

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

func TestTimeZonesAreIANANames(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "America/Port-au-Prince", "EST5EDT", "Asia/Kolkata", "Asia/Calcutta"} {
		zone, err := health.ParseTimeZone(name)
		require.NoError(t, err, name)
		assert.Equal(t, name, zone.String())
		again, err := health.ParseTimeZone(name)
		require.NoError(t, err)
		assert.Len(t, map[health.TimeZone]bool{zone: true, again: true}, 1, "%s: a zone equals itself", name)
	}
	for _, name := range []string{
		"", "Local", "localtime", "../x", "../../etc/passwd", "Europe/../Europe/Paris", "Mars/Phobos", "/Europe/Paris",
		"Europe/Paris/", "Europe//Paris", "./Europe/Paris", "Europe/./Paris", `Europe\Paris`, "Europe/Paris\x00", " UTC",
		"UTC ", "+02:00", "posix/Europe/Paris", "right/Europe/Paris", "posixrules", "tzdata.zi", "Europe", "Europe/París",
		strings.Repeat("x", 1<<20),
	} {
		_, err := health.ParseTimeZone(name)
		require.Error(t, err, "%.80q", name)
		assert.Equal(t, health.BadUserInput, health.AsError(err).Code)
		assert.Less(t, len(err.Error()), 200, "what was refused is not repeated")
	}
	for _, value := range []any{nil, 1, []byte("UTC")} {
		var zone health.TimeZone
		assert.Error(t, zone.UnmarshalGQL(value))
	}
	var zone health.TimeZone
	require.NoError(t, zone.UnmarshalGQL("Asia/Tokyo"))
	assert.Equal(t, "Asia/Tokyo", zone.String())
}

func TestTheZeroTimeZoneIsUTC(t *testing.T) {
	var zone health.TimeZone
	assert.Equal(t, health.UTC, zone)
	assert.Equal(t, time.UTC, zone.Location())
	parsed, err := health.ParseTimeZone("UTC")
	require.NoError(t, err)
	assert.Equal(t, zone, parsed)
}

func TestDurationsAreWrittenInISO8601AndRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "PT0S", 0: "PT0S", time.Nanosecond: "PT1S", time.Second: "PT1S", 1500 * time.Millisecond: "PT2S",
		time.Minute: "PT1M", 90 * time.Second: "PT1M30S", time.Hour: "PT1H", time.Hour + time.Second: "PT1H1S",
		90 * time.Minute: "PT1H30M", 48*time.Hour + 3*time.Minute + 7*time.Second: "PT48H3M7S", 59*time.Minute + 59*time.Second + 1: "PT1H",
	} {
		assert.Equal(t, want, health.Duration(d).String(), "%s", d)
		assert.Equal(t, `"`+want+`"`, written(health.Duration(d)))
	}
	var d health.Duration
	assert.Error(t, d.UnmarshalGQL("PT1S"), "no argument takes one")
}

func TestURLsAreAbsolute(t *testing.T) {
	longest := "https://app.example/" + strings.Repeat("x", health.MaxURLBytes-len("https://app.example/"))
	for _, text := range []string{"https://app.example", "http://localhost:8080/back?x=1#y", "com.example.app:/back", "com.example.app://back", "mailto:a@b.example", longest} {
		u, err := health.ParseURL(text)
		require.NoError(t, err, "%.80s", text)
		assert.Equal(t, health.URL(text), u)
	}
	for _, text := range []string{"", "/back", "app.example/back", "//app.example/back", "https:", "https://", ":", "://x", "https://app.example/%zz", "https://a b.example", "\x7f", longest + "x"} {
		_, err := health.ParseURL(text)
		require.Error(t, err, "%.80q", text)
		assert.Equal(t, health.BadUserInput, health.AsError(err).Code)
		assert.Less(t, len(err.Error()), 200, "what was refused is not repeated")
	}
	var u health.URL
	assert.Error(t, u.UnmarshalGQL(7))
	require.NoError(t, u.UnmarshalGQL("https://app.example/back"))
	assert.Equal(t, `"https://app.example/?a=1&b=<2>"`, written(health.URL("https://app.example/?a=1&b=<2>")), "an address stays readable")
}

func TestEveryScalarIsOneJSONStringWhateverItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{`"`, `\`, `\u0000`, "\x00\x1f\n\r\t", "\xff\xfe", "\u2028", "</script>", `","x":"`, "\xed\xa0\x80"}),
		).Draw(t, "text")
		for _, scalar := range []marshaler{health.URL(text), health.UserID(text), health.DataSourceID(text), health.LinkID(text)} {
			var back string
			require.NoError(t, json.Unmarshal([]byte(written(scalar)), &back), "%T", scalar)
			if utf8.ValidString(text) {
				require.Equal(t, text, back, "%T", scalar)
			}
		}
	})
	for _, scalar := range []marshaler{health.Duration(math.MaxInt64 / 2), health.Date{Year: 12026, Month: 1, Day: 1}, health.UTC} {
		assert.True(t, json.Valid([]byte(written(scalar))), "%T", scalar)
	}
}

func TestIDsAreStringsOrIntegers(t *testing.T) {
	for value, want := range map[any]string{"fitbit": "fitbit", 7: "7", int64(8): "8", json.Number("9"): "9"} {
		var source health.DataSourceID
		var link health.LinkID
		var user health.UserID
		require.NoError(t, source.UnmarshalGQL(value))
		require.NoError(t, link.UnmarshalGQL(value))
		require.NoError(t, user.UnmarshalGQL(value))
		assert.Equal(t, [3]string{want, want, want}, [3]string{string(source), string(link), string(user)})
	}
	for _, value := range []any{nil, true, 1.5, []any{"x"}, map[string]any{}} {
		var source health.DataSourceID
		var link health.LinkID
		var user health.UserID
		assert.Error(t, source.UnmarshalGQL(value))
		assert.Error(t, link.UnmarshalGQL(value))
		assert.Error(t, user.UnmarshalGQL(value))
	}
}

type marshaler interface{ MarshalGQL(w io.Writer) }

func written(m marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

func TestTextIsQuotedOnOneLine(t *testing.T) {
	for text, want := range map[string]string{
		`a&b"c\`:   `"a&b\"c\\"`,
		"a\nb\x00": `"a\nb\u0000"`,
		"a\xffb":   "\"a\uFFFDb\"",
		"":         `""`,
	} {
		var written strings.Builder
		health.DataSourceID(text).MarshalGQL(&written)
		assert.Equal(t, want, written.String())
	}
}
