package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/testing/fakekms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"healthgraph/logtest"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// fakeKMS is Tink's fake KMS, counted and switched off at will. Its URIs hold the key itself: none may ever be repeated.
type fakeKMS struct {
	tokens.KMSClient
	calls atomic.Int64
	down  atomic.Bool
}

func newFakeKMS(t *testing.T) (*fakeKMS, string) {
	t.Helper()
	client, err := fakekms.NewClient("fake-kms://")
	require.NoError(t, err)
	return &fakeKMS{KMSClient: client}, keyURI(t)
}

func keyURI(t *testing.T) string {
	t.Helper()
	uri, err := fakekms.NewKeyURI()
	require.NoError(t, err)
	return uri
}

func (f *fakeKMS) GetAEAD(uri string) (tink.AEAD, error) {
	key, err := f.KMSClient.GetAEAD(uri)
	return fakeKey{key, f}, err
}

func (f *fakeKMS) called() error {
	f.calls.Add(1)
	if f.down.Load() {
		return errors.New("canary: the fake KMS is down")
	}
	return nil
}

type fakeKey struct {
	tink.AEAD
	kms *fakeKMS
}

func (k fakeKey) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	if err := k.kms.called(); err != nil {
		return nil, err
	}
	return k.AEAD.Encrypt(plaintext, associatedData)
}

func (k fakeKey) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	if err := k.kms.called(); err != nil {
		return nil, err
	}
	return k.AEAD.Decrypt(ciphertext, associatedData)
}

// command is command with the fake KMS beside the real ones.
func (f *fakeKMS) command(t *testing.T, args ...string) (written string, err error) {
	t.Helper()
	var out, log logtest.Log
	err = run(t.Context(), args, console{&out, &log}, f)
	return out.String() + log.String(), err
}

// keyset makes a wrapped keyset.
func (f *fakeKMS) keyset(t *testing.T, uri string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrapped.json")
	_, err := f.command(t, "keys", "create", path, "--keyset-kms-uri", uri)
	require.NoError(t, err)
	return path
}

func TestEveryKeysCommandWorksWithAWrappedKeyset(t *testing.T) {
	kms, uri := newFakeKMS(t)
	environment(t, map[string]string{"KEYSET_KMS_URI": uri})
	plain := filepath.Join(t.TempDir(), "plain.json")
	_, err := kms.command(t, "keys", "create", plain, "--keyset-kms-uri=")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "wrapped.json")
	told, err := kms.command(t, "keys", "wrap", plain, path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	was := content(t, path)
	assert.NotContains(t, was, material(t, plain)[0])
	_, err = kms.command(t, "keys", "wrap", plain, path)
	require.ErrorContains(t, err, "exists already")
	assert.Equal(t, was, content(t, path))

	for _, step := range []struct {
		args  []string
		calls int64
	}{{[]string{"list"}, 1}, {[]string{"rotate", "add"}, 2}, {[]string{"rotate", "use"}, 2}, {[]string{"list"}, 1}} {
		before := kms.calls.Load()
		out, err := kms.command(t, append(append([]string{"keys"}, step.args...), path)...)
		require.NoError(t, err)
		assert.Equal(t, step.calls, kms.calls.Load()-before, "%v: a call to read it, and one to write it", step.args)
		assert.Contains(t, content(t, path), `"encryptedKeyset"`)
		told += out
	}
	old := regexp.MustCompile(`(\d+)\tenabled\topens what it sealed`).FindStringSubmatch(told)
	require.NotNil(t, old)
	out, err := kms.command(t, "keys", "retire", path, "--key", old[1])
	require.NoError(t, err)
	list, err := kms.command(t, "keys", "list", path)
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\tenabled\tprimary\n$`, list)
	before := kms.calls.Load()
	resealed, err := kms.command(t, "keys", "reseal", "--keyset-file", path, "--database-url", storetest.SQLite(t))
	require.NoError(t, err)
	assert.Contains(t, resealed, "0 of 0 grants")
	assert.EqualValues(t, 1, kms.calls.Load()-before)
	assert.Empty(t, contains(told+out+list+resealed, material(t, plain)[0], uri))
}

func TestKeysCommandsSayWhatIsWrongWithAWrappedKeysetAndLeaveItAlone(t *testing.T) {
	kms, uri := newFakeKMS(t)
	plain, wrapped := keyset(t), kms.keyset(t, uri)
	fresh := filepath.Join(t.TempDir(), "fresh.json")
	for name, test := range map[string]struct {
		uri, file, says string
		down            bool
	}{
		"no URI":      {"", wrapped, "set HEALTHGRAPH_KEYSET_KMS_URI", false},
		"in clear":    {uri, plain, "healthgraph keys wrap", false},
		"another key": {keyURI(t), wrapped, "the KMS refuses, or can't be reached", false},
		"down":        {uri, wrapped, "the KMS refuses, or can't be reached", true},
		"no KMS":      {"canary://canary", wrapped, "HEALTHGRAPH_KEYSET_KMS_URI: it is of no KMS that is known: it begins with aws-kms:// or hcvault://", false},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, map[string]string{"KEYSET_KMS_URI": test.uri, "DATABASE_URL": storetest.SQLite(t), "KEYSET_FILE": test.file})
			kms.down.Store(test.down)
			defer kms.down.Store(false)
			was := content(t, test.file)
			for _, args := range [][]string{{"list", test.file}, {"rotate", "add", test.file}, {"rotate", "use", test.file}, {"retire", "--key", "1", test.file}, {"reseal"}} {
				out, err := kms.command(t, append([]string{"keys"}, args...)...)
				require.ErrorContains(t, err, test.says, args)
				assert.Empty(t, contains(out+err.Error(), "canary", uri, test.file))
				assert.Equal(t, was, content(t, test.file))
			}
			if test.down || name == "no KMS" {
				for _, args := range [][]string{{"create", fresh}, {"wrap", plain, fresh}} {
					_, err := kms.command(t, append([]string{"keys"}, args...)...)
					require.ErrorContains(t, err, test.says)
					assert.NoFileExists(t, fresh, "no empty file is left to stumble over")
				}
			}
		})
	}
	_, err := kms.command(t, "keys", "wrap", plain, fresh)
	require.ErrorContains(t, err, "HEALTHGRAPH_KEYSET_KMS_URI or --keyset-kms-uri must name")
	_, err = kms.command(t, "keys", "wrap", wrapped, fresh, "--keyset-kms-uri", uri)
	require.ErrorContains(t, err, "wrapped")
	assert.NoFileExists(t, fresh)
	_, err = kms.command(t, "keys", "wrap", plain, fresh, "--keyset-kms-uri", uri)
	require.NoError(t, err)
}

func TestServeStartsWithAWrappedKeysetOrSaysWhatIsWrong(t *testing.T) {
	kms, uri := newFakeKMS(t)
	good := map[string]string{
		"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "not-made.db"),
		"ROOK_BASE_URL": "http://127.0.0.1:1", "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "secret", "KEYSET_FILE": kms.keyset(t, uri), "KEYSET_KMS_URI": uri,
	}
	for name, test := range map[string]struct{ variable, value, says string }{
		"no URI":      {"KEYSET_KMS_URI", "", "the configuration is not good:\nHEALTHGRAPH_KEYSET_FILE: it is wrapped under a key of a KMS: set HEALTHGRAPH_KEYSET_KMS_URI to that key's URI"},
		"in clear":    {"KEYSET_FILE", keyset(t), "the configuration is not good:\nHEALTHGRAPH_KEYSET_FILE: it is in clear, and HEALTHGRAPH_KEYSET_KMS_URI says that it is wrapped: wrap it with `healthgraph keys wrap`, or leave that variable out"},
		"no KMS":      {"KEYSET_KMS_URI", "canary", "the configuration is not good:\nHEALTHGRAPH_KEYSET_KMS_URI: it is of no KMS that is known: it begins with aws-kms:// or hcvault://"},
		"no whole":    {"KEYSET_KMS_URI", "aws-kms://canary", "the configuration is not good:\nHEALTHGRAPH_KEYSET_KMS_URI: the KMS does not take this URI: it must be like aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID"},
		"another key": {"KEYSET_KMS_URI", keyURI(t), "HEALTHGRAPH_KEYSET_FILE: the KMS refuses, or can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, good)
			environment(t, map[string]string{test.variable: test.value})
			out, err := kms.command(t, "serve")
			require.EqualError(t, err, test.says)
			assert.Empty(t, contains(out, "canary", uri))
			assert.NoFileExists(t, strings.TrimPrefix(good["DATABASE_URL"], "sqlite:"))
		})
	}
	environment(t, good)
	kms.calls.Store(0)
	nothingLeft(t, func() {
		s := startWith(t, kmsClients{kms}, "serve")
		s.until(&s.log, `(healthgraph is ready)`)
		s.stop()
		assert.NotContains(t, s.log.String(), "fake-kms")
	})
	assert.EqualValues(t, 1, kms.calls.Load())
}

func TestAWrappedKeysetCostsOneCallAtStartAndOneForEachChange(t *testing.T) {
	kms, uri := newFakeKMS(t)
	path := kms.keyset(t, uri)
	kms.calls.Store(0)
	w := newWorld(t, worldOptions{
		change:  func(s *settings) { s.KeysetFile, s.KeysetKMSURI, s.ShareAccounts = path, uri, true },
		options: func(o *options) { o.keyset, o.kms = nil, kmsClients{kms} },
	})
	for _, person := range []string{"person-1", "person-2", "person-3"} {
		w.link(person, "demo")
		w.app.keyset.look(t.Context())
		assert.Equal(t, "CONNECTED", w.links(person)["onetwentyone"].Status)
	}
	assert.EqualValues(t, 1, kms.calls.Load(), "neither a grant nor a request asks the KMS")
	for i, step := range []string{"add", "use"} {
		_, err := kms.command(t, "keys", "rotate", step, path, "--keyset-kms-uri", uri)
		require.NoError(t, err)
		before := kms.calls.Load()
		for range 3 {
			w.app.keyset.look(t.Context())
			assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
		}
		assert.EqualValues(t, 1, kms.calls.Load()-before)
		assert.Equal(t, i+1, strings.Count(w.log.String(), `"msg":"the keyset was reloaded","keys":2`))
	}
}

func TestAKMSThatFailsWhileServingIsToldOnceAndAskedAgain(t *testing.T) {
	kms, uri := newFakeKMS(t)
	path := kms.keyset(t, uri)
	w := newWorld(t, worldOptions{
		change:  func(s *settings) { s.KeysetFile, s.KeysetKMSURI = path, uri },
		options: func(o *options) { o.keyset, o.kms = nil, kmsClients{kms} },
	})
	w.link("person-1", "demo")
	_, err := kms.command(t, "keys", "rotate", "add", path, "--keyset-kms-uri", uri)
	require.NoError(t, err)
	good, failures := content(t, path), func() int { return strings.Count(w.log.String(), `"level":"ERROR"`) }
	kms.down.Store(true)
	for range 3 {
		w.app.keyset.look(t.Context())
		assert.Equal(t, 1, failures(), w.log.String())
		assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
	}
	assert.Contains(t, w.log.String(), `"error":"the KMS refuses, or can't be reached"`)
	kms.down.Store(false)
	before := kms.calls.Load()
	for range 3 {
		w.app.keyset.look(t.Context())
	}
	assert.Contains(t, w.log.String(), `"msg":"the keyset was reloaded","keys":2`, "nobody had to touch the file again")
	assert.EqualValues(t, 1, kms.calls.Load()-before)

	for i, bad := range []string{content(t, keyset(t)), content(t, kms.keyset(t, keyURI(t))), content(t, kms.keyset(t, uri))} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		for range 3 {
			w.app.keyset.look(t.Context())
		}
		assert.Equal(t, i+2, failures(), "in clear, under another key, and without a key in common")
		assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
	}
	require.NoError(t, os.WriteFile(path, []byte(good), 0o600))
	w.app.keyset.look(t.Context())
	assert.Equal(t, 2, strings.Count(w.log.String(), "the keyset was reloaded"))
	assert.Empty(t, contains(w.log.String(), "canary", uri, path))
}
