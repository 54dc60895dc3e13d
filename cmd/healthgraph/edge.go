package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"healthgraph/server"
	"healthgraph/server/ratelimit"
	"healthgraph/store"
)

// edgeSettings are what stands between the network and the endpoint.
type edgeSettings struct {
	CORSOrigins    []string      `env:"HEALTHGRAPH_CORS_ORIGINS" sep:"," help:"Origins whose pages may call from a browser, exactly, separated by commas."`
	TrustedProxies []string      `env:"HEALTHGRAPH_TRUSTED_PROXIES" sep:"," help:"Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas."`
	HSTSMaxAge     time.Duration `name:"hsts-max-age" env:"HEALTHGRAPH_HSTS_MAX_AGE" default:"8760h" help:"For how long browsers that came by TLS come back by TLS alone; 0s tells them nothing."`
	TLSCertFile    string        `env:"HEALTHGRAPH_TLS_CERT_FILE" help:"Certificate (PEM, its chain after it) to speak TLS with; none for plain HTTP."`
	TLSKeyFile     string        `env:"HEALTHGRAPH_TLS_KEY_FILE" help:"Private key (PEM) of that certificate."`
	MaxConnections int           `env:"HEALTHGRAPH_MAX_CONNECTIONS" default:"10000" help:"Connections of clients at a time. One more closes the one that was idle for longest."`

	RateLimitMode     string `env:"HEALTHGRAPH_RATE_LIMIT_MODE" default:"enforce" help:"enforce, measure (answer all, and log what would be refused) or off."`
	RateLimitPerson   string `env:"HEALTHGRAPH_RATE_LIMIT_PERSON" default:"600/100" help:"Requests of one person: so many a minute, so many at once. As much again is what services may ask about them."`
	RateLimitService  string `env:"HEALTHGRAPH_RATE_LIMIT_SERVICE" default:"6000/1000" help:"Requests of one service, likewise."`
	RateLimitFailures string `env:"HEALTHGRAPH_RATE_LIMIT_FAILURES" default:"60/60" help:"Tokens that are not good from one address, likewise."`
	RedisURL          string `env:"HEALTHGRAPH_REDIS_URL" help:"Redis in which several processes share the limits and upstreams' answers; each counts and remembers for itself without."`
}

// complain finds everything that is wrong with them.
func (s *edgeSettings) complain(c *complaints) {
	for i, origin := range s.CORSOrigins {
		err := server.CheckOrigin(origin)
		c.mistake(err != nil, "HEALTHGRAPH_CORS_ORIGINS: number %d %w", i+1, err)
	}
	for i, proxy := range s.TrustedProxies {
		_, err := server.ParseProxy(proxy)
		c.mistake(err != nil, "HEALTHGRAPH_TRUSTED_PROXIES: number %d %w", i+1, err)
	}
	c.mistake(s.RateLimitMode != rateLimitEnforce && s.RateLimitMode != rateLimitMeasure && s.RateLimitMode != rateLimitOff, "HEALTHGRAPH_RATE_LIMIT_MODE must be enforce, measure or off")
	for _, limit := range []struct{ name, text string }{{"PERSON", s.RateLimitPerson}, {"SERVICE", s.RateLimitService}, {"FAILURES", s.RateLimitFailures}} {
		_, err := ratelimit.ParseLimit(limit.text)
		c.mistake(err != nil, "HEALTHGRAPH_RATE_LIMIT_%s %w", limit.name, err)
	}
	if s.RedisURL != "" {
		err := ratelimit.CheckURL(s.RedisURL)
		c.mistake(err != nil, "HEALTHGRAPH_REDIS_URL %w", err)
	}
	switch {
	case s.TLSCertFile != "" && s.TLSKeyFile != "":
		_, _, err := newCertificate(s, nil)
		c.refuses("HEALTHGRAPH_TLS_*", err)
	case s.TLSCertFile != "" || s.TLSKeyFile != "":
		c.mistake(true, "HEALTHGRAPH_TLS_CERT_FILE and HEALTHGRAPH_TLS_KEY_FILE are set together, or not at all")
	}
	c.mistake(s.MaxConnections < 1, "HEALTHGRAPH_MAX_CONNECTIONS must be a number of at least 1")
	c.mistake(s.HSTSMaxAge < 0 || s.HSTSMaxAge%time.Second != 0, "HEALTHGRAPH_HSTS_MAX_AGE must be a time of whole seconds such as 8760h, or 0s")
}

// proxies are those of the setting, which complain has looked at.
func (s *edgeSettings) proxies() server.Proxies {
	var all server.Proxies
	for _, proxy := range s.TrustedProxies {
		if network, err := server.ParseProxy(proxy); err == nil {
			all = append(all, network)
		}
	}
	return all
}

// The values of HEALTHGRAPH_RATE_LIMIT_MODE.
const (
	rateLimitEnforce = "enforce"
	rateLimitMeasure = "measure"
	rateLimitOff     = "off"
)

// rateLimitKeys is how many callers and addresses a process counts at most: some 20 MiB.
const rateLimitKeys = 100_000

// rateLimits are nil where nothing is limited. Their keys are hashed under a key that all processes on one database have, so that
// they share buckets, and that a Redis does not hold.
func (s *edgeSettings) rateLimits(ctx context.Context, db *store.Store, log *slog.Logger) (*server.RateLimits, error) {
	if s.RateLimitMode != rateLimitEnforce && s.RateLimitMode != rateLimitMeasure {
		return nil, nil //nolint:nilnil // nil is what "off" means to the server
	}
	limits := &server.RateLimits{MeasureOnly: s.RateLimitMode == rateLimitMeasure}
	for limit, text := range map[*ratelimit.Limit]string{&limits.Person: s.RateLimitPerson, &limits.Service: s.RateLimitService, &limits.Failures: s.RateLimitFailures} {
		var err error
		if *limit, err = ratelimit.ParseLimit(text); err != nil {
			return nil, fmt.Errorf("HEALTHGRAPH_RATE_LIMIT_* %w", err)
		}
	}
	key, err := keyFor(ctx, db, "keys of rate limits")
	if err != nil {
		return nil, err
	}
	limits.Limiter, err = ratelimit.New(ratelimit.Config{RedisURL: s.RedisURL, Key: key, Keys: rateLimitKeys, Now: time.Now, Log: log})
	return limits, err
}

// keyFor is a key for one purpose that all processes on one database have.
func keyFor(ctx context.Context, db *store.Store, purpose string) ([]byte, error) {
	secret, err := db.LinkKey(ctx)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(purpose)) // a hash takes everything
	return mac.Sum(nil), nil
}
