package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/logtest"
)

// selfSigned is a certificate for 127.0.0.1 with that serial number, and its key, in PEM.
func selfSigned(t *testing.T, serial int64) (chain, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"gateway.example"}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// shown is the serial number of the certificate at an address.
func shown(t *testing.T, address string) int64 {
	t.Helper()
	connection, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer connection.Close()
	state := connection.(*tls.Conn).ConnectionState()
	assert.GreaterOrEqual(t, state.Version, uint16(tls.VersionTLS12))
	return state.PeerCertificates[0].SerialNumber.Int64()
}

func TestServeSpeaksTLSByItselfWhereItHasACertificate(t *testing.T) {
	directory := t.TempDir()
	chain, key := selfSigned(t, 1)
	certFile, keyFile := filepath.Join(directory, "canary.pem"), filepath.Join(directory, "canary.key")
	require.NoError(t, os.WriteFile(certFile, chain, 0o600))
	require.NoError(t, os.WriteFile(keyFile, key, 0o600))
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": "sqlite:" + filepath.Join(directory, "test.db"), "KEYSET_FILE": keyset(t),
		"ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "key", "TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile,
	})
	s := start(t, "serve")
	address := s.until(&s.log, `"graphql":"https://(127\.0\.0\.1:\d+)/graphql"`)
	assert.EqualValues(t, 1, shown(t, address))

	authorities := x509.NewCertPool()
	require.True(t, authorities.AppendCertsFromPEM(chain))
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, ServerName: "gateway.example"}}}
	defer c.CloseIdleConnections()
	response, err := c.Get("https://" + address + "/livez")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "max-age=31536000", response.Header.Get("Strict-Transport-Security"))

	plain := dial(t, address)
	plain.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
	assert.Equal(t, []int{http.StatusBadRequest}, plain.statuses(), "nothing is answered in clear")
	old, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", address)
	if err == nil {
		old.Close()
	}
	require.Error(t, err, "TLS 1.1")

	chain, key = selfSigned(t, 2)
	require.NoError(t, os.WriteFile(certFile, chain, 0o600))
	require.NoError(t, os.WriteFile(keyFile, key, 0o600))
	s.until(&s.log, `("msg":"the certificate was reloaded","until":"20)`)
	assert.EqualValues(t, 2, shown(t, address))
	s.stop()
	assert.Empty(t, contains(s.log.String(), "canary", "handshake"), "who connects badly is not logged")
}

func TestACertificateThatWasRenewedIsTakenUp(t *testing.T) {
	log := &logtest.Log{}
	s := edgeSettings{TLSCertFile: filepath.Join(t.TempDir(), "chain.pem"), TLSKeyFile: filepath.Join(t.TempDir(), "key.pem")}
	put := func(chain, key []byte) {
		require.NoError(t, os.WriteFile(s.TLSCertFile, chain, 0o600))
		require.NoError(t, os.WriteFile(s.TLSKeyFile, key, 0o600))
	}
	chain, key := selfSigned(t, 1)
	put(chain, key)
	c, files, err := newCertificate(&s, slog.New(slog.NewJSONHandler(log, nil)))
	require.NoError(t, err)
	serial := func() int64 {
		pair, err := c.get(nil)
		require.NoError(t, err)
		return pair.Leaf.SerialNumber.Int64()
	}
	renewed, renewedKey := selfSigned(t, 2)
	put(renewed, renewedKey)
	assert.EqualValues(t, 1, serial(), "nobody has looked yet")
	files.look(t.Context())
	assert.EqualValues(t, 2, serial())
	for range 3 {
		put(renewed, key)
		files.look(t.Context())
		assert.EqualValues(t, 2, serial(), "half of a renewal is waited out")
	}
	require.NoError(t, os.Remove(s.TLSCertFile))
	files.look(t.Context())
	assert.EqualValues(t, 2, serial())
	put(chain, key)
	files.look(t.Context())
	assert.EqualValues(t, 1, serial())
	assert.Equal(t, 2, strings.Count(log.String(), "the certificate was reloaded"))
	assert.Equal(t, 2, strings.Count(log.String(), "the changed certificate can't be used"), "each once")
	assert.NotContains(t, log.String(), ".pem")
}
