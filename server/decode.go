package server

import (
	"encoding/json"
	"errors"
	"io"
)

// decodeObject reads one JSON object or null, and nothing after it. Numbers keep their digits. A member that is there twice is an
// error: what stands in front of the gateway may have judged the other one.
func decodeObject[V any](from io.Reader) (map[string]V, error) {
	decoder := json.NewDecoder(from)
	decoder.UseNumber()
	var object map[string]V
	switch first, err := decoder.Token(); {
	case err != nil:
		return nil, err
	case first == json.Delim('{'):
		object = map[string]V{}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			var value V
			if err := decoder.Decode(&value); err != nil {
				return nil, err
			}
			key, _ := name.(string) // as the decoder has made sure
			if _, twice := object[key]; twice {
				return nil, errors.New("a member is there twice")
			}
			object[key] = value
		}
		if _, err := decoder.Token(); err != nil {
			return nil, err
		}
	case first != nil:
		return nil, errors.New("no object")
	}
	return object, atEnd(decoder)
}

// decode reads one JSON value and nothing after it. Numbers keep their digits.
func decode(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	return atEnd(decoder)
}

// atEnd refuses whatever follows the value that was read.
func atEnd(decoder *json.Decoder) error {
	switch _, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return errors.New("more than one value")
	}
}
