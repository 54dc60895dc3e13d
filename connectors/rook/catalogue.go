package rook

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"healthgraph/health"
)

// entry is one data source that ROOK is known to reach.
type entry struct {
	id   health.DataSourceID
	name string // as people know it
	wire string // as ROOK spells it in paths, bodies and its v2 list
	kind health.DataSourceKind
}

// catalogue is in the order shown. ROOK writes one source in up to three ways ("Garmin" in paths and bodies,
// "apple_health" in its v1 map, "Apple Health" in its v2 list); find knows them all by the name alone.
var catalogue = []entry{
	{"garmin", "Garmin", "Garmin", health.KindBrowser},
	{"oura", "Oura", "Oura", health.KindBrowser},
	{"polar", "Polar", "Polar", health.KindBrowser},
	{"fitbit", "Fitbit", "Fitbit", health.KindBrowser},
	{"withings", "Withings", "Withings", health.KindBrowser},
	{"whoop", "WHOOP", "Whoop", health.KindBrowser},
	{"dexcom", "Dexcom", "Dexcom", health.KindBrowser},
	{"apple_health", "Apple Health", "Apple Health", health.KindSDK},
	{"health_connect", "Health Connect", "Health Connect", health.KindSDK},
	{"samsung_health", "Samsung Health", "Samsung Health", health.KindSDK},
	{"android", "Android", "Android", health.KindSDK},
}

var byCollapsedName = func() map[string]entry {
	index := map[string]entry{}
	for _, e := range catalogue {
		index[collapse(string(e.id))] = e
	}
	return index
}()

// collapse makes "Apple Health", "apple_health", "HEALTH-CONNECT" and "AppleHealth" comparable: case and separators are
// no part of a name, and ROOK is not consistent in either.
func collapse(name string) string {
	return strings.ReplaceAll(string(health.SlugOf(name)), "_", "")
}

// find gives the catalogue's entry for a source however ROOK spells it.
func find(name string) (entry, bool) {
	e, known := byCollapsedName[collapse(name)]
	return e, known
}

func (e entry) dataSource() health.DataSource {
	return health.DataSource{ID: e.id, Name: e.name, Kind: e.kind}
}

func (s spelling) find() sourceFound {
	f := sourceFound{DataSource: health.DataSource{ID: slugOf(s.name), Name: printable(s.name), Kind: health.KindBrowser}}
	f.nameless = f.Name == ""
	e, known := find(s.name)
	switch {
	case known:
		f.DataSource, f.known = e.dataSource(), true
	case looksLikeSDK(s.name):
		f.Kind = health.KindSDK
	}
	f.place = slices.IndexFunc(catalogue, func(e entry) bool { return e.id == f.ID })
	if u, err := url.Parse(s.image); err == nil && u.Scheme == "https" && u.Host != "" {
		if logo, err := health.ParseURL(s.image); err == nil {
			f.LogoURL = &logo
		}
	}
	return f
}

// wireName is how ROOK is told of a source: its own spelling, or for a source without an entry the name as ROOK wrote it.
func wireName(source health.DataSource) string {
	if e, known := find(string(source.ID)); known {
		return e.wire
	}
	if source.Name != "" {
		return source.Name
	}
	return string(source.ID)
}

// maxName bounds a name of ROOK's that we repeat, in characters.
const maxName = 64

// printable bounds a name and drops what a page or terminal could stumble over.
func printable(name string) string {
	kept := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, name))
	if characters := []rune(kept); len(characters) > maxName {
		kept = strings.TrimSpace(string(characters[:maxName]))
	}
	return kept
}

// slugOf is health.SlugOf, with a stable made-up slug for a name that holds no ASCII letter or digit.
func slugOf(name string) health.DataSourceID {
	if slug := health.SlugOf(printable(name)); slug != "" {
		return slug
	}
	sum := sha256.Sum256([]byte(name))
	return health.DataSourceID("source_" + hex.EncodeToString(sum[:4]))
}
