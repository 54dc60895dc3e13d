package health

import "io"

// Secret is a token, password or key. It prints as "[secret]" however it is printed or encoded: the text stands behind
// a pointer in an unexported field, which no reflection-based encoder follows.
type Secret struct{ text *string }

const redacted = "[secret]"

// NewSecret wraps the text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the text, for the one place that sends or seals it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty says whether there is nothing to reveal.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// String is "[secret]".
func (Secret) String() string { return redacted }

// GoString is "[secret]".
func (Secret) GoString() string { return redacted }

// MarshalText is "[secret]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalGQL writes "[secret]": no field of the schema gives one.
func (Secret) MarshalGQL(w io.Writer) { writeQuoted(w, redacted) }

// UnmarshalGQL reads the scalar Secret. The error never repeats it, whatever it is.
func (s *Secret) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return Refuse("", "a secret is a string")
	}
	*s = NewSecret(text)
	return nil
}
