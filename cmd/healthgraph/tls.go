package main

import (
	"crypto/tls"
	"log/slog"
	"sync/atomic"
)

// certificate is the server's own. One that was renewed is taken up without a restart.
type certificate struct {
	pair atomic.Pointer[tls.Certificate]
}

// newCertificate reads it, and gives its files to watch. Its errors do not repeat their names.
func newCertificate(s *edgeSettings, log *slog.Logger) (*certificate, *watchedFile, error) {
	c, paths := &certificate{}, []string{s.TLSCertFile, s.TLSKeyFile}
	contents, err := readFiles(paths)
	if err == nil {
		_, err = c.replace(contents)
	}
	return c, &watchedFile{name: "certificate", file: "certificate", paths: paths, seen: digest(contents), replace: c.replace, log: log}, err
}

// replace takes a chain and its key.
func (c *certificate) replace(contents [][]byte) (until slog.Attr, err error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return slog.Attr{}, err
	}
	c.pair.Store(&pair)
	return slog.Time("until", pair.Leaf.NotAfter), nil
}

// config speaks TLS 1.2 and newer, and HTTP/1.1: the bounds of connections are made for it.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }
