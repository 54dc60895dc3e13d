package simulators

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that JSON writes the way Go does, "1h30m" or "250ms", for use in switches.
type Duration time.Duration

// MarshalText writes the duration in Go's notation.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's notation.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf(`%q is not a duration such as "30s", "5m" or "24h"`, text)
	}
	*d = Duration(v)
	return nil
}
