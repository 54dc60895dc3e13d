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
)

// databaseSettings say where what must last is kept.
type databaseSettings struct {
	DatabaseURL string `env:"HEALTHGRAPH_DATABASE_URL" default:"sqlite:healthgraph.db" help:"postgres://… (verified in full unless sslmode=disable) or sqlite:PATH."`
}

// gatewaySettings are what the gateway needs whoever asks it: serve for its callers, reconcile for the operator.
type gatewaySettings struct {
	databaseSettings
	kmsSettings

	DatabaseMaxConns int `env:"HEALTHGRAPH_DATABASE_MAX_CONNS" default:"10" help:"Connections to PostgreSQL at a time, per process."`

	KeysetFile string `env:"HEALTHGRAPH_KEYSET_FILE" help:"Keyset that seals people's grants; make one with healthgraph keys create."`

	RookBaseURL    string `env:"HEALTHGRAPH_ROOK_BASE_URL" default:"production" help:"production, sandbox or a URL."`
	RookClientUUID string `env:"HEALTHGRAPH_ROOK_CLIENT_UUID" help:"ROOK's client UUID."`
	RookSecretKey  string `env:"HEALTHGRAPH_ROOK_SECRET_KEY" help:"ROOK's secret key."`

	OneTwentyOneBaseURL      string `name:"onetwentyone-base-url" env:"HEALTHGRAPH_ONETWENTYONE_BASE_URL" help:"OneTwentyOne's URL, when not the public one."`
	OneTwentyOneClientID     string `name:"onetwentyone-client-id" env:"HEALTHGRAPH_ONETWENTYONE_CLIENT_ID" help:"OneTwentyOne's client id."`
	OneTwentyOneClientSecret string `name:"onetwentyone-client-secret" env:"HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET" help:"OneTwentyOne's client secret."`
	OneTwentyOneRedirectURI  string `name:"onetwentyone-redirect-uri" env:"HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI" help:"Return URL for OneTwentyOne when the caller names none; must be registered there."`
	OneTwentyOneEncoding     string `name:"onetwentyone-token-encoding" env:"HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING" default:"json" help:"Encoding of token requests, which OneTwentyOne does not document: json or form."`

	upstreamSettings

	ShareAccounts bool          `env:"HEALTHGRAPH_SHARE_ACCOUNTS" help:"Let several people link the same account of an upstream."`
	StaleAfter    time.Duration `env:"HEALTHGRAPH_STALE_AFTER" default:"72h" help:"How long a linked source may bring nothing new before its link has a problem; 0s for ever."`

	ReconcilePerHour int           `env:"HEALTHGRAPH_RECONCILE_PER_HOUR" default:"60" help:"People whose links are compared with each upstream in an hour; 0 for none."`
	ReconcileAfter   time.Duration `env:"HEALTHGRAPH_RECONCILE_AFTER" default:"24h" help:"How long ago a link must have been checked to be compared with its upstream again."`
}

// settings are what serve is configured with. Every setting has its environment variable.
type settings struct {
	gatewaySettings
	callerSettings
	limitSettings
	edgeSettings
	streamSettings
	profilingSettings

	Listen        string        `env:"HEALTHGRAPH_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on, host:port."`
	JWTSecret     string        `env:"HEALTHGRAPH_JWT_SECRET" help:"Secret of HS256 tokens, at least 32 bytes."`
	JWKSFile      string        `env:"HEALTHGRAPH_JWKS_FILE" help:"File with the public keys (JWKS) of RS, PS, ES or EdDSA tokens."`
	ReturnURLs    []string      `name:"return-urls" env:"HEALTHGRAPH_RETURN_URLS" sep:"," help:"Return URLs that callers may name, exactly, separated by commas."`
	Playground    bool          `env:"HEALTHGRAPH_PLAYGROUND" help:"Serve the Playground at /playground and allow introspection."`
	AccessLogKeep time.Duration `env:"HEALTHGRAPH_ACCESS_LOG_KEEP" default:"8760h" help:"How long the lines of access logs are kept; 0s for ever."`

	OperationTimeout time.Duration `env:"HEALTHGRAPH_OPERATION_TIMEOUT" default:"20s" help:"Deadline of one GraphQL operation."`
}

func (s *gatewaySettings) hasRook() bool { return s.RookClientUUID != "" || s.RookSecretKey != "" }

func (s *gatewaySettings) hasOneTwentyOne() bool {
	return s.OneTwentyOneClientID != "" || s.OneTwentyOneClientSecret != ""
}

// complaints collects what is wrong with settings. No value is repeated: some are secrets.
type complaints []error

func (c *complaints) mistake(wrong bool, format string, args ...any) {
	if wrong {
		*c = append(*c, fmt.Errorf(format, args...))
	}
}

// refuses takes what a part of the program says of a setting.
func (c *complaints) refuses(setting string, err error) {
	if err != nil {
		*c = append(*c, fmt.Errorf("%s: %w", setting, err))
	}
}

// mistakes finds everything that is wrong with the settings, all at once.
func (s *settings) mistakes(kms kmsClients) error {
	var c complaints
	_, _, err := net.SplitHostPort(s.Listen)
	c.mistake(err != nil, "HEALTHGRAPH_LISTEN must be host:port, such as 127.0.0.1:8080")
	c.mistake(s.JWTSecret == "" && s.JWKSFile == "" && len(s.issuers()) == 0, "HEALTHGRAPH_JWT_SECRET, HEALTHGRAPH_JWKS_FILE, HEALTHGRAPH_JWKS_URL or HEALTHGRAPH_OIDC_ISSUERS must be set: without a key nobody could be let in")
	c.mistake(s.JWTSecret != "" && len(s.JWTSecret) < callers.MinSecretBytes, "HEALTHGRAPH_JWT_SECRET needs at least %d bytes", callers.MinSecretBytes)
	s.complainOfIssuers(&c)
	c.mistake(s.hasOneTwentyOne() && s.OneTwentyOneRedirectURI == "" && len(s.ReturnURLs) == 0, "HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI or HEALTHGRAPH_RETURN_URLS must say where people come back to from OneTwentyOne")
	for i, u := range s.ReturnURLs {
		c.mistake(!isURL(u), "HEALTHGRAPH_RETURN_URLS: number %d is not an absolute URL", i+1)
	}
	s.edgeSettings.complain(&c)
	c.mistake(s.OperationTimeout <= 0, "HEALTHGRAPH_OPERATION_TIMEOUT must be a time of more than nothing, such as 20s")
	c.mistake(s.AccessLogKeep < 0, "HEALTHGRAPH_ACCESS_LOG_KEEP must be a time such as 8760h, or 0s")
	if s.JWKSFile != "" {
		jwks, err := readFile(s.JWKSFile)
		if err == nil {
			_, err = callers.NewVerifier(callers.Config{JWKS: jwks, Now: time.Now})
		}
		c.refuses("HEALTHGRAPH_JWKS_FILE", err)
	}
	s.gatewaySettings.complain(&c, kms)
	s.limitSettings.complain(&c)
	s.streamSettings.complain(&c)
	s.profilingSettings.complain(&c)
	return errors.Join(c...)
}

// complain finds everything that is wrong with the gateway's settings. Whatever of the program needs no database is built and
// thrown away: what refuses a setting says so best itself.
func (s *gatewaySettings) complain(c *complaints, kms kmsClients) {
	c.refuses("HEALTHGRAPH_DATABASE_URL", store.CheckURL(s.DatabaseURL))
	c.mistake(s.DatabaseMaxConns < 1, "HEALTHGRAPH_DATABASE_MAX_CONNS must be a number of at least 1")
	c.mistake(s.KeysetFile == "", "HEALTHGRAPH_KEYSET_FILE must be set: people's grants are sealed under a keyset; make one with healthgraph keys create FILE")
	wrapping, kmsErr := s.wrapping(kms)
	if kmsErr != nil {
		*c = append(*c, kmsErr)
	}
	if s.KeysetFile != "" {
		keyset, err := readFile(s.KeysetFile)
		if err == nil && kmsErr == nil {
			err = wrapping.Check(keyset) // without the KMS, which is called once at start
		}
		c.refuses("HEALTHGRAPH_KEYSET_FILE", err)
	}
	c.mistake(!s.hasRook() && !s.hasOneTwentyOne(), "no upstream has credentials: set HEALTHGRAPH_ROOK_CLIENT_UUID and HEALTHGRAPH_ROOK_SECRET_KEY, or HEALTHGRAPH_ONETWENTYONE_CLIENT_ID and HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET")
	c.mistake(s.hasRook() && s.RookClientUUID == "", "HEALTHGRAPH_ROOK_CLIENT_UUID is missing beside HEALTHGRAPH_ROOK_SECRET_KEY")
	c.mistake(s.hasRook() && s.RookSecretKey == "", "HEALTHGRAPH_ROOK_SECRET_KEY is missing beside HEALTHGRAPH_ROOK_CLIENT_UUID")
	if s.RookClientUUID != "" && s.RookSecretKey != "" {
		_, err := s.rook(connectors.ClientConfig{})
		c.refuses("HEALTHGRAPH_ROOK_*", err)
	}
	if s.hasOneTwentyOne() {
		c.mistake(s.OneTwentyOneClientID == "", "HEALTHGRAPH_ONETWENTYONE_CLIENT_ID is missing beside HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET")
		c.mistake(s.OneTwentyOneClientSecret == "", "HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET is missing beside HEALTHGRAPH_ONETWENTYONE_CLIENT_ID")
		c.mistake(s.OneTwentyOneRedirectURI != "" && !isURL(s.OneTwentyOneRedirectURI), "HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI must be an absolute URL")
		c.mistake(s.OneTwentyOneEncoding != "json" && s.OneTwentyOneEncoding != "form", "HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING must be json or form")
	}
	if s.OneTwentyOneClientID != "" && s.OneTwentyOneClientSecret != "" {
		_, err := s.oneTwentyOne(connectors.ClientConfig{}, nil)
		c.refuses("HEALTHGRAPH_ONETWENTYONE_*", err)
	}
	s.upstreamSettings.complain(c)
	c.mistake(s.StaleAfter < 0, "HEALTHGRAPH_STALE_AFTER must be a time such as 72h, or 0s")
	c.mistake(s.ReconcilePerHour < 0 || s.ReconcilePerHour > maxPerHour, "HEALTHGRAPH_RECONCILE_PER_HOUR must be from 0 to %d", maxPerHour)
	c.mistake(s.ReconcileAfter < time.Hour, "HEALTHGRAPH_RECONCILE_AFTER must be at least 1h, such as 24h")
}

// maxPerHour is a thousand a second.
const maxPerHour = 3_600_000

func (s *gatewaySettings) rook(client connectors.ClientConfig) (*rook.Connector, error) {
	return rook.New(rook.Config{BaseURL: s.rookBaseURL(), ClientUUID: s.RookClientUUID, SecretKey: health.NewSecret(s.RookSecretKey), Client: client})
}

func (s *gatewaySettings) oneTwentyOne(client connectors.ClientConfig, budgets connectors.BudgetStore) (*onetwentyone.Connector, error) {
	return onetwentyone.New(onetwentyone.Config{
		BaseURL: s.OneTwentyOneBaseURL, ClientID: s.OneTwentyOneClientID, ClientSecret: health.NewSecret(s.OneTwentyOneClientSecret),
		RedirectURI: s.OneTwentyOneRedirectURI, TokenEncoding: encodings[s.OneTwentyOneEncoding], Client: client,
		DailyLimit: s.OneTwentyOneDailyLimit, DailyReserve: s.OneTwentyOneDailyReserve, Budgets: budgets,
	})
}

// encodings are the values of HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING.
var encodings = map[string]onetwentyone.TokenEncoding{"json": onetwentyone.JSON, "form": onetwentyone.Form}

func isURL(s string) bool {
	_, err := health.ParseURL(s)
	return err == nil
}

// rookBaseURL is the address behind the two names.
func (s *gatewaySettings) rookBaseURL() string {
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
