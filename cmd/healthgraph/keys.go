package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"healthgraph/store"
	"healthgraph/tokens"
)

type keysCommand struct {
	Create keysCreateCommand `cmd:"" help:"Make a new keyset in a new file. Whoever reads it can open every grant: keep it secret, and keep it."`
	Wrap   keysWrapCommand   `cmd:"" help:"Wrap a keyset that is in clear under a key of a KMS, into a new file."`
	List   keysListCommand   `cmd:"" help:"List the keys of a keyset: ids and states, never the keys themselves."`
	Rotate keysRotateCommand `cmd:"" help:"Begin to seal under a new key, in two steps: add it everywhere, then use it."`
	Reseal keysResealCommand `cmd:"" help:"Seal every stored grant under the primary key. May run while others serve, and be stopped and run again."`
	Retire keysRetireCommand `cmd:"" help:"Remove a key that is not the primary one. What it sealed never opens again: reseal first."`
}

type keysCreateCommand struct {
	kmsSettings
	File string `arg:"" help:"The file to make; it must not exist yet." type:"path"`
}

// Run writes a keyset. A file that is there is never overwritten: its keyset may be the only key to stored grants.
func (c *keysCreateCommand) Run(out console, kms kmsClients) error {
	wrapping, err := c.wrapping(kms)
	if err != nil {
		return err
	}
	if err := newFile(c.File, wrapping.WriteKeyset); err != nil {
		return err
	}
	out.progress("set HEALTHGRAPH_KEYSET_FILE to the new file, and keep a copy: without it stored grants can't be opened")
	return nil
}

// newFile makes a file for its owner alone, or leaves none.
func newFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator says which file
	switch {
	case errors.Is(err, fs.ErrExist):
		return errors.New("that file exists already, and is not overwritten: it may hold the only key to stored grants")
	case err != nil:
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

type keysWrapCommand struct {
	kmsSettings
	File    string `arg:"" help:"The keyset's file, in clear. It stays as it is." type:"path"`
	Wrapped string `arg:"" help:"The file to make; it must not exist yet." type:"path"`
}

// Run wraps the keyset.
func (c *keysWrapCommand) Run(out console, kms kmsClients) error {
	if c.KeysetKMSURI == "" {
		return errors.New("HEALTHGRAPH_KEYSET_KMS_URI or --keyset-kms-uri must name the key of a KMS to wrap it under")
	}
	wrapping, err := c.wrapping(kms)
	if err != nil {
		return err
	}
	content, err := readFile(c.File)
	if err != nil {
		return fmt.Errorf("the keyset can't be read: %w", err)
	}
	if err := newFile(c.Wrapped, func(w io.Writer) error { return wrapping.Wrap(content, w) }); err != nil {
		return err
	}
	out.progress("the keyset was wrapped. Next: healthgraph keys list on the new file, to see that the KMS opens it. Then restart every replica with HEALTHGRAPH_KEYSET_FILE set to it and HEALTHGRAPH_KEYSET_KMS_URI to the URI. At last destroy the file in clear, and its copies")
	return nil
}

// keysetArgument is the file of a keyset that there is.
type keysetArgument struct {
	kmsSettings
	File string `arg:"" help:"The keyset's file." type:"path"`
}

func (a keysetArgument) read(kms kmsClients) (*tokens.Keyset, error) {
	wrapping, err := a.wrapping(kms)
	if err != nil {
		return nil, err
	}
	content, err := readFile(a.File)
	if err != nil {
		return nil, fmt.Errorf("the keyset can't be read: %w", err)
	}
	keys, err := wrapping.ReadKeyset(content)
	if err != nil {
		return nil, fmt.Errorf("that file is left alone: %w", err)
	}
	return keys, nil
}

// change gives what f gives, after the changed keyset has taken the old one's place.
func (a keysetArgument) change(kms kmsClients, f func(*tokens.Keyset) (uint32, error)) (uint32, error) {
	keys, err := a.read(kms)
	if err != nil {
		return 0, err
	}
	id, err := f(keys)
	if err != nil {
		return 0, err
	}
	return id, replaceFile(a.File, keys.Write)
}

// replaceFile makes a file anew, which nobody ever finds half written, not even after a power cut.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil { // a link stays one
		return err
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, directory.Close()) }()
	beside, err := os.CreateTemp(directory.Name(), ".keyset-*") // for its owner alone (0600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(beside), beside.Sync(), beside.Close()); err != nil {
		return errors.Join(err, os.Remove(beside.Name()))
	}
	if err := os.Rename(beside.Name(), path); err != nil {
		return errors.Join(err, os.Remove(beside.Name()))
	}
	return directory.Sync()
}

type keysListCommand struct{ keysetArgument }

// Run lists the keys, oldest first.
func (c *keysListCommand) Run(out console, kms kmsClients) error {
	keys, err := c.read(kms)
	if err != nil {
		return err
	}
	for _, key := range keys.Keys() {
		role := "opens what it sealed"
		switch {
		case key.Status != "enabled":
			role = "not in use"
		case key.Primary:
			role = "primary"
		case key.Waiting:
			role = "waiting to be used"
		}
		out.print("%d\t%s\t%s\n", key.ID, key.Status, role)
	}
	return nil
}

type keysRotateCommand struct {
	Add keysAddCommand `cmd:"" help:"First step: add a new key. It seals nothing yet."`
	Use keysUseCommand `cmd:"" help:"Second step, once the new key is everywhere: seal under the newest added key."`
}

type keysAddCommand struct{ keysetArgument }

// Run adds a key.
func (c *keysAddCommand) Run(out console, kms kmsClients) error {
	id, err := c.change(kms, (*tokens.Keyset).Add)
	if err != nil {
		return err
	}
	out.progress(fmt.Sprintf("key %d was added, and seals nothing yet. Next: put the file on every replica, and in the backup; each reloads it by itself within %.0f seconds and logs it. Then: healthgraph keys rotate use FILE", id, lookAtFilesEvery.Seconds()))
	return nil
}

type keysUseCommand struct{ keysetArgument }

// Run makes the newest key the primary one.
func (c *keysUseCommand) Run(out console, kms kmsClients) error {
	id, err := c.change(kms, (*tokens.Keyset).UseNewest)
	if errors.Is(err, tokens.ErrNoneWaiting) {
		return errors.New("no key is waiting to be used: add one with healthgraph keys rotate add FILE")
	}
	if err != nil {
		return err
	}
	out.progress(fmt.Sprintf("key %d is the primary one. Next: put the file on every replica, and in the backup; each reloads it by itself within %.0f seconds and logs it. Then: healthgraph keys reseal. At last, not before the states of the old key have expired (%.0f minutes): healthgraph keys retire FILE --key ID", id, lookAtFilesEvery.Seconds(), tokens.StateLifetime.Minutes()))
	return nil
}

type keysRetireCommand struct {
	keysetArgument
	Key uint32 `required:"" placeholder:"ID" help:"The key's id, as healthgraph keys list tells it."`
}

// Run removes a key.
func (c *keysRetireCommand) Run(out console, kms kmsClients) error {
	id, err := c.change(kms, func(k *tokens.Keyset) (uint32, error) { return c.Key, k.Retire(c.Key) })
	if err != nil {
		return err
	}
	out.progress(fmt.Sprintf("key %d was removed. Next: put the file on every replica. A backup of the database from before the resealing needs a keyset from before this", id))
	return nil
}

type keysResealCommand struct {
	databaseSettings
	kmsSettings
	KeysetFile string `env:"HEALTHGRAPH_KEYSET_FILE" help:"The keyset that serve uses."`
}

// tellEvery is how often a long resealing tells how far it has come.
const tellEvery = time.Second

// Run seals all grants anew until they are done or ctx ends.
func (c *keysResealCommand) Run(ctx context.Context, out console, kms kmsClients) (err error) {
	sealer, err := c.sealer(c.KeysetFile, kms)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: c.DatabaseURL})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var told time.Time
	p, err := tokens.Reseal(ctx, db, sealer, func(p tokens.ResealProgress) {
		if now := time.Now(); now.Sub(told) >= tellEvery {
			told = now
			out.progress(resealed(p))
		}
	})
	out.print("%s\n", resealed(p))
	switch {
	case err != nil:
		return fmt.Errorf("it stopped early, and goes on from there when run again: %w", err)
	case p.Unopenable > 0:
		return fmt.Errorf("%d grants do not open under this keyset, and were left as they are: is a key missing? The people concerned can link again", p.Unopenable)
	}
	return nil
}

// sealer reads the keyset that a command needs.
func (s kmsSettings) sealer(path string, kms kmsClients) (*tokens.Sealer, error) {
	wrapping, err := s.wrapping(kms)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, errors.New("HEALTHGRAPH_KEYSET_FILE must be set: the keyset that serve uses")
	}
	content, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("HEALTHGRAPH_KEYSET_FILE: %w", err)
	}
	sealer, err := wrapping.NewSealer(content)
	if err != nil {
		return nil, fmt.Errorf("HEALTHGRAPH_KEYSET_FILE: %w", err)
	}
	return sealer, nil
}

func resealed(p tokens.ResealProgress) string {
	return fmt.Sprintf("%d of %d grants: %d resealed, %d skipped, %d unopenable", p.Done, p.Total, p.Resealed, p.Skipped, p.Unopenable)
}
