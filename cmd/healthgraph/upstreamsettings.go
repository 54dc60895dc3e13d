package main

import (
	"log/slog"
	"time"

	"healthgraph/connectors"
)

// upstreamSettings say how each upstream is called.
type upstreamSettings struct {
	UpstreamTimeout    time.Duration `env:"HEALTHGRAPH_UPSTREAM_TIMEOUT" default:"8s" help:"Deadline of one attempt at an upstream call."`
	UpstreamRetries    int           `env:"HEALTHGRAPH_UPSTREAM_RETRIES" default:"2" help:"How often a call is repeated at most, where that does no harm; 0 for never."`
	UpstreamMaxCalls   int           `env:"HEALTHGRAPH_UPSTREAM_MAX_CALLS" default:"16" help:"Calls to one upstream at a time, with our own credential and with people's grants each."`
	UpstreamMaxWaiting int           `env:"HEALTHGRAPH_UPSTREAM_MAX_WAITING" default:"2000" help:"Calls that wait for their turn, likewise; the next one fails at once."`
	UpstreamBreakAfter int           `env:"HEALTHGRAPH_UPSTREAM_BREAK_AFTER" default:"10" help:"Calls within ten seconds, half of them failed, after which an upstream is left in peace; 0 for never."`
	UpstreamBreakFor   time.Duration `env:"HEALTHGRAPH_UPSTREAM_BREAK_FOR" default:"5s" help:"For how long it is left in peace, about."`

	OneTwentyOneDailyLimit   int `name:"onetwentyone-daily-limit" env:"HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT" default:"10000" help:"Requests a day that OneTwentyOne allows this client; 0 when that is not to be planned."`
	OneTwentyOneDailyReserve int `name:"onetwentyone-daily-reserve" env:"HEALTHGRAPH_ONETWENTYONE_DAILY_RESERVE" default:"2000" help:"Of these, requests kept for people who wait: background work stops before."`
}

// client is the part of a connector's configuration that all connectors share.
func (s *upstreamSettings) client(now func() time.Time, log *slog.Logger) connectors.ClientConfig {
	return connectors.ClientConfig{
		Timeout: s.UpstreamTimeout, MaxInFlight: s.UpstreamMaxCalls, MaxWaiting: s.UpstreamMaxWaiting, Retries: s.UpstreamRetries,
		BreakAfter: s.UpstreamBreakAfter, BreakFor: s.UpstreamBreakFor, Now: now, Log: log,
	}
}

const maxRetries = 5

func (s *upstreamSettings) complain(c *complaints) {
	c.mistake(s.UpstreamTimeout <= 0, "HEALTHGRAPH_UPSTREAM_TIMEOUT must be a time of more than nothing, such as 8s")
	c.mistake(s.UpstreamRetries < 0 || s.UpstreamRetries > maxRetries, "HEALTHGRAPH_UPSTREAM_RETRIES must be from 0 to %d", maxRetries)
	c.mistake(s.UpstreamMaxCalls < 1, "HEALTHGRAPH_UPSTREAM_MAX_CALLS must be a number of at least 1")
	c.mistake(s.UpstreamMaxWaiting < 1, "HEALTHGRAPH_UPSTREAM_MAX_WAITING must be a number of at least 1")
	c.mistake(s.UpstreamBreakAfter < 0, "HEALTHGRAPH_UPSTREAM_BREAK_AFTER must be a number, or 0")
	c.mistake(s.UpstreamBreakFor <= 0, "HEALTHGRAPH_UPSTREAM_BREAK_FOR must be a time of more than nothing, such as 5s")
	c.mistake(s.OneTwentyOneDailyLimit < 0, "HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT must be a number, or 0")
	c.mistake(s.OneTwentyOneDailyReserve < 0 || s.OneTwentyOneDailyLimit > 0 && s.OneTwentyOneDailyReserve >= s.OneTwentyOneDailyLimit,
		"HEALTHGRAPH_ONETWENTYONE_DAILY_RESERVE must be less than HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT")
}
