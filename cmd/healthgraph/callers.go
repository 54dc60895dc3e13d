package main

import (
	"fmt"
	"log/slog"
	"slices"

	"healthgraph/callers"
	"healthgraph/health"
)

// callerSettings say who may call, beside the secret and the JWKS file.
type callerSettings struct {
	OIDCIssuers   []string `name:"oidc-issuers" env:"HEALTHGRAPH_OIDC_ISSUERS" sep:"," help:"Issuers (OpenID Connect) whose tokens are taken, exactly as in iss, separated by commas."`
	JWKSURL       string   `name:"jwks-url" env:"HEALTHGRAPH_JWKS_URL" help:"Address of the public keys (JWKS) of one more issuer, which has no discovery document."`
	JWTIssuer     string   `env:"HEALTHGRAPH_JWT_ISSUER" help:"That issuer, exactly as in iss."`
	JWTAudience   string   `env:"HEALTHGRAPH_JWT_AUDIENCE" help:"Audience that every token must name in aud; needed with issuers, none is checked when empty."`
	RequireScopes bool     `env:"HEALTHGRAPH_REQUIRE_SCOPES" help:"A token without scopes may do nothing, rather than everything for its person."`
}

// issuers are those of both kinds.
func (s *callerSettings) issuers() []callers.IssuerConfig {
	var all []callers.IssuerConfig
	for _, issuer := range s.OIDCIssuers {
		all = append(all, callers.IssuerConfig{Issuer: issuer})
	}
	if s.JWKSURL != "" {
		all = append(all, callers.IssuerConfig{Issuer: s.JWTIssuer, JWKSURL: s.JWKSURL})
	}
	return all
}

// complainOfIssuers finds everything that is wrong with them.
func (s *callerSettings) complainOfIssuers(c *complaints) {
	for i, issuer := range s.OIDCIssuers {
		err := callers.IssuerConfig{Issuer: issuer}.Check()
		c.mistake(err != nil, "HEALTHGRAPH_OIDC_ISSUERS: number %d: %w", i+1, err)
		c.mistake(slices.Contains(s.OIDCIssuers[:i], issuer), "HEALTHGRAPH_OIDC_ISSUERS: number %d stands there twice", i+1)
	}
	c.mistake(s.JWKSURL == "" && s.JWTIssuer != "", "HEALTHGRAPH_JWT_ISSUER is for HEALTHGRAPH_JWKS_URL, which is missing")
	c.mistake(s.JWKSURL != "" && s.JWTIssuer == "", "HEALTHGRAPH_JWT_ISSUER is missing beside HEALTHGRAPH_JWKS_URL")
	if s.JWKSURL != "" && s.JWTIssuer != "" {
		err := callers.IssuerConfig{Issuer: s.JWTIssuer, JWKSURL: s.JWKSURL}.Check()
		c.mistake(err != nil, "HEALTHGRAPH_JWKS_URL: %w", err)
		c.mistake(slices.Contains(s.OIDCIssuers, s.JWTIssuer), "HEALTHGRAPH_JWT_ISSUER is one of HEALTHGRAPH_OIDC_ISSUERS: an issuer has one set of keys")
	}
	c.mistake(len(s.issuers()) > 0 && s.JWTAudience == "", "HEALTHGRAPH_JWT_AUDIENCE must be set: an issuer signs for others too")
}

// newVerifier makes what checks callers' tokens, with the file that it reads keys from where there is one.
func newVerifier(s settings, o options, keys callers.APIKeyStore, log *slog.Logger) (*callers.Verifier, *watchedFile, error) {
	config := callers.Config{Secret: health.NewSecret(s.JWTSecret), Audience: s.JWTAudience, Issuers: s.issuers(), APIKeys: keys, RequireScopes: s.RequireScopes, Now: o.now, Log: log}
	if s.JWKSFile != "" {
		var err error
		if config.JWKS, err = readFile(s.JWKSFile); err != nil {
			return nil, nil, fmt.Errorf("HEALTHGRAPH_JWKS_FILE: %w", err)
		}
	}
	verifier, err := callers.NewVerifier(config)
	if err != nil || s.JWKSFile == "" {
		return verifier, nil, err
	}
	return verifier, newWatchedFile("JWKS", "keys", s.JWKSFile, config.JWKS, verifier.ReplaceJWKS, log), nil
}
