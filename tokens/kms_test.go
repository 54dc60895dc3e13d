package tokens_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/testing/fakekms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"healthgraph/tokens"
)

// fakeKMS is Tink's fake KMS, whose URIs hold the key itself: none may ever be repeated.
type fakeKMS struct {
	tokens.KMSClient
	calls int
	fails error
}

func newFakeKMS(t *testing.T) *fakeKMS {
	t.Helper()
	client, err := fakekms.NewClient("fake-kms://")
	require.NoError(t, err)
	return &fakeKMS{KMSClient: client}
}

func (f *fakeKMS) GetAEAD(uri string) (tink.AEAD, error) {
	a, err := f.KMSClient.GetAEAD(uri)
	return fakeKey{a, f}, err
}

type fakeKey struct {
	tink.AEAD
	kms *fakeKMS
}

func (k fakeKey) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	if k.kms.calls++; k.kms.fails != nil {
		return nil, k.kms.fails
	}
	return k.AEAD.Encrypt(plaintext, associatedData)
}

func (k fakeKey) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	if k.kms.calls++; k.kms.fails != nil {
		return nil, k.kms.fails
	}
	return k.AEAD.Decrypt(ciphertext, associatedData)
}

func keyURI(t *testing.T) string {
	t.Helper()
	uri, err := fakekms.NewKeyURI()
	require.NoError(t, err)
	return uri
}

func (f *fakeKMS) wrapping(t *testing.T, uri string) tokens.Wrapping {
	t.Helper()
	w, err := tokens.NewWrapping(uri, []tokens.KMSClient{f})
	require.NoError(t, err)
	return w
}

func TestAWrappedKeysetIsInTinksFormAndStaysSo(t *testing.T) {
	kms, uri := newFakeKMS(t), keyURI(t)
	w := kms.wrapping(t, uri)
	plain := newKeyset(t)
	var file bytes.Buffer
	require.NoError(t, w.Wrap(plain, &file))
	require.Error(t, w.Wrap(file.Bytes(), &bytes.Buffer{}), "it is wrapped already")

	master, err := fakekms.NewAEAD(uri)
	require.NoError(t, err)
	handle, err := keyset.Read(keyset.NewJSONReader(bytes.NewReader(file.Bytes())), master)
	require.NoError(t, err, "Tink reads what was wrapped")
	file.Reset()
	require.NoError(t, handle.Write(keyset.NewJSONWriter(&file), master))

	keys, err := w.ReadKeyset(file.Bytes())
	require.NoError(t, err, "what Tink wrote is read")
	inClear, err := tokens.ReadKeyset(plain)
	require.NoError(t, err)
	assert.Equal(t, inClear.Keys(), keys.Keys())

	_, err = keys.Add()
	require.NoError(t, err)
	var changed bytes.Buffer
	require.NoError(t, keys.Write(&changed))
	_, err = tokens.ReadKeyset(changed.Bytes())
	require.ErrorContains(t, err, "it is wrapped under a key of a KMS", "a change leaves it wrapped")
	again, err := w.ReadKeyset(changed.Bytes())
	require.NoError(t, err)
	assert.Len(t, again.Keys(), 2)
}

func TestWhatIsWrongWithAWrappedKeysetIsSaidWithoutRepeatingAny(t *testing.T) {
	kms, uri := newFakeKMS(t), keyURI(t)
	w := kms.wrapping(t, uri)
	var wrapped bytes.Buffer
	require.NoError(t, w.WriteKeyset(&wrapped))
	plain := newKeyset(t)
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	noKeyset, err := kms.GetAEAD(uri)
	require.NoError(t, err)
	encrypted, err := noKeyset.Encrypt([]byte("canary"), nil)
	require.NoError(t, err)
	var odd bytes.Buffer
	require.NoError(t, handle.Write(keyset.NewJSONWriter(&odd), constant{encrypted}))

	for name, test := range map[string]struct {
		wrapping tokens.Wrapping
		keyset   []byte
		fails    error
		says     string
		kms      bool // the KMS alone can tell
		calls    int
	}{
		"wrapped, and no URI":     {tokens.Wrapping{}, wrapped.Bytes(), nil, "set HEALTHGRAPH_KEYSET_KMS_URI", false, 0},
		"in clear, and a URI":     {w, plain, nil, "healthgraph keys wrap", false, 0},
		"no keyset, and a URI":    {w, []byte("canary"), nil, "not a Tink keyset", false, 0},
		"nothing, and a URI":      {w, []byte("{}"), nil, "not a Tink keyset", false, 0},
		"another key":             {kms.wrapping(t, keyURI(t)), wrapped.Bytes(), nil, "the KMS refuses, or can't be reached", true, 1},
		"the KMS is down":         {w, wrapped.Bytes(), errors.New("canary " + uri), "the KMS refuses, or can't be reached", true, 1},
		"something else, wrapped": {w, odd.Bytes(), nil, "what the KMS unwrapped is not a Tink keyset", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			kms.calls, kms.fails = 0, test.fails
			_, err := test.wrapping.NewSealer(test.keyset)
			kms.fails = nil
			require.ErrorContains(t, err, test.says)
			assert.Equal(t, test.kms, errors.Is(err, tokens.ErrKMS))
			assert.Equal(t, test.calls, kms.calls)
			for _, secret := range []string{"canary", uri[11:], "fake-kms"} {
				assert.NotContains(t, err.Error(), secret)
			}
			err = test.wrapping.Check(test.keyset)
			if test.calls == 0 {
				require.ErrorContains(t, err, test.says)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, test.calls, kms.calls, "looking at the form asks nobody")
		})
	}
	require.NoError(t, w.Check(wrapped.Bytes()))
	_, err = w.NewSealer(wrapped.Bytes())
	require.NoError(t, err)
	kms.fails = errors.New("canary " + uri)
	err = w.WriteKeyset(&bytes.Buffer{})
	require.ErrorIs(t, err, tokens.ErrKMS)
	assert.NotContains(t, err.Error(), "canary")
}

// constant is an AEAD that gives the same ciphertext for everything.
type constant struct{ ciphertext []byte }

func (c constant) Encrypt([]byte, []byte) ([]byte, error) { return c.ciphertext, nil }
func (c constant) Decrypt([]byte, []byte) ([]byte, error) { return nil, errors.New("it does not open") }

func TestAURIOfNoKMSIsRefusedWithoutRepeatingIt(t *testing.T) {
	service := tokens.KMS{
		Prefix:  "some-kms://",
		Client:  func(string) (tokens.KMSClient, error) { return nil, errors.New("canary") },
		Explain: func(error) string { return "does not take this URI" },
	}
	clients := []tokens.KMSClient{newFakeKMS(t), service}
	for uri, says := range map[string]string{
		"canary":            "it is of no KMS that is known: it begins with some-kms://",
		"fake-kms://canary": "the KMS refuses",
		"some-kms://canary": "the KMS does not take this URI",
	} {
		_, err := tokens.NewWrapping(uri, clients)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "canary")
	}
	_, err := tokens.NewWrapping(keyURI(t), clients)
	require.NoError(t, err)
	service.Client = func(string) (tokens.KMSClient, error) { return newFakeKMS(t), nil }
	service.Prefix = "fake-kms://"
	_, err = tokens.NewWrapping(keyURI(t), []tokens.KMSClient{service})
	require.NoError(t, err)
}
