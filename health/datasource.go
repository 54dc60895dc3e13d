package health

import (
	"io"
	"strings"
)

// DataSourceID is the open slug of a data source, such as "fitbit", "apple_health" or "onetwentyone".
type DataSourceID string

// SlugOf makes a data source's slug from a name as some upstream writes it. Case and separators do not count: "Apple
// Health", "apple_health" and "APPLE-HEALTH" are one. Characters other than ASCII letters and digits separate words; a
// name without any gives "".
func SlugOf(name string) DataSourceID {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return DataSourceID(strings.Join(words, "_"))
}

// MarshalGQL writes the scalar ID.
func (id DataSourceID) MarshalGQL(w io.Writer) { writeQuoted(w, string(id)) }

// UnmarshalGQL reads the scalar ID. Whether there is such a data source is for the gateway to say.
func (id *DataSourceID) UnmarshalGQL(v any) error {
	s, err := readID(v)
	*id = DataSourceID(s)
	return err
}

// DataSourceKind says where a person links a data source.
type DataSourceKind string

// The kinds of data source.
const (
	KindBrowser DataSourceKind = "BROWSER" // on a consent page
	KindSDK     DataSourceKind = "SDK"     // in a phone app, through the upstream's SDK
)

// Capability is something that can be asked of a data source.
type Capability string

// The capabilities, named after the fields that use them.
const (
	CapabilityConnections         Capability = "CONNECTIONS"
	CapabilityAuthorizationURL    Capability = "AUTHORIZATION_URL"
	CapabilityPersonalAccessToken Capability = "PERSONAL_ACCESS_TOKEN"
	CapabilityRevoke              Capability = "REVOKE"
	CapabilityStepCount           Capability = "STEP_COUNT"
	CapabilitySleep               Capability = "SLEEP"
)

// DataSource is an entry of the catalogue.
type DataSource struct {
	ID           DataSourceID
	Name         string // as people know it
	Connector    string // the upstream that reaches it, such as "rook"
	Kind         DataSourceKind
	Capabilities []Capability
	LogoURL      *URL // nil when the upstream names none
}
