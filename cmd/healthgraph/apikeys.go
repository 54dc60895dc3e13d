package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"healthgraph/callers"
	"healthgraph/store"
)

type apiKeysCommand struct {
	Create apiKeysCreateCommand `cmd:"" help:"Make a key for a service. It is printed once, and can't be had again."`
	List   apiKeysListCommand   `cmd:"" help:"List all keys: ids, names, scopes and times, never the keys themselves."`
	Rotate apiKeysRotateCommand `cmd:"" help:"Give a key another secret. The one before goes on working for a while."`
	Revoke apiKeysRevokeCommand `cmd:"" help:"End a key for good."`
}

// aWhile is a time such as 90d or 12h.
type aWhile time.Duration

// UnmarshalText reads what time.ParseDuration does, and whole days. It does not repeat what it can't read.
func (w *aWhile) UnmarshalText(text []byte) error {
	const longest = 100 * 365 * 24 * time.Hour
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n uint16
		if n, err = parseDays(days); err == nil {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d < 0 || d > longest {
		return errors.New("a time such as 90d or 12h is needed")
	}
	*w = aWhile(d)
	return nil
}

// end is a while from now, or otherwise where none is given.
func (w *aWhile) end(now, otherwise time.Time) (time.Time, error) {
	switch {
	case w == nil:
		return otherwise, nil
	case *w == 0:
		return time.Time{}, errors.New("--expires must be more than nothing, such as 90d")
	default:
		return now.Add(time.Duration(*w)), nil
	}
}

func parseDays(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err
}

// withKeys runs work on the database of API keys.
func (s databaseSettings) withKeys(ctx context.Context, work func(db *store.Store, now time.Time) error) (err error) {
	db, err := store.Open(ctx, store.Config{URL: s.DatabaseURL})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(db, time.Now().UTC().Truncate(time.Microsecond)) // which is as fine as it is stored
}

// apiKey finds the key of that id among all there are.
func apiKey(ctx context.Context, db *store.Store, id string) (callers.APIKey, error) {
	all, err := db.APIKeys(ctx)
	if err != nil {
		return callers.APIKey{}, err
	}
	for _, key := range all {
		if key.ID == id {
			return key, nil
		}
	}
	return callers.APIKey{}, errNoSuchKey
}

var errNoSuchKey = errors.New("there is no API key of that id: see healthgraph apikeys list")

type apiKeysCreateCommand struct {
	databaseSettings
	Name    string   `required:"" help:"The service's name, which people see in their access log."`
	Scope   []string `required:"" placeholder:"SCOPE" help:"What it may do: users:any, and connections:read, connections:write or quantities:read. users:any alone may do everything."`
	Expires *aWhile  `placeholder:"90d" help:"How long it works; for ever when left out."`
}

// Run makes a key.
func (c *apiKeysCreateCommand) Run(ctx context.Context, out console) error {
	return c.withKeys(ctx, func(db *store.Store, now time.Time) error {
		key, text, err := callers.NewAPIKey(c.Name, c.Scope, now)
		if err != nil {
			return err
		}
		if key.ExpiresAt, err = c.Expires.end(now, time.Time{}); err != nil {
			return err
		}
		live, err := db.LiveAPIKeys(ctx, now)
		if err != nil {
			return err
		}
		if len(live) >= callers.MaxLiveAPIKeys {
			return fmt.Errorf("there are %d keys that work already: revoke some first", len(live))
		}
		if err := db.AddAPIKey(ctx, key); err != nil {
			return err
		}
		out.print("%s\n", text.Reveal())
		out.progress("the key " + key.ID + " was made, and works within 10 seconds. It is not shown again")
		return nil
	})
}

type apiKeysListCommand struct{ databaseSettings }

// Run lists the keys, oldest first.
func (c *apiKeysListCommand) Run(ctx context.Context, out console) error {
	return c.withKeys(ctx, func(db *store.Store, now time.Time) error {
		all, err := db.APIKeys(ctx)
		if err != nil {
			return err
		}
		for _, key := range all {
			out.print("%s\t%s\t%s\t%s\tcreated %s\texpires %s\tlast used %s\n", key.ID, key.Name, strings.Join(key.Scopes, ","), keyState(key, now),
				instant(key.CreatedAt), instant(key.ExpiresAt), instant(key.LastUsedAt))
		}
		return nil
	})
}

func keyState(key callers.APIKey, now time.Time) string {
	switch {
	case !key.RevokedAt.IsZero():
		return "revoked " + instant(key.RevokedAt)
	case !key.IsLive(now):
		return "expired"
	case key.IsRotating(now):
		return "rotating until " + instant(key.PreviousUntil)
	default:
		return "live"
	}
}

func instant(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.Format(time.RFC3339)
}

type apiKeyArgument struct {
	databaseSettings
	ID string `arg:"" help:"The key's id: what stands between hgk_ and the next _."`
}

type apiKeysRotateCommand struct {
	apiKeyArgument
	Grace   aWhile  `default:"24h" help:"How long the secret before goes on working; 0s ends it now."`
	Expires *aWhile `placeholder:"90d" help:"How long the key works from now on; as before when left out."`
}

// Run rotates a key. Two rotations within the grace would end a secret that somebody was promised.
func (c *apiKeysRotateCommand) Run(ctx context.Context, out console) error {
	return c.withKeys(ctx, func(db *store.Store, now time.Time) error {
		before, err := apiKey(ctx, db, c.ID)
		if err != nil {
			return err
		}
		switch {
		case !before.IsLive(now):
			return errors.New("that key is revoked or has expired: create another")
		case before.IsRotating(now) && c.Grace > 0:
			return errors.New("that key was rotated already, and the secret before that works until " + instant(before.PreviousUntil) + ": end it with --grace 0s, or wait")
		}
		var until time.Time
		if c.Grace > 0 {
			until = now.Add(time.Duration(c.Grace))
		}
		after, text := before.Rotated(until)
		if after.ExpiresAt, err = c.Expires.end(now, before.ExpiresAt); err != nil {
			return err
		}
		done, err := db.RotateAPIKey(ctx, before, after)
		if err != nil {
			return err
		}
		if !done {
			return errors.New("that key was rotated or revoked by somebody else at the same time")
		}
		out.print("%s\n", text.Reveal())
		if c.Grace > 0 {
			out.progress("the new secret works within 10 seconds, the one before until " + instant(until) + ". It is not shown again")
		} else {
			out.progress("the new secret works, and the one before ends, within 10 seconds. It is not shown again")
		}
		return nil
	})
}

type apiKeysRevokeCommand struct{ apiKeyArgument }

// Run revokes a key.
func (c *apiKeysRevokeCommand) Run(ctx context.Context, out console) error {
	return c.withKeys(ctx, func(db *store.Store, now time.Time) error {
		found, err := db.RevokeAPIKey(ctx, c.ID, now)
		if err != nil {
			return err
		}
		if !found {
			return errNoSuchKey
		}
		out.progress("the key is revoked: every process refuses it within 10 seconds")
		return nil
	})
}
