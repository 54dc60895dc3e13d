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

// watchedFile is a file in use that may change. Its content is compared, as its time tells little: a file that is put in place may
// keep the time that it had elsewhere.
type watchedFile struct {
	name    string // of what it holds, for the log
	parts   string // what replace counts
	path    string
	replace func(content []byte) (int, error) // takes the content into use, or changes nothing
	log     *slog.Logger
	seen    string // the digest of the content that was last looked at, or why there was none
	again   bool   // a KMS failed to unwrap that: it is tried again
}

func newWatchedFile(name, parts, path string, content []byte, replace func([]byte) (int, error), log *slog.Logger) *watchedFile {
	return &watchedFile{name: name, parts: parts, path: path, replace: replace, log: log, seen: digest(content)}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return string(sum[:])
}

// watch looks at the file until ctx ends.
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

// look takes what the file holds if it changed. What can't be used is told once, and what was read before stays in use. A KMS
// that failed is asked again: nobody changes the file once more when it is back.
func (f *watchedFile) look(ctx context.Context) {
	content, err := readFile(f.path)
	seen := digest(content)
	if err != nil {
		seen = err.Error()
	}
	told := seen == f.seen
	if told && !f.again {
		return
	}
	f.seen = seen
	parts := 0
	if err == nil {
		parts, err = f.replace(content)
	}
	f.again = errors.Is(err, tokens.ErrKMS)
	switch {
	case told && f.again: // as before
	case err != nil:
		f.log.ErrorContext(ctx, "the changed "+f.name+" file can't be used: the "+f.name+" read before stays in use", "error", err)
	default:
		f.log.InfoContext(ctx, "the "+f.name+" was reloaded", f.parts, parts)
	}
}
