package tokens

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KMSClient is Tink's interface to a key management service (KMS): it gives the AEAD of the key that a URI names.
type KMSClient = registry.KMSClient

// KMS is the KMSClient of one service, whose own client is made for one URI and not before that is asked for.
type KMS struct {
	Prefix string                              // what its URIs begin with, such as "aws-kms://"
	Client func(uri string) (KMSClient, error) // calls nobody
	// Explain says what an error of Client or of a call means and what to do about it, to go on after "the KMS". It repeats
	// nothing of the URI, of credentials or of the service's answer.
	Explain func(error) string
}

// Supported says whether a URI is of this service.
func (k KMS) Supported(uri string) bool { return strings.HasPrefix(uri, k.Prefix) }

// GetAEAD gives the AEAD of a key. Its calls go to the service.
func (k KMS) GetAEAD(uri string) (tink.AEAD, error) {
	client, err := k.Client(uri)
	if err != nil {
		return nil, err
	}
	return client.GetAEAD(uri)
}

// ErrKMS says that the KMS could not be asked or refused. The same may work later.
var ErrKMS = errors.New("the KMS")

// Wrapping is the form that a keyset is kept in: wrapped (encrypted) under a key of a KMS, in Tink's encrypted JSON form and
// with empty associated data; or, for the zero Wrapping, in clear. Reading and writing a wrapped keyset take one call of the
// KMS each. Using the keyset takes none. Safe for concurrent use.
type Wrapping struct {
	key     tink.AEAD // nil for keysets in clear
	explain func(error) string
}

// NewWrapping is for keysets wrapped under the key that the URI names, or in clear where it is empty. The first client that
// supports the URI serves it. Nothing is called. Errors never repeat the URI.
func NewWrapping(uri string, clients []KMSClient) (Wrapping, error) {
	if uri == "" {
		return Wrapping{}, nil
	}
	var prefixes []string
	for _, client := range clients {
		explain := func(error) string { return "refuses, or can't be reached" }
		if service, ok := client.(KMS); ok {
			explain = service.Explain
			prefixes = append(prefixes, service.Prefix)
		}
		if !client.Supported(uri) {
			continue
		}
		key, err := client.GetAEAD(uri)
		if err != nil {
			return Wrapping{}, fmt.Errorf("%w %s", ErrKMS, explain(err))
		}
		return Wrapping{key, explain}, nil
	}
	return Wrapping{}, fmt.Errorf("it is of no KMS that is known: it begins with %s", strings.Join(prefixes, " or "))
}

var (
	errNoKeyset = errors.New("it is not a Tink keyset in JSON: make one with `healthgraph keys create`")
	errWrapped  = errors.New("it is wrapped under a key of a KMS: set HEALTHGRAPH_KEYSET_KMS_URI to that key's URI")
	errInClear  = errors.New("it is in clear, and HEALTHGRAPH_KEYSET_KMS_URI says that it is wrapped: wrap it with `healthgraph keys wrap`, or leave that variable out")
)

// Check says what is wrong with a keyset as far as that can be told without the KMS.
func (w Wrapping) Check(keysetJSON []byte) error {
	encrypted, err := keyset.NewJSONReader(bytes.NewReader(keysetJSON)).ReadEncrypted()
	isWrapped := err == nil && len(encrypted.GetEncryptedKeyset()) > 0
	switch {
	case isWrapped && w.key == nil:
		return errWrapped
	case isWrapped:
		return nil
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keysetJSON)))
	switch {
	case err != nil:
		return errNoKeyset
	case w.key != nil:
		return errInClear
	}
	_, err = newKeyset(handle, w)
	return err
}

// ReadKeyset reads a keyset that is in this form; what is changed of it is written in this form again. Its errors never repeat
// any of it; one of the KMS is an ErrKMS.
func (w Wrapping) ReadKeyset(keysetJSON []byte) (*Keyset, error) {
	if err := w.Check(keysetJSON); err != nil {
		return nil, err
	}
	reader := keyset.NewJSONReader(bytes.NewReader(keysetJSON))
	if w.key == nil {
		handle, err := insecurecleartextkeyset.Read(reader)
		if err != nil {
			return nil, errNoKeyset
		}
		return newKeyset(handle, w)
	}
	key := &asked{AEAD: w.key}
	handle, err := keyset.Read(reader, key)
	switch {
	case key.err != nil:
		return nil, fmt.Errorf("%w %s", ErrKMS, w.explain(key.err))
	case err != nil:
		return nil, errors.New("what the KMS unwrapped is not a Tink keyset: wrap one with `healthgraph keys wrap`")
	}
	return newKeyset(handle, w)
}

// NewSealer is a sealer under a keyset that is in this form, as are those that replace it.
func (w Wrapping) NewSealer(keysetJSON []byte) (*Sealer, error) {
	keys, err := w.ReadKeyset(keysetJSON)
	if err != nil {
		return nil, err
	}
	s := &Sealer{&replaceable{}}
	s.aead.current.Store(keys)
	return s, nil
}

// WriteKeyset makes a new keyset (AES-256-GCM) and writes it in this form.
func (w Wrapping) WriteKeyset(to io.Writer) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a keyset: %w", err)
	}
	return w.write(handle, to)
}

// Wrap writes a keyset in clear in this form.
func (w Wrapping) Wrap(keysetJSON []byte, to io.Writer) error {
	keys, err := ReadKeyset(keysetJSON)
	if err != nil {
		return err
	}
	return w.write(keys.handle, to)
}

func (w Wrapping) write(handle *keyset.Handle, to io.Writer) error {
	writer := keyset.NewJSONWriter(to)
	var err error
	if w.key == nil {
		err = insecurecleartextkeyset.Write(handle, writer)
	} else {
		key := &asked{AEAD: w.key}
		if err = handle.Write(writer, key); key.err != nil {
			return fmt.Errorf("%w %s", ErrKMS, w.explain(key.err))
		}
	}
	if err != nil {
		return fmt.Errorf("write the keyset: %w", err)
	}
	return nil
}

// asked keeps the KMS's error, of which Tink passes on the text alone.
type asked struct {
	tink.AEAD
	err error
}

// Encrypt is the KMS's.
func (a *asked) Encrypt(plaintext, associatedData []byte) (ciphertext []byte, err error) {
	ciphertext, a.err = a.AEAD.Encrypt(plaintext, associatedData)
	return ciphertext, a.err
}

// Decrypt is the KMS's.
func (a *asked) Decrypt(ciphertext, associatedData []byte) (plaintext []byte, err error) {
	plaintext, a.err = a.AEAD.Decrypt(ciphertext, associatedData)
	return plaintext, a.err
}
