package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profileRounds is how many rounds' requests are sent once more while profiles are taken.
const profileRounds = 2

// profile takes the gateway's profiles of CPU and of allocations while it answers the requests.
// rate is how many it answers in a second.
func (b *bench) profile(ctx context.Context, client *http.Client, w workload, round []prepared, rate float64) error {
	taken := make(chan error, 1)
	go func() {
		seconds := max(1, int(float64(len(round))/rate))
		taken <- b.fetch(ctx, fmt.Sprintf("profile?seconds=%d", seconds), w.name+".cpu.pb.gz")
	}()
	time.Sleep(100 * time.Millisecond) // until it is being taken
	if _, err := drive(ctx, client, w.clients, all(round, gatewaySide)); err != nil {
		return err
	}
	if err := <-taken; err != nil {
		return err
	}
	return b.fetch(ctx, "allocs", w.name+".allocs.pb.gz")
}

func (b *bench) fetch(ctx context.Context, what, name string) error {
	var profile bytes.Buffer
	r := request{method: http.MethodGet, url: "http://" + b.profiling + "/debug/pprof/" + what}
	if err := r.send(ctx, &http.Client{}, &profile); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.options.profiles, name), profile.Bytes(), 0o600)
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
