package main

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"

	"healthgraph/tokens"
)

// vaultKMS is the transit engine of HashiCorp Vault: hcvault://HOST[:PORT]/MOUNT/keys/NAME, over HTTPS. Credentials and
// authorities come from Vault's own variables (VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT and so on), not from the URI.
func vaultKMS() tokens.KMS {
	return tokens.KMS{Prefix: "hcvault://", Client: newVault, Explain: explainVault}
}

const errVaultVariables = kmsError("can't be set up: a VAULT_ variable is malformed, or the file that one names can't be used")

// vaultPath is an engine's mount, which may hold slashes, and a key's name.
var vaultPath = regexp.MustCompile(`^(/[^/]+)+/keys/[^/]+$`)

func newVault(uri string) (tokens.KMSClient, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || !vaultPath.MatchString(u.EscapedPath()) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, kmsError("does not take this URI: it must be like hcvault://vault.example:8200/transit/keys/NAME, and hold no credentials")
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, errVaultVariables
	}
	config.Address = "https://" + u.Host
	config.Timeout = kmsTimeout
	if transport, ok := config.HttpClient.Transport.(*http.Transport); ok {
		transport.DisableKeepAlives = true // calls are days apart
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, errVaultVariables
	}
	if client.Token() == "" && config.AgentAddress == "" { // an agent adds its own
		return nil, kmsError("needs a token: set VAULT_TOKEN")
	}
	return hcvault.NewClientWithAEADOptions("hcvault://"+u.Host+"/", client.Logical())
}

func explainVault(err error) string {
	var ours kmsError
	var refusal *api.ResponseError
	switch {
	case errors.As(err, &ours):
		return ours.Error()
	case !errors.As(err, &refusal):
		return kmsUnreachable + " Vault's certificate must be one that the system or VAULT_CACERT trusts"
	}
	switch refusal.StatusCode {
	case http.StatusBadRequest:
		return kmsAnotherKey
	case http.StatusUnauthorized, http.StatusForbidden:
		return kmsRefusesCaller
	case http.StatusNotFound:
		return "has no such key: is it hcvault://HOST/MOUNT/keys/NAME?"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "is not ready: is Vault sealed?"
	default:
		return kmsStatus(refusal.StatusCode)
	}
}
