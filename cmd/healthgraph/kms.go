package main

import (
	"fmt"
	"time"

	"healthgraph/tokens"
)

// kmsClients are the key management services that a keyset may be wrapped under.
type kmsClients []tokens.KMSClient

// allKMS is the explicit list of them: a new one is one more entry.
func allKMS() kmsClients { return kmsClients{awsKMS(), vaultKMS()} }

// kmsTimeout bounds one call of a KMS, with its retries. A process that ends waits for a call under way.
const kmsTimeout = 10 * time.Second

// kmsSettings say what the keyset's file is wrapped under.
type kmsSettings struct {
	KeysetKMSURI string `name:"keyset-kms-uri" env:"HEALTHGRAPH_KEYSET_KMS_URI" placeholder:"URI" help:"Key of a KMS that the keyset's file is wrapped under (aws-kms://… or hcvault://…); none for a file in clear."`
}

// wrapping calls no KMS yet.
func (s kmsSettings) wrapping(clients kmsClients) (tokens.Wrapping, error) {
	w, err := tokens.NewWrapping(s.KeysetKMSURI, clients)
	if err != nil {
		return w, fmt.Errorf("HEALTHGRAPH_KEYSET_KMS_URI: %w", err)
	}
	return w, nil
}

// kmsError is what is wrong with a URI or its surroundings, in words that may be shown: see tokens.KMS.
type kmsError string

// Error is those words.
func (e kmsError) Error() string { return string(e) }

// What several services have in common.
const (
	kmsRefusesCaller = "refuses the credentials: they need the right to decrypt under the key, and for keys commands to encrypt"
	kmsAnotherKey    = "does not take it: the URI names another key than it was wrapped under, or none, or the file was altered"
	kmsUnreachable   = "can't be reached: is it up, and is its address the one in the URI?"
)

// kmsStatus is for refusals that say no more than their HTTP status.
func kmsStatus(status int) string {
	return fmt.Sprintf("answers with status %d: its own log says more", status)
}
