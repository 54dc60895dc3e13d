package main

import (
	"time"

	"healthgraph/server"
)

// streamSettings bound what stays open: WebSockets and event streams.
type streamSettings struct {
	StreamsMax           int           `env:"HEALTHGRAPH_STREAMS_MAX" default:"1000" help:"WebSockets and event streams at a time, per process."`
	StreamsMaxPerCaller  int           `env:"HEALTHGRAPH_STREAMS_MAX_PER_CALLER" default:"20" help:"WebSockets and event streams of one caller at a time, per process."`
	StreamsMaxOperations int           `env:"HEALTHGRAPH_STREAMS_MAX_OPERATIONS" default:"50" help:"Operations at a time on one WebSocket."`
	StreamsMaxMessage    int64         `env:"HEALTHGRAPH_STREAMS_MAX_MESSAGE" default:"262144" help:"Bytes of one message from a client on a WebSocket."`
	StreamsLifetime      time.Duration `env:"HEALTHGRAPH_STREAMS_LIFETIME" default:"1h" help:"How long a WebSocket or event stream lasts before its client has to connect again."`
	StreamsInitTimeout   time.Duration `env:"HEALTHGRAPH_STREAMS_INIT_TIMEOUT" default:"10s" help:"How long a WebSocket may take to say who it is."`
	StreamsPing          time.Duration `env:"HEALTHGRAPH_STREAMS_PING" default:"20s" help:"How often a client is asked whether it is still there; one that is silent for twice as long has gone."`
	StreamsWriteTimeout  time.Duration `env:"HEALTHGRAPH_STREAMS_WRITE_TIMEOUT" default:"10s" help:"How long a client may take to take what is sent to it."`
}

// maxMessage is the longest message of a WebSocket that may be let through, in bytes.
const maxMessage = 1 << 20

func (s *streamSettings) complain(c *complaints) {
	c.mistake(s.StreamsMax < 1 || s.StreamsMaxPerCaller < 1 || s.StreamsMaxOperations < 1,
		"HEALTHGRAPH_STREAMS_MAX, HEALTHGRAPH_STREAMS_MAX_PER_CALLER and HEALTHGRAPH_STREAMS_MAX_OPERATIONS must be numbers of at least 1")
	c.mistake(s.StreamsMaxMessage < 1024 || s.StreamsMaxMessage > maxMessage, "HEALTHGRAPH_STREAMS_MAX_MESSAGE must be from 1024 to %d", maxMessage)
	c.mistake(s.StreamsLifetime <= 0 || s.StreamsInitTimeout <= 0 || s.StreamsPing <= 0 || s.StreamsWriteTimeout <= 0,
		"HEALTHGRAPH_STREAMS_LIFETIME, HEALTHGRAPH_STREAMS_INIT_TIMEOUT, HEALTHGRAPH_STREAMS_PING and HEALTHGRAPH_STREAMS_WRITE_TIMEOUT must be times of more than nothing, such as 20s")
}

// streamLimits are what the server takes. What is not set is its default, in the demo as well.
func (s *streamSettings) streamLimits() server.StreamLimits {
	return server.StreamLimits{
		Connections: s.StreamsMax, ConnectionsPerCaller: s.StreamsMaxPerCaller, Operations: s.StreamsMaxOperations, MessageBytes: s.StreamsMaxMessage,
		Lifetime: s.StreamsLifetime, InitTimeout: s.StreamsInitTimeout, Ping: s.StreamsPing, Write: s.StreamsWriteTimeout,
	}
}
