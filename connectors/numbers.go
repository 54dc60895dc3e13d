package connectors

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// IsNull says whether the value is JSON's null.
func IsNull(value json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(value), []byte("null")) }

// Number reads a JSON number, also one sent as a string. ok is false for anything else, and for what is too large; a value
// that is absent or null is not there, which is fine.
func Number(value json.RawMessage) (n float64, there, ok bool) {
	if len(value) == 0 || IsNull(value) {
		return 0, false, true
	}
	digits, isText := Text(value)
	if digits = strings.TrimSpace(digits); !isText {
		digits = string(value)
	}
	if strings.IndexAny(digits, "-0123456789") != 0 || (isText && !json.Valid([]byte(digits))) {
		return 0, true, false
	}
	n, err := strconv.ParseFloat(digits, 64)
	return n, true, err == nil && !math.IsInf(n, 0)
}

// Text reads a JSON string. One without escapes, as almost all are, is taken as it stands: a list of samples has tens of
// thousands of them.
func Text(value json.RawMessage) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), true
	}
	return unescaped(value)
}

// unescaped is apart from Text, whose every answer would be allocated twice otherwise.
func unescaped(value json.RawMessage) (text string, ok bool) {
	return text, json.Unmarshal(value, &text) == nil
}
