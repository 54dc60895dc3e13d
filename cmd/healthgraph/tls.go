package main

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// lookAtCertificateEvery bounds how long a certificate is shown that was renewed.
const lookAtCertificateEvery = 10 * time.Second

// certificate is the server's own. Its files are looked at again when somebody connects, so that one that was renewed is taken up
// without a restart. What can't be used is told once, and the one in use stays.
type certificate struct {
	settings *edgeSettings
	log      *slog.Logger
	every    time.Duration

	mu    sync.Mutex
	pair  *tls.Certificate
	seen  string    // the digest of the files that were last looked at, or why there were none
	again time.Time // not looked at before
}

func newCertificate(s *edgeSettings, log *slog.Logger) (*certificate, error) {
	pair, seen, err := s.certificate()
	if err != nil {
		return nil, err
	}
	return &certificate{settings: s, log: log, every: lookAtCertificateEvery, pair: pair, seen: seen, again: time.Now().Add(lookAtCertificateEvery)}, nil
}

// config speaks TLS 1.2 and newer, and HTTP/1.1: the bounds of connections are made for it.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Before(c.again) {
		return c.pair, nil
	}
	c.again = now.Add(c.every)
	pair, seen, err := c.settings.certificate()
	if err != nil {
		seen = err.Error()
	}
	if seen == c.seen {
		return c.pair, nil
	}
	c.seen = seen
	if err != nil {
		c.log.Error("the changed certificate can't be used: the one read before stays in use", "error", err)
		return c.pair, nil
	}
	c.pair = pair
	c.log.Info("the certificate was reloaded", "until", pair.Leaf.NotAfter)
	return pair, nil
}

// certificate reads the two files. Its errors do not repeat their names.
func (s *edgeSettings) certificate() (pair *tls.Certificate, seen string, err error) {
	chain, err := readFile(s.TLSCertFile)
	if err != nil {
		return nil, "", err
	}
	key, err := readFile(s.TLSKeyFile)
	if err != nil {
		return nil, "", err
	}
	read, err := tls.X509KeyPair(chain, key)
	return &read, digest(chain) + digest(key), err
}
