package store_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
	"healthgraph/store/storetest"
)

// Short of sslmode=disable the server is verified, whatever the URL asks for.
func TestTLS(t *testing.T) {
	url, authority := storetest.PostgresTLS(t)
	migrated := store.Config{URL: url + "?sslrootcert=" + authority}
	require.NoError(t, store.Migrate(t.Context(), migrated, nil))
	other := storetest.OtherAuthority(t)
	byNumber := strings.Replace(url, "localhost", "127.0.0.1", 1)

	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	for name, c := range map[string]struct {
		url   string
		wants any // the error, nil = none
	}{
		"nothing written":             {url, &unknown},
		"prefer":                      {url + "?sslmode=prefer", &unknown},
		"require":                     {url + "?sslmode=require", &unknown},
		"the system's authorities":    {url + "?sslrootcert=system", &unknown},
		"another authority":           {url + "?sslrootcert=" + other, &unknown},
		"require, another authority":  {url + "?sslmode=require&sslrootcert=" + other, &unknown},
		"the authority":               {url + "?sslrootcert=" + authority, nil},
		"verify-full, the authority":  {url + "?sslmode=verify-full&sslrootcert=" + authority, nil},
		"wrong host":                  {byNumber + "?sslrootcert=" + authority, &wrongHost},
		"wrong host, require":         {byNumber + "?sslmode=require&sslrootcert=" + authority, &wrongHost},
		"wrong host, verify-ca":       {byNumber + "?sslmode=verify-ca&sslrootcert=" + authority, &wrongHost},
		"disable":                     {url + "?sslmode=disable", nil},
		"disable, reached by address": {byNumber + "?sslmode=disable", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Config{URL: c.url})
			if c.wants != nil {
				require.ErrorAs(t, err, c.wants)
				return
			}
			require.NoError(t, err)
			defer func() { assert.NoError(t, s.Close()) }()
			var encrypted bool
			require.NoError(t, storetest.DB(t, url+"?sslmode=disable").NewRaw(`SELECT bool_and(ssl) FROM pg_stat_ssl
				JOIN pg_stat_activity USING (pid) WHERE application_name = 'healthgraph' AND datname = current_database()`).
				Scan(t.Context(), &encrypted))
			assert.Equal(t, !strings.Contains(c.url, "disable"), encrypted)
		})
	}
}
