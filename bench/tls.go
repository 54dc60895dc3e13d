package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	certificateFile = "upstreams.pem"
	keyFile         = "upstreams-key.pem"
)

// How the upstreams speak.
const (
	plainHTTP = "plain"
	tlsHTTP1  = "http1" // HTTP/1.1 over TLS
	tlsHTTP2  = "http2" // HTTP/2 over TLS
)

// authority is what the upstreams show, which is its own authority. Gateway and floor find it by SSL_CERT_FILE.
func (b *bench) authority() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "upstreams of the measurement"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(parsed)
	b.control = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}}
	file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	if err := os.WriteFile(b.file(certificateFile), file, 0o600); err != nil {
		return err
	}
	return os.WriteFile(b.file(keyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

// startUpstreams starts them in whatever way they are to speak.
func (b *bench) startUpstreams(ctx context.Context, self string) (err error) {
	b.control = http.DefaultClient
	words := []string{self, roleUpstreams, b.newest.Format(time.DateOnly)}
	if b.options.speak != plainHTTP {
		if err := b.authority(); err != nil {
			return err
		}
		b.trusting = []string{"SSL_CERT_FILE=" + b.file(certificateFile)}
		words = append(words, b.options.speak, b.file(certificateFile), b.file(keyFile))
	}
	b.upstreams, err = start(ctx, false, wholeLine, nil, words...)
	return err
}

// serving is how a server serves: plainly, or with TLS and HTTP/2 or not.
type serving struct {
	scheme string
	serve  func(*http.Server, net.Listener) error
}

var plainly = serving{"http", (*http.Server).Serve}

// secured serves by TLS. words are one of the two ways, and the files of a certificate and its key.
func secured(words []string) (way serving, err error) {
	if len(words) != 3 || words[0] != tlsHTTP1 && words[0] != tlsHTTP2 {
		return way, fmt.Errorf("upstreams speak %s or %s with a certificate and a key", tlsHTTP1, tlsHTTP2)
	}
	return serving{"https", func(s *http.Server, l net.Listener) error {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(words[0] == tlsHTTP1)
		s.Protocols.SetHTTP2(words[0] == tlsHTTP2)
		return s.ServeTLS(l, words[1], words[2])
	}}, nil
}
