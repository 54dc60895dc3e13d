package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
)

// A refused URL is named by what is wrong with it, and never repeated: any part of it may be a piece of a password.
func TestRefusedURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	noPEM := filepath.Join(t.TempDir(), "no.pem")
	require.NoError(t, os.WriteFile(noPEM, []byte("no certificate"), 0o600))
	for url, says := range map[string]string{
		"":                                  "begins with",
		"secret":                            "begins with",
		"mysql://u:secret@h/secret.db":      "begins with",
		"host=h password=secret dbname=x":   "begins with",
		"host=h password=secret dbname=.db": "begins with",
		"sqlite:":                           "begins with",
		":memory:":                          "begins with",
		"sqlite::memory:":                   "names a file",
		"sqlite:///secret/":                 "names a file",
		"sqlite:///x%00secret":              "names a file",
		"sqlite://secret.db":                "sqlite:///absolute/path",
		"sqlite://secret/secret.db":         "sqlite:///absolute/path",
		"sqlite:secret.db?mode=memory":      "without parameters",
		"file:secret.db#a":                  "without parameters",
		"sqlite:secret%zz.db":               "percent-encoded",
		"sqlite:///secret%zz.db":            "percent-encoded",
		"postgres://":                       "names a host, a user and a database",
		"postgres:secret":                   "names a host, a user and a database",
		"postgres://h/secret":               "names a host, a user and a database",
		"postgres://u:secret@h":             "names a host, a user and a database",
		"postgres://u:secret@/db":           "names a host, a user and a database",
		"postgresql://u:sec%ret@h/db":       "can't be read",
		"postgres://u:sec#ret@h/db":         "can't be read",
		"postgres://u:sec?ret@h/db":         "can't be read",
		"postgres://u:1?secret@h/db":        "names a host, a user and a database",
		"postgres://u:secret@h:port/db":     "can't be read",
		"postgres://u:secret@h/db?a=secret": "sslmode and sslrootcert",
		"postgres://u@h/db?sslmode=disable&sslmode=require": "each once",
		"postgres://u@h/db?sslmode=disabled":                "sslmode is disable or verify-full",
		"postgres://u@h/db?sslmode=%zz":                     "parameters",
		"postgres://u@h/db?sslmode=disable&sslrootcert=a":   "beside sslmode=disable",
		"postgres://u:secret@h/db?sslrootcert=/nowhere.pem": "read sslrootcert",
		"postgres://u:secret@h/db?sslrootcert=" + noPEM:     "no certificate in PEM",
	} {
		_, err := store.Open(t.Context(), store.Config{URL: url})
		if assert.ErrorContains(t, err, says, url) {
			assert.NotContains(t, err.Error(), "secret", url)
		}
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, left, "no file was made on the way")

	_, err = store.Open(t.Context(), store.Config{URL: "sqlite:a.db", MaxConns: -1})
	require.ErrorContains(t, err, "negative")
}

func TestNobodyThere(t *testing.T) {
	_, err := store.Open(t.Context(), store.Config{URL: "postgres://u:secret@localhost:1/db"})
	require.ErrorContains(t, err, "reach the database")
	assert.NotContains(t, err.Error(), "secret")
}
