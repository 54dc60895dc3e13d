package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// address is where a database is: either a server or a file.
type address struct {
	postgres *postgresAddress
	file     string
}

type postgresAddress struct {
	hostPort, user, password, database string

	tls *tls.Config // nil = the URL says sslmode=disable
}

// CheckURL says what is wrong with a Config.URL, without connecting.
func CheckURL(raw string) error {
	_, err := parseURL(raw)
	return err
}

// parseURL reads Config.URL. Its errors repeat no part of it: a password that was not percent-encoded makes any part of a
// URL look like any other.
func parseURL(raw string) (address, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		server, err := parsePostgres(raw)
		return address{postgres: server}, err
	case (scheme == "sqlite" || scheme == "file") && rest != "":
		file, err := parseFile(raw)
		return address{file: file}, err
	case slices.Contains([]string{".db", ".sqlite", ".sqlite3"}, filepath.Ext(raw)) && !strings.ContainsAny(raw, ":@="):
		return address{file: raw}, nil
	}
	return address{}, errors.New("the database URL begins with postgres:// or sqlite:, or is a path that ends in .db, .sqlite or .sqlite3")
}

func parseFile(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", errors.New("a SQLite URL is sqlite: and a path, without parameters; special characters are percent-encoded")
	}
	if u.Host != "" || u.User != nil {
		return "", errors.New("a SQLite URL is sqlite:///absolute/path or sqlite:relative/path")
	}
	file := u.Path
	if u.Opaque != "" {
		if file, err = url.PathUnescape(u.Opaque); err != nil {
			return "", errors.New("the path of the SQLite URL is not percent-encoded")
		}
	}
	if file == ":memory:" || strings.ContainsRune(file, 0) || strings.HasSuffix(file, "/") || file == "" {
		return "", errors.New("a SQLite URL names a file; a database in memory would lose every link at the next start")
	}
	return file, nil
}

func parsePostgres(raw string) (*postgresAddress, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Fragment != "" {
		return nil, errors.New("the PostgreSQL URL can't be read: it is postgres://user:password@host:port/database, " +
			"and special characters of the password are percent-encoded")
	}
	if u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("the PostgreSQL URL names a host, a user and a database")
	}
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	password, _ := u.User.Password()
	a := &postgresAddress{
		hostPort: net.JoinHostPort(u.Hostname(), port),
		user:     u.User.Username(),
		password: password,
		database: strings.TrimPrefix(u.Path, "/"),
	}
	a.tls, err = parseTLS(u)
	return a, err
}

// parseTLS verifies the server fully whatever the URL asks for, short of sslmode=disable: the weaker modes only look safe.
func parseTLS(u *url.URL) (*tls.Config, error) {
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the parameters of the PostgreSQL URL can't be read")
	}
	for name, values := range parameters {
		if (name != "sslmode" && name != "sslrootcert") || len(values) > 1 {
			return nil, errors.New("the PostgreSQL URL takes the parameters sslmode and sslrootcert, each once")
		}
	}
	authorities := parameters.Get("sslrootcert")
	switch parameters.Get("sslmode") {
	case "disable":
		if authorities != "" {
			return nil, errors.New("the PostgreSQL URL has sslrootcert beside sslmode=disable")
		}
		return nil, nil //nolint:nilnil // no TLS and no error
	case "", "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return nil, errors.New("the PostgreSQL URL's sslmode is disable or verify-full")
	}
	config := &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if authorities == "" || authorities == "system" {
		return config, nil
	}
	pem, err := os.ReadFile(authorities) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read sslrootcert: %w", withoutPath(err))
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("the file of sslrootcert has no certificate in PEM")
	}
	return config, nil
}
