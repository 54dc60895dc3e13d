package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"healthgraph/callers"
	"healthgraph/connectors"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/connectors/rook"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/tokens"
)

// databaseSettings say where what must last is kept.
type databaseSettings struct {
	DatabaseURL string `env:"HEALTHGRAPH_DATABASE_URL" default:"sqlite:healthgraph.db" help:"postgres://… (verified in full unless sslmode=disable) or sqlite:PATH."`
}

// settings are what serve is configured with. Every setting has its environment variable.
type settings struct {
	databaseSettings

	Listen      string   `env:"HEALTHGRAPH_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on, host:port."`
	JWTSecret   string   `env:"HEALTHGRAPH_JWT_SECRET" help:"Secret of HS256 tokens, at least 32 bytes."`
	JWKSFile    string   `env:"HEALTHGRAPH_JWKS_FILE" help:"File with the public keys (JWKS) of RS, PS, ES or EdDSA tokens."`
	KeysetFile  string   `env:"HEALTHGRAPH_KEYSET_FILE" help:"Keyset that seals people's grants; make one with healthgraph keys create."`
	ReturnURLs  []string `name:"return-urls" env:"HEALTHGRAPH_RETURN_URLS" sep:"," help:"Return URLs that callers may name, exactly, separated by commas."`
	CORSOrigins []string `env:"HEALTHGRAPH_CORS_ORIGINS" sep:"," help:"Origins whose pages may call from a browser, exactly, separated by commas."`
	Playground  bool     `env:"HEALTHGRAPH_PLAYGROUND" help:"Serve the Playground at /playground and allow introspection."`

	RookBaseURL    string `env:"HEALTHGRAPH_ROOK_BASE_URL" default:"production" help:"production, sandbox or a URL."`
	RookClientUUID string `env:"HEALTHGRAPH_ROOK_CLIENT_UUID" help:"ROOK's client UUID."`
	RookSecretKey  string `env:"HEALTHGRAPH_ROOK_SECRET_KEY" help:"ROOK's secret key."`

	OneTwentyOneBaseURL      string `name:"onetwentyone-base-url" env:"HEALTHGRAPH_ONETWENTYONE_BASE_URL" help:"OneTwentyOne's URL, when not the public one."`
	OneTwentyOneClientID     string `name:"onetwentyone-client-id" env:"HEALTHGRAPH_ONETWENTYONE_CLIENT_ID" help:"OneTwentyOne's client id."`
	OneTwentyOneClientSecret string `name:"onetwentyone-client-secret" env:"HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET" help:"OneTwentyOne's client secret."`
	OneTwentyOneRedirectURI  string `name:"onetwentyone-redirect-uri" env:"HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI" help:"Return URL for OneTwentyOne when the caller names none; must be registered there."`
	OneTwentyOneEncoding     string `name:"onetwentyone-token-encoding" env:"HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING" default:"json" help:"Encoding of token requests, which OneTwentyOne does not document: json or form."`

	ShareAccounts bool          `env:"HEALTHGRAPH_SHARE_ACCOUNTS" help:"Let several people link the same account of an upstream."`
	StaleAfter    time.Duration `env:"HEALTHGRAPH_STALE_AFTER" default:"72h" help:"How long a linked source may bring nothing new before its link has a problem; 0s for ever."`

	OperationTimeout time.Duration `env:"HEALTHGRAPH_OPERATION_TIMEOUT" default:"20s" help:"Deadline of one GraphQL operation."`
	UpstreamTimeout  time.Duration `env:"HEALTHGRAPH_UPSTREAM_TIMEOUT" default:"8s" help:"Deadline of one upstream call."`
}

func (s *settings) hasRook() bool { return s.RookClientUUID != "" || s.RookSecretKey != "" }

func (s *settings) hasOneTwentyOne() bool {
	return s.OneTwentyOneClientID != "" || s.OneTwentyOneClientSecret != ""
}

// mistakes finds everything that is wrong with the settings, all at once. No value is repeated: some are secrets.
func (s *settings) mistakes() error {
	var found []error
	mistake := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(s.Listen)
	mistake(err != nil, "HEALTHGRAPH_LISTEN must be host:port, such as 127.0.0.1:8080")
	mistake(s.JWTSecret == "" && s.JWKSFile == "", "HEALTHGRAPH_JWT_SECRET or HEALTHGRAPH_JWKS_FILE must be set: without a key nobody could be let in")
	mistake(s.JWTSecret != "" && len(s.JWTSecret) < callers.MinSecretBytes, "HEALTHGRAPH_JWT_SECRET needs at least %d bytes", callers.MinSecretBytes)
	mistake(s.KeysetFile == "", "HEALTHGRAPH_KEYSET_FILE must be set: people's grants are sealed under a keyset; make one with healthgraph keys create FILE")
	mistake(!s.hasRook() && !s.hasOneTwentyOne(), "no upstream has credentials: set HEALTHGRAPH_ROOK_CLIENT_UUID and HEALTHGRAPH_ROOK_SECRET_KEY, or HEALTHGRAPH_ONETWENTYONE_CLIENT_ID and HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET")
	mistake(s.hasRook() && s.RookClientUUID == "", "HEALTHGRAPH_ROOK_CLIENT_UUID is missing beside HEALTHGRAPH_ROOK_SECRET_KEY")
	mistake(s.hasRook() && s.RookSecretKey == "", "HEALTHGRAPH_ROOK_SECRET_KEY is missing beside HEALTHGRAPH_ROOK_CLIENT_UUID")
	if s.hasOneTwentyOne() {
		mistake(s.OneTwentyOneClientID == "", "HEALTHGRAPH_ONETWENTYONE_CLIENT_ID is missing beside HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET")
		mistake(s.OneTwentyOneClientSecret == "", "HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET is missing beside HEALTHGRAPH_ONETWENTYONE_CLIENT_ID")
		mistake(s.OneTwentyOneRedirectURI == "" && len(s.ReturnURLs) == 0, "HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI or HEALTHGRAPH_RETURN_URLS must say where people come back to from OneTwentyOne")
		mistake(s.OneTwentyOneRedirectURI != "" && !isURL(s.OneTwentyOneRedirectURI), "HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI must be an absolute URL")
		mistake(s.OneTwentyOneEncoding != "json" && s.OneTwentyOneEncoding != "form", "HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING must be json or form")
	}
	for i, u := range s.ReturnURLs {
		mistake(!isURL(u), "HEALTHGRAPH_RETURN_URLS: number %d is not an absolute URL", i+1)
	}
	for i, origin := range s.CORSOrigins {
		mistake(!isURL(origin) || strings.Count(origin, "/") != 2, "HEALTHGRAPH_CORS_ORIGINS: number %d is not an origin such as https://app.example", i+1)
	}
	found = append(found, s.unusable()...)
	mistake(s.OperationTimeout <= 0, "HEALTHGRAPH_OPERATION_TIMEOUT must be a time of more than nothing, such as 20s")
	mistake(s.StaleAfter < 0, "HEALTHGRAPH_STALE_AFTER must be a time such as 72h, or 0s")
	mistake(s.UpstreamTimeout <= 0, "HEALTHGRAPH_UPSTREAM_TIMEOUT must be a time of more than nothing, such as 8s")
	return errors.Join(found...)
}

// unusable builds, and throws away, whatever of the program needs no database: what refuses a setting says so best itself.
func (s *settings) unusable() []error {
	var found []error
	refuses := func(setting string, err error) {
		if err != nil {
			found = append(found, fmt.Errorf("%s: %w", setting, err))
		}
	}
	refuses("HEALTHGRAPH_DATABASE_URL", store.CheckURL(s.DatabaseURL))
	if s.JWKSFile != "" {
		jwks, err := readFile(s.JWKSFile)
		if err == nil {
			_, err = callers.NewVerifier(health.Secret{}, jwks, time.Now)
		}
		refuses("HEALTHGRAPH_JWKS_FILE", err)
	}
	if s.KeysetFile != "" {
		keyset, err := readFile(s.KeysetFile)
		if err == nil {
			_, err = tokens.NewSealer(keyset)
		}
		refuses("HEALTHGRAPH_KEYSET_FILE", err)
	}
	if s.RookClientUUID != "" && s.RookSecretKey != "" {
		_, err := s.rook(connectors.ClientConfig{})
		refuses("HEALTHGRAPH_ROOK_*", err)
	}
	if s.OneTwentyOneClientID != "" && s.OneTwentyOneClientSecret != "" {
		_, err := s.oneTwentyOne(connectors.ClientConfig{})
		refuses("HEALTHGRAPH_ONETWENTYONE_*", err)
	}
	return found
}

func (s *settings) rook(client connectors.ClientConfig) (*rook.Connector, error) {
	return rook.New(rook.Config{BaseURL: s.rookBaseURL(), ClientUUID: s.RookClientUUID, SecretKey: health.NewSecret(s.RookSecretKey), Client: client})
}

func (s *settings) oneTwentyOne(client connectors.ClientConfig) (*onetwentyone.Connector, error) {
	return onetwentyone.New(onetwentyone.Config{
		BaseURL: s.OneTwentyOneBaseURL, ClientID: s.OneTwentyOneClientID, ClientSecret: health.NewSecret(s.OneTwentyOneClientSecret),
		RedirectURI: s.OneTwentyOneRedirectURI, TokenEncoding: encodings[s.OneTwentyOneEncoding], Client: client,
	})
}

// encodings are the values of HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING.
var encodings = map[string]onetwentyone.TokenEncoding{"json": onetwentyone.JSON, "form": onetwentyone.Form}

func isURL(s string) bool {
	_, err := health.ParseURL(s)
	return err == nil
}

// rookBaseURL is the address behind the two names.
func (s *settings) rookBaseURL() string {
	switch strings.ToLower(s.RookBaseURL) {
	case "", "production":
		return rook.Production
	case "sandbox":
		return rook.Sandbox
	default:
		return s.RookBaseURL
	}
}

// readFile reads a file that a setting names. Its error does not repeat the name, which the setting's stands for.
func readFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the operator says which file
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return nil, cause.Err
	}
	return content, err
}
