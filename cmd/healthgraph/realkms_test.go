package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// kmsServer seals under one key, and keeps count. A status takes the place of its answers.
type kmsServer struct {
	key    cipher.AEAD
	calls  atomic.Int64
	status atomic.Int64
}

func newKMSServer(t *testing.T) *kmsServer {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(t, err)
	key, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return &kmsServer{key: key}
}

// transit speaks as HashiCorp Vault's transit engine does, with one key and one token.
func (k *kmsServer) transit(w http.ResponseWriter, r *http.Request) {
	k.calls.Add(1)
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	refuse := func(status int) { answer(status, map[string]any{"errors": []string{"canary"}}) }
	var in struct {
		Plaintext, Ciphertext string
		AssociatedData        string `json:"associated_data"`
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	plain, badPlain := []byte(nil), json.NewDecoder(r.Body).Decode(&in)
	if badPlain == nil {
		plain, badPlain = base64.StdEncoding.DecodeString(in.Plaintext)
	}
	switch {
	case k.status.Load() != 0:
		refuse(int(k.status.Load()))
	case r.Header.Get("X-Vault-Token") != "canary-token":
		refuse(http.StatusForbidden)
	case r.Method != http.MethodPut && r.Method != http.MethodPost, badPlain != nil, in.AssociatedData != "", name != "healthgraph":
		refuse(http.StatusBadRequest)
	case r.URL.Path == "/v1/transit/encrypt/healthgraph":
		answer(http.StatusOK, map[string]any{"data": map[string]any{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString(k.key.Seal(nil, nil, plain, nil)), "key_version": 1}})
	case r.URL.Path == "/v1/transit/decrypt/healthgraph":
		sealed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
		if err == nil {
			plain, err = k.key.Open(nil, nil, sealed, nil)
		}
		if err != nil {
			refuse(http.StatusBadRequest)
			return
		}
		answer(http.StatusOK, map[string]any{"data": map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}})
	default:
		refuse(http.StatusNotFound)
	}
}

// testARN is the key of aws.
const testARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// aws speaks as AWS KMS does (JSON 1.1), with one key and one caller.
func (k *kmsServer) aws(w http.ResponseWriter, r *http.Request) {
	k.calls.Add(1)
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"__type": code, "message": "canary"})
	}
	var in struct {
		KeyID                     string `json:"KeyId"`
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	signed := regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=canary-id/\d{8}/eu-central-1/kms/aws4_request, SignedHeaders=.+, Signature=[0-9a-f]{64}$`)
	out := map[string]any{"KeyId": testARN}
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case k.status.Load() != 0:
		refuse(int(k.status.Load()), "KMSInternalException")
		return
	case !signed.MatchString(r.Header.Get("Authorization")):
		refuse(http.StatusBadRequest, "AccessDeniedException")
		return
	case err != nil || len(in.EncryptionContext) > 0:
		refuse(http.StatusBadRequest, "ValidationException")
		return
	case in.KeyID != testARN:
		refuse(http.StatusBadRequest, "NotFoundException")
		return
	case r.Header.Get("X-Amz-Target") == "TrentService.Encrypt":
		out["CiphertextBlob"] = k.key.Seal(nil, nil, in.Plaintext, nil)
	default:
		plain, err := k.key.Open(nil, nil, in.CiphertextBlob, nil)
		if err != nil {
			refuse(http.StatusBadRequest, "InvalidCiphertextException")
			return
		}
		out["Plaintext"] = plain
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

// realKMS is how each service is reached, and what goes wrong with it: a variable of the environment and what is said.
type realKMS struct {
	server   *kmsServer
	uri      string
	another  string // a key that there is not, and what is said
	says     string
	failures map[string][2]string
	broken   map[int64]string // by the status that it answers with
}

func vaultWorld(t *testing.T) realKMS {
	t.Helper()
	k := newKMSServer(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(k.transit))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients that do not trust it
	s.StartTLS()
	t.Cleanup(s.Close)
	t.Setenv("VAULT_TOKEN", "canary-token")
	t.Setenv("VAULT_CACERT", written(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))))
	t.Setenv("VAULT_MAX_RETRIES", "0")
	uri := "hcvault://" + s.Listener.Addr().String() + "/transit/keys/"
	return realKMS{k, uri + "healthgraph", uri + "canary", "the KMS does not take it: the URI names another key than it was wrapped under, or none", map[string][2]string{
		"VAULT_TOKEN":       {"canary", "the KMS refuses the credentials"},
		"VAULT_CACERT":      {"", "the KMS can't be reached: is it up"},
		"VAULT_CLIENT_CERT": {"canary", "the KMS can't be set up: a VAULT_ variable is malformed"},
		"VAULT_AGENT_ADDR":  {"http://127.0.0.1:1", "the KMS can't be reached: is it up"},
		"VAULT_SKIP_VERIFY": {"canary", "the KMS can't be set up: a VAULT_ variable is malformed"},
		"VAULT_HEADERS":     {"canary", "the KMS can't be set up: a VAULT_ variable is malformed"},
	}, map[int64]string{503: "the KMS is not ready: is Vault sealed?", 404: "the KMS has no such key", 500: "the KMS answers with status 500"}}
}

func awsWorld(t *testing.T) realKMS {
	t.Helper()
	k := newKMSServer(t)
	s := httptest.NewServer(http.HandlerFunc(k.aws))
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": s.URL, "AWS_ACCESS_KEY_ID": "canary-id", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"), "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return realKMS{k, awsPrefix + testARN, awsPrefix + strings.Replace(testARN, "1234abcd", "canary00", 1), "the KMS has no such key", map[string][2]string{
		"AWS_ACCESS_KEY_ID":     {"canary-another", "the KMS refuses the credentials"},
		"AWS_ENDPOINT_URL_KMS":  {"http://127.0.0.1:1", "the KMS can't be reached: is it up"},
		"AWS_PROFILE":           {"canary", "the KMS can't be set up: the AWS variables or files"},
		"AWS_SECRET_ACCESS_KEY": {"", "Or the environment has no AWS credentials"},
	}, map[int64]string{500: "the KMS answers with status 500"}}
}

func TestAKeysetIsWrappedServedAndRotatedUnderARealKMS(t *testing.T) {
	for name, world := range map[string]func(*testing.T) realKMS{"Vault": vaultWorld, "AWS": awsWorld} {
		t.Run(name, func(t *testing.T) {
			k := world(t)
			plain, url := keyset(t), storetest.SQLite(t)
			path := filepath.Join(t.TempDir(), "wrapped.json")
			environment(t, map[string]string{"KEYSET_KMS_URI": k.uri, "KEYSET_FILE": path, "DATABASE_URL": url})
			_, told := keysCommandOf(t, "wrap", plain, path)
			w := newWorld(t, worldOptions{
				databaseURL: url,
				change:      func(s *settings) { s.KeysetFile, s.KeysetKMSURI = path, k.uri },
				options:     func(o *options) { o.keyset, o.kms = nil, allKMS() },
			})
			assert.EqualValues(t, 2, k.server.calls.Load(), "one to wrap and one to start")
			w.link("person-1", "demo")
			for i, step := range []string{"add", "use"} {
				_, log := keysCommandOf(t, "rotate", step, path)
				w.app.keyset.look(t.Context())
				assert.Equal(t, i+1, strings.Count(w.log.String(), `"msg":"the keyset was reloaded","keys":2`))
				assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
				told += log
			}
			out, _ := keysCommandOf(t, "reseal")
			assert.Equal(t, "1 of 1 grants: 1 resealed, 0 skipped, 0 unopenable\n", out)
			list, _ := keysCommandOf(t, "list", path)
			old, _, _ := strings.Cut(list, "\t")
			keysCommandOf(t, "retire", path, "--key", old)
			w.app.keyset.look(t.Context())
			assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
			assert.EqualValues(t, 2+2*3+1+1+2+1, k.server.calls.Load(), "two steps and their reloads, reseal, list, retire and its reload")
			assert.Empty(t, contains(w.log.String()+told+out+list, "canary", k.uri, material(t, plain)[0]))
		})
	}
}

func TestServeStartsUnderARealKMSAndSaysWhatIsWrongWithIt(t *testing.T) {
	for name, world := range map[string]func(*testing.T) realKMS{"Vault": vaultWorld, "AWS": awsWorld} {
		t.Run(name, func(t *testing.T) {
			k := world(t)
			path := filepath.Join(t.TempDir(), "wrapped.json")
			good := map[string]string{
				"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": storetest.SQLite(t), "KEYSET_FILE": path, "KEYSET_KMS_URI": k.uri,
				"ROOK_BASE_URL": "http://127.0.0.1:1", "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "secret",
			}
			environment(t, good)
			keysCommandOf(t, "create", path)
			nothingLeft(t, func() {
				s := start(t, "serve")
				s.until(&s.log, `(healthgraph is ready)`)
				s.stop()
				assert.Empty(t, contains(s.log.String(), "canary", k.uri))
			})
			fails := func(t *testing.T, says string) {
				t.Helper()
				out, log, err := command(t, "serve")
				require.ErrorContains(t, err, says)
				assert.Empty(t, contains(out+log+err.Error(), "canary", k.uri, "127.0.0.1"))
			}
			for variable, test := range k.failures {
				t.Run(variable, func(t *testing.T) {
					t.Setenv(variable, test[0])
					fails(t, test[1])
				})
			}
			for status, says := range k.broken {
				k.server.status.Store(status)
				fails(t, says)
			}
			k.server.status.Store(0)
			environment(t, map[string]string{"KEYSET_FILE": written(t, regexp.MustCompile(`"encryptedKeyset":"[^"]+"`).ReplaceAllString(content(t, path), `"encryptedKeyset":"Y2FuYXJ5"`))})
			fails(t, "the KMS does not take it: the URI names another key")
			environment(t, good)
			environment(t, map[string]string{"KEYSET_KMS_URI": k.another})
			fails(t, k.says)
		})
	}
}

func TestURIsOfARealKMSThatAreNotWholeAreRefused(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "")
	for uri, says := range map[string]string{
		"hcvault://": "it must be like hcvault://",
		"hcvault://canary:canary@h/transit/keys/a": "hold no credentials",
		"hcvault://h/transit/keys/a?token=canary":  "hold no credentials",
		"hcvault://canary":                         "it must be like hcvault://",
		"hcvault://canary/transit/canary":          "it must be like hcvault://",
		"hcvault://canary/transit/keys/a":          "set VAULT_TOKEN",
		"aws-kms://canary":                         "it must be like aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID",
		"aws-kms://arn:aws:s3:eu:1:key/canary":     "it must be like aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID",
		"gcp-kms://canary":                         "it begins with aws-kms:// or hcvault://",
		"AWS-KMS://" + testARN:                     "it begins with aws-kms:// or hcvault://",
	} {
		_, err := kmsSettings{uri}.wrapping(allKMS())
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "canary")
	}
	t.Setenv("VAULT_TOKEN", "canary-token")
	for _, uri := range []string{"hcvault://h/transit/keys/a", "aws-kms://" + testARN, "aws-kms://arn:aws:kms:eu-central-1:111122223333:alias/healthgraph"} {
		_, err := kmsSettings{uri}.wrapping(allKMS())
		require.NoError(t, err)
	}
}

func TestAKMSClientWritesNothingOfItsOwn(t *testing.T) {
	k := awsWorld(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	for name, value := range map[string]string{
		"AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": refuses.URL, // which the SDK warns of
	} {
		t.Setenv(name, value)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = file
	_, _, err = command(t, "keys", "create", filepath.Join(t.TempDir(), "keyset.json"), "--keyset-kms-uri", k.uri)
	os.Stderr = stderr
	require.NoError(t, file.Close())
	require.ErrorContains(t, err, "Or the environment has no AWS credentials")
	assert.Empty(t, content(t, file.Name()))
}
