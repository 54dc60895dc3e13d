package callers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// Bounds of what an issuer may answer.
const (
	fetchTimeout     = 5 * time.Second // for all documents of one attempt together
	maxDocumentBytes = 512 << 10
	maxHeaderBytes   = 64 << 10
	maxRemoteKeys    = 100
)

// wellKnown is where OpenID Connect Discovery 1.0 puts the document, behind the issuer's own path.
const wellKnown = "/.well-known/openid-configuration"

// newTransport keeps no connection open: an issuer is asked every few minutes.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// fetcher reads documents of issuers. Its errors hold nothing of what an issuer sent, and no address.
type fetcher struct{ client *http.Client }

func newFetcher(transport http.RoundTripper) fetcher {
	if transport == nil {
		transport = newTransport()
	}
	return fetcher{&http.Client{
		Transport: transport,
		// A redirect could lead to any host, such as one that only this machine reaches.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// object gets a JSON object. what names it in errors.
func (f fetcher) object(ctx context.Context, what, address string) (map[string]json.RawMessage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("the address of its %s is no URL", what)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "healthgraph/1.0")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, noAnswer(what, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up: nothing is left to fail
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its %s was answered with HTTP status %d", what, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	if err != nil {
		return nil, noAnswer(what, err)
	}
	if len(body) > maxDocumentBytes {
		return nil, fmt.Errorf("its %s has more than %d KiB", what, maxDocumentBytes>>10)
	}
	object, ok := decodeObject(body)
	if !ok {
		return nil, fmt.Errorf("its %s is no JSON object", what)
	}
	return object, nil
}

// noAnswer says why there was none, without the address that the library's error holds.
func noAnswer(what string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("its %s did not come in time", what)
	}
	return fmt.Errorf("there was no whole answer for its %s", what)
}

// keysOf reads the keys of an issuer, which it may have to find first.
func (f fetcher) keysOf(ctx context.Context, c IssuerConfig) ([]verificationKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address := c.JWKSURL
	if address == "" {
		document, err := f.object(ctx, "discovery document", strings.TrimSuffix(c.Issuer, "/")+wellKnown)
		if err != nil {
			return nil, err
		}
		if textOf(document, "issuer") != c.Issuer {
			return nil, errors.New("its discovery document names another issuer")
		}
		address = textOf(document, "jwks_uri")
		if !isSafeURL(address, isLoopbackURL(c.Issuer)) {
			return nil, errors.New("its discovery document has no jwks_uri that is https://")
		}
	}
	document, err := f.object(ctx, "JWKS", address)
	if err != nil {
		return nil, err
	}
	return remoteKeys(document)
}

// remoteKeys takes the keys of a JWKS that can check tokens. Issuers publish others beside them, which are left out: keys for
// encryption, of types that are not taken, for algorithms that are not taken.
func remoteKeys(document map[string]json.RawMessage) ([]verificationKey, error) {
	var listed []json.RawMessage
	if json.Unmarshal(document["keys"], &listed) != nil || listed == nil {
		return nil, errors.New("its JWKS has no list of keys")
	}
	if len(listed) > maxRemoteKeys {
		return nil, fmt.Errorf("its JWKS has more than %d keys", maxRemoteKeys)
	}
	keys := []verificationKey{}
	for _, raw := range listed {
		parsed, err := jwk.ParseKey(raw)
		if err != nil {
			continue
		}
		if key, err := publicKey(parsed); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// isSafeURL says whether keys may be read from there: https, or http on this very machine where loopback allows it.
func isSafeURL(address string, loopback bool) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || (u.Scheme == "http" && loopback && isLoopbackURL(address))
}

func isLoopbackURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}
