package health_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

const canary = "canary-of-a-token"

// holders are the places in which a secret may stand when somebody prints them.
func holders() map[string]any {
	secret := health.NewSecret(canary)
	type inner struct{ Token health.Secret }
	type hidden struct{ token health.Secret }
	return map[string]any{
		"alone":                  secret,
		"pointer":                &secret,
		"exported field":         inner{secret},
		"pointer to a struct":    &inner{secret},
		"unexported field":       hidden{secret},
		"pointer to unexported":  &hidden{secret},
		"slice":                  []health.Secret{secret},
		"slice of pointers":      []*health.Secret{&secret},
		"array":                  [1]inner{{secret}},
		"map value":              map[string]health.Secret{"token": secret},
		"map key":                map[health.Secret]string{secret: "token"},
		"map of unexported":      map[string]hidden{"x": {secret}},
		"any":                    []any{secret, inner{secret}},
		"deep in unexported any": struct{ any any }{hidden{secret}},
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	for name, holder := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%o"} {
			assertHidden(t, fmt.Sprintf(verb, holder), name+" "+verb)
		}
		assertHidden(t, fmt.Sprint(holder), name)
		assertHidden(t, fmt.Sprintln(holder), name)
		assertHidden(t, fmt.Errorf("failed with %v: %w", holder, errors.New("x")).Error(), name)
	}
}

func TestASecretIsNeverLogged(t *testing.T) {
	for name, holder := range holders() {
		var text, object bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&object, nil)} {
			log := slog.New(handler)
			log.With("holder", holder).WithGroup("group").Info("message", slog.Any("any", holder), slog.Group("inner", slog.Any("value", holder)))
		}
		assertHidden(t, text.String(), name)
		assertHidden(t, object.String(), name)
	}
}

func TestASecretIsNeverEncoded(t *testing.T) {
	for name, holder := range holders() {
		if encoded, err := json.Marshal(holder); err == nil { // a struct is no key of a map, in JSON
			assertHidden(t, string(encoded), name)
		}
		if encoded, err := xml.Marshal(holder); err == nil {
			assertHidden(t, string(encoded), name)
		}
		var b bytes.Buffer
		_ = gob.NewEncoder(&b).Encode(holder) // whether it can or not, nothing may come out
		assertHidden(t, b.String(), name)
	}
	encoded, err := json.Marshal(map[string]any{"token": health.NewSecret(canary), "byToken": map[health.Secret]int{health.NewSecret(canary): 1}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"token":"[secret]","byToken":{"[secret]":1}}`, string(encoded))
}

func TestASecretIsRevealedOnPurposeAlone(t *testing.T) {
	assert.Equal(t, canary, health.NewSecret(canary).Reveal())
	assert.False(t, health.NewSecret(canary).IsEmpty())
	assert.True(t, health.NewSecret("").IsEmpty())
	var none health.Secret
	assert.True(t, none.IsEmpty())
	assert.Empty(t, none.Reveal())
	assert.Equal(t, "[secret]", none.String(), "not even whether there is one")
	assert.Equal(t, "[secret]", fmt.Sprintf("%#v", health.NewSecret(canary)))
}

func assertHidden(t *testing.T, printed, where string) {
	t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
		if strings.Contains(printed, form) {
			t.Errorf("%s shows the secret", where) // and not what was printed
		}
	}
}
