package tokens

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keyset is the keys that seal grants and states. What any of them sealed opens; new things are sealed under the primary one.
// The zero Keyset is of no use: see ReadKeyset and Wrapping. Changing one while others use it is not safe.
type Keyset struct {
	handle *keyset.Handle
	aead   tink.AEAD
	kept   Wrapping // how it is written
}

// Key is what may be told of a key.
type Key struct {
	ID      uint32
	Primary bool   // new things are sealed under it
	Waiting bool   // newer than the primary one: added, and not used yet
	Status  string // "enabled", or what another tool made of it
}

// WriteKeyset makes a new keyset (AES-256-GCM) and writes it in Tink's JSON form, in clear: whoever reads it can open
// every grant.
func WriteKeyset(w io.Writer) error {
	return Wrapping{}.WriteKeyset(w)
}

// ReadKeyset reads a keyset in clear. Its errors never repeat any of it.
func ReadKeyset(keysetJSON []byte) (*Keyset, error) {
	return Wrapping{}.ReadKeyset(keysetJSON)
}

func newKeyset(handle *keyset.Handle, kept Wrapping) (*Keyset, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("its keys are not for AEAD: make a keyset with `healthgraph keys create`")
	}
	return &Keyset{handle, primitive, kept}, nil
}

// Write writes the keyset in the form that it was read in.
func (k *Keyset) Write(w io.Writer) error { return k.kept.write(k.handle, w) }

// Keys lists the keys, oldest first.
func (k *Keyset) Keys() []Key {
	var keys []Key
	behind := false // the primary key: a keyset only ever grows at its end
	for i := range k.handle.Len() {
		entry, err := k.handle.Entry(i)
		if err != nil {
			continue // there is one at each place
		}
		status := strings.ToLower(entry.KeyStatus().String())
		keys = append(keys, Key{entry.KeyID(), entry.IsPrimary(), behind && entry.KeyStatus() == keyset.Enabled, status})
		behind = behind || entry.IsPrimary()
	}
	return keys
}

// Add makes a key (AES-256-GCM) that waits to be used, and gives its id.
func (k *Keyset) Add() (uint32, error) {
	var id uint32
	err := k.change(func(m *keyset.Manager) (err error) {
		id, err = m.Add(aead.AES256GCMKeyTemplate())
		return err
	})
	return id, err
}

// ErrNoneWaiting says that every key has been the primary one, or was passed over.
var ErrNoneWaiting = errors.New("no key is waiting to be used: add one first")

// UseNewest makes the newest of the waiting keys the primary one, and gives its id; or gives ErrNoneWaiting.
func (k *Keyset) UseNewest() (uint32, error) {
	var newest uint32
	found := false
	for _, key := range k.Keys() {
		if key.Waiting {
			newest, found = key.ID, true
		}
	}
	if !found {
		return 0, ErrNoneWaiting
	}
	return newest, k.change(func(m *keyset.Manager) error { return m.SetPrimary(newest) })
}

// Retire removes a key that is not the primary one. What it sealed never opens again.
func (k *Keyset) Retire(id uint32) error {
	for _, key := range k.Keys() {
		switch {
		case key.ID != id:
		case key.Primary:
			return errors.New("that key is the primary one, which seals whatever is new: use another one first")
		default:
			return k.change(func(m *keyset.Manager) error { return m.Delete(id) })
		}
	}
	return errors.New("the keyset has no such key")
}

// change leaves the keyset as it is when f fails.
func (k *Keyset) change(f func(*keyset.Manager) error) error {
	manager := keyset.NewManagerFromHandle(k.handle)
	if err := f(manager); err != nil {
		return fmt.Errorf("change the keyset: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return fmt.Errorf("change the keyset: %w", err)
	}
	changed, err := newKeyset(handle, k.kept)
	if err != nil {
		return err
	}
	*k = *changed
	return nil
}

// shares says whether the keysets have a key in common.
func (k *Keyset) shares(other *Keyset) bool {
	known := map[uint32]bool{}
	for _, key := range other.Keys() {
		known[key.ID] = true
	}
	for _, key := range k.Keys() {
		if known[key.ID] {
			return true
		}
	}
	return false
}

// primaryPrefix is what everything sealed under the primary key begins with: for keys of ours, 0x01 and the key's id.
func (k *Keyset) primaryPrefix() ([]byte, error) {
	primary, err := k.handle.Primary()
	if err == nil {
		key, ok := primary.Key().(interface{ OutputPrefix() []byte })
		if ok && len(key.OutputPrefix()) > 0 {
			return key.OutputPrefix(), nil
		}
	}
	return nil, errors.New("the keyset's primary key leaves no mark on what it seals, so that it can't be told what is done: add and use a key of healthgraph's")
}
