package applehealth

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// tagName answers the element's name and what follows it in a start tag.
func tagName(tag []byte) (name, rest []byte) {
	rest = tag[1:]
	i := 0
	for i < len(rest) && !isSpace(rest[i]) && rest[i] != '/' && rest[i] != '>' {
		i++
	}
	return rest[:i], rest[i:]
}

// nextAttribute cuts the first attribute off the rest of a start tag. The
// value is still escaped. Words without a value are passed over: old exports
// have attribute names with spaces in them
// (https://github.com/lionheart/openradar-mirror/issues/821).
func nextAttribute(rest []byte) (name, value, after []byte, ok bool) {
	for {
		i := 0
		for i < len(rest) && (isSpace(rest[i]) || rest[i] == '/' || rest[i] == '>') {
			i++
		}
		rest = rest[i:]
		i = 0
		for i < len(rest) && rest[i] != '=' && rest[i] != '>' && !isSpace(rest[i]) {
			i++
		}
		name, rest = rest[:i], rest[i:]
		for len(rest) > 0 && isSpace(rest[0]) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return nil, nil, nil, false
		}
		if rest[0] != '=' {
			continue
		}
		rest = rest[1:]
		for len(rest) > 0 && isSpace(rest[0]) {
			rest = rest[1:]
		}
		if len(rest) == 0 || (rest[0] != '"' && rest[0] != '\'') {
			continue
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil, nil, nil, false
		}
		return name, rest[1 : end+1], rest[end+2:], true
	}
}

var entities = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// text resolves the references in an attribute and makes it clean UTF-8 on
// one line. A reference that XML does not define stays as it is written.
func text(raw []byte) string {
	var b strings.Builder
	for len(raw) > 0 {
		if raw[0] == '&' {
			// The longest legal reference is &#x10FFFF; with its ten bytes.
			if end := bytes.IndexByte(raw[:min(len(raw), 12)], ';'); end > 0 {
				if s, ok := reference(string(raw[1:end])); ok {
					b.WriteString(s)
					raw = raw[end+1:]
					continue
				}
			}
		}
		r, size := utf8.DecodeRune(raw)
		b.WriteRune(printable(r))
		raw = raw[size:]
	}
	return strings.TrimSpace(b.String())
}

func reference(name string) (string, bool) {
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		s, ok := entities[name]
		return s, ok
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	r := rune(n) // 21 bits
	if err != nil || !utf8.ValidRune(r) {
		return "", false
	}
	return string(printable(r)), true
}

// printable turns control characters into spaces; exports hold some although
// XML forbids them.
func printable(r rune) rune {
	if r < 0x20 || (r >= 0x7f && r < 0xa0) {
		return ' '
	}
	return r
}

// product finds what kind of device a record was made by, in a description
// like "<<HKDevice: 0x1>, name:Apple Watch, model:Watch, hardware:Watch6,2,
// software:8.3>". Values hold commas, so each one reaches to the next ", "
// that is followed by a known form "word:".
func product(device string) string {
	if v := deviceField(device, "hardware:"); v != "" {
		return v
	}
	return deviceField(device, "model:")
}

func deviceField(device, field string) string {
	_, v, found := strings.Cut(device, ", "+field)
	if !found {
		return ""
	}
	v, _, _ = strings.Cut(v, ", ")
	return strings.TrimRight(v, ">")
}
