package tokens

import "fmt"

// SealAnswer seals an upstream's answer for a place outside the process. It opens for no other.
func (s *Sealer) SealAnswer(place, plain []byte) ([]byte, error) {
	sealed, err := s.aead.Encrypt(plain, append([]byte("answer\x00"), place...))
	if err != nil {
		return nil, fmt.Errorf("seal an answer: %w", err)
	}
	return sealed, nil
}

// OpenAnswer opens what SealAnswer sealed for the place.
func (s *Sealer) OpenAnswer(place, sealed []byte) ([]byte, error) {
	plain, err := s.aead.Decrypt(sealed, append([]byte("answer\x00"), place...))
	if err != nil {
		return nil, errUnsealed
	}
	return plain, nil
}
