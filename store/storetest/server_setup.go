package storetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// findPrograms finds the directory of initdb and pg_ctl: in PATH, or where Debian keeps one for each version.
func findPrograms() (string, error) {
	versions, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	slices.SortFunc(versions, func(a, b string) int { return versionOf(b) - versionOf(a) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		versions = append([]string{filepath.Dir(initdb)}, versions...)
	}
	for _, dir := range versions {
		if executable(dir, "initdb") && executable(dir, "pg_ctl") {
			return dir, nil
		}
	}
	return "", errMissing
}

func versionOf(dir string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return version
}

func executable(dir, name string) bool {
	_, err := exec.LookPath(filepath.Join(dir, name))
	return err == nil
}

func freePort() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err //nolint:wrapcheck // never happens
}

// writeFiles puts the settings, the password and the certificates into the directory. What is written there is worthless
// after the tests, so that the server need not wait for the disk.
func writeFiles(dir, port, password string, more []string) (authority string, err error) {
	settings := strings.Join(append([]string{
		"listen_addresses = '127.0.0.1'",
		"port = " + port,
		"unix_socket_directories = ''",
		"ssl = on",
		"ssl_cert_file = '" + filepath.Join(dir, "server.pem") + "'",
		"ssl_key_file = '" + filepath.Join(dir, "server.key") + "'",
		"fsync = off",
		"full_page_writes = off",
		"synchronous_commit = off",
		"shared_buffers = 32MB",
		"max_connections = 200",
	}, more...), "\n") + "\n"
	authority = filepath.Join(dir, "authority.pem")
	files := map[string][]byte{"settings": []byte(settings), "password": []byte(password), "log": nil}
	if files["authority.pem"], files["server.pem"], files["server.key"], err = certificates("localhost"); err != nil {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return "", fmt.Errorf("prepare PostgreSQL: %w", err)
		}
	}
	return authority, nil
}

// handOver gives the directory to the user postgres.
func handOver(dir string) error {
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return errors.New("PostgreSQL does not run as root and there is no user postgres: install the package postgresql")
	}
	uid, err := strconv.Atoi(postgres.Uid)
	if err != nil {
		return fmt.Errorf("the user postgres: %w", err)
	}
	gid, err := strconv.Atoi(postgres.Gid)
	if err != nil {
		return fmt.Errorf("the user postgres: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("hand a directory to postgres: %w", err)
	}
	paths := []string{dir}
	for _, entry := range entries {
		paths = append(paths, filepath.Join(dir, entry.Name()))
	}
	for _, path := range paths {
		if err := os.Chown(path, uid, gid); err != nil {
			return fmt.Errorf("hand a directory to postgres: %w", err)
		}
	}
	return nil
}
