package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"healthgraph/tokens"
)

// lookAtFilesEvery bounds how long a process goes on with what a changed file held before.
const lookAtFilesEvery = 10 * time.Second

// watchedFile is a file in use that may change, or several that belong together. Their content is compared, as their time tells
// little: a file that is put in place may keep the time that it had elsewhere.
type watchedFile struct {
	name    string // of what it holds, for the log
	file    string // what it is itself, for the log
	paths   []string
	replace func(contents [][]byte) (slog.Attr, error) // takes the contents into use and says something of them, or changes nothing
	log     *slog.Logger
	seen    string // the digest of the contents that were last looked at, or why there were none
	again   bool   // a KMS failed to unwrap that: it is tried again
}

// newWatchedFile is a single file. parts is the name of what replace counts.
func newWatchedFile(name, parts, path string, content []byte, replace func([]byte) (int, error), log *slog.Logger) *watchedFile {
	return &watchedFile{name: name, file: name + " file", paths: []string{path}, seen: digest([][]byte{content}), log: log, replace: func(contents [][]byte) (slog.Attr, error) {
		n, err := replace(contents[0])
		return slog.Int(parts, n), err
	}}
}

func digest(contents [][]byte) string {
	var sums []byte
	for _, content := range contents {
		sum := sha256.Sum256(content)
		sums = append(sums, sum[:]...)
	}
	return string(sums)
}

// watch looks at them until ctx ends.
func (f *watchedFile) watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look(ctx)
		}
	}
}

// look takes what the files hold if that changed. What can't be used is told once, and what was read before stays in use. A KMS
// that failed is asked again: nobody changes a file once more when it is back.
func (f *watchedFile) look(ctx context.Context) {
	contents, err := readFiles(f.paths)
	seen := digest(contents)
	if err != nil {
		seen = err.Error()
	}
	told := seen == f.seen
	if told && !f.again {
		return
	}
	f.seen = seen
	var what slog.Attr
	if err == nil {
		what, err = f.replace(contents)
	}
	f.again = errors.Is(err, tokens.ErrKMS)
	switch {
	case told && f.again: // as before
	case err != nil:
		f.log.ErrorContext(ctx, "the changed "+f.file+" can't be used: the "+f.name+" read before stays in use", "error", err)
	default:
		f.log.LogAttrs(ctx, slog.LevelInfo, "the "+f.name+" was reloaded", what)
	}
}

// readFiles reads all of them, or none.
func readFiles(paths []string) ([][]byte, error) {
	contents := make([][]byte, len(paths))
	for i, path := range paths {
		var err error
		if contents[i], err = readFile(path); err != nil {
			return nil, err
		}
	}
	return contents, nil
}
