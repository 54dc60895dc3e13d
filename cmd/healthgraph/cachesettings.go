package main

import (
	"context"
	"log/slog"
	"time"

	"healthgraph/cache"
	"healthgraph/store"
	"healthgraph/tokens"
)

// cacheSettings say how old an upstream's answer may be that stands for another read.
type cacheSettings struct {
	CacheBytes  int           `env:"HEALTHGRAPH_CACHE_BYTES" default:"16777216" help:"Bytes of upstreams' answers remembered, per process; 0 for none."`
	CacheLinks  time.Duration `env:"HEALTHGRAPH_CACHE_LINKS" default:"30s" help:"For how long an answer about links stands for others; 0s for not at all."`
	CacheRecent time.Duration `env:"HEALTHGRAPH_CACHE_RECENT" default:"1m" help:"Likewise one about today or yesterday, and one without a figure."`
	CachePast   time.Duration `env:"HEALTHGRAPH_CACHE_PAST" default:"1h" help:"Likewise one about days that have been over for two days."`
}

const (
	maxCacheBytes = 64 << 30
	maxFreshness  = 24 * time.Hour
)

func (s *cacheSettings) complain(c *complaints) {
	c.mistake(s.CacheBytes < 0 || s.CacheBytes > maxCacheBytes, "HEALTHGRAPH_CACHE_BYTES must be a number of bytes from 0 to %d", maxCacheBytes)
	for name, freshness := range map[string]time.Duration{"LINKS": s.CacheLinks, "RECENT": s.CacheRecent, "PAST": s.CachePast} {
		c.mistake(freshness < 0 || freshness > maxFreshness, "HEALTHGRAPH_CACHE_%s must be a time from 0s to 24h, such as 30s", name)
	}
}

// grantsFreshFor is for how long clients need not ask again for links that are grants: as long as for the others.
func (s *cacheSettings) grantsFreshFor() time.Duration {
	if s.CacheBytes == 0 {
		return 0
	}
	return s.CacheLinks
}

// newCache makes the cache, shared in a Redis where there is one. Its names there are hashed under a key that all processes on one
// database have.
func (s *cacheSettings) newCache(ctx context.Context, o options, db *store.Store, sealer *tokens.Sealer, log *slog.Logger) (*cache.Cache, error) {
	config := cache.Config{
		Bytes: s.CacheBytes, Freshness: cache.Freshness{Links: s.CacheLinks, Recent: s.CacheRecent, Past: s.CachePast}, Now: o.now,
	}
	if s.CacheBytes > 0 && o.redisURL != "" {
		key, err := keyFor(ctx, db, "names of remembered answers")
		if err != nil {
			return nil, err
		}
		config.Shared, err = cache.NewShared(cache.SharedConfig{URL: o.redisURL, Key: key, Sealer: sealer, Now: time.Now, Log: log, Timeout: o.redisTimeout})
		if err != nil {
			return nil, err
		}
	}
	return cache.New(config), nil
}
