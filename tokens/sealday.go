package tokens

import (
	"encoding/json"
	"fmt"
	"time"

	"healthgraph/health"
)

// DayPlace is what a kept day is about. What is sealed for one place opens for no other.
type DayPlace struct {
	User      health.UserID
	Connector string
	AccountID string // the person as the upstream knows them
	Metric    string
	Zone      string // in which the day begins and ends; "" = the upstream's own days
	Day       health.Date
	Version   int64     // of what the upstream said
	FetchedAt time.Time // to the microsecond
}

func (p DayPlace) bound() []byte {
	bound, _ := json.Marshal([]any{"day", p.Connector, string(p.User), p.AccountID, p.Metric, p.Zone, p.Day.String(), p.Version, p.FetchedAt.UnixMicro()}) // always encodes
	return bound
}

// SealDay seals what an upstream said of a day.
func (s *Sealer) SealDay(place DayPlace, plain []byte) ([]byte, error) {
	sealed, err := s.aead.Encrypt(plain, place.bound())
	if err != nil {
		return nil, fmt.Errorf("seal a day: %w", err)
	}
	return sealed, nil
}

// OpenDay opens what SealDay sealed. The error says that the bytes were altered, are about something else, or were sealed under
// a key that is gone.
func (s *Sealer) OpenDay(place DayPlace, sealed []byte) ([]byte, error) {
	plain, err := s.aead.Decrypt(sealed, place.bound())
	if err != nil {
		return nil, errUnsealed
	}
	return plain, nil
}
