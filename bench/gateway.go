package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"healthgraph/bench/floor"
	"healthgraph/bench/upstreams"
)

// environment is what production would set: see docs/production.md. Rate limits count every request and are too high to refuse
// one.
func (b *bench) environment(program string) []string {
	database, profiling := b.options.database, b.profiling
	if database == "" {
		database = "sqlite:" + b.file("healthgraph.db")
	}
	if program != b.options.healthgraph {
		database, profiling = "sqlite:"+b.file("against.db"), ""
	}
	return []string{
		"HEALTHGRAPH_LISTEN=127.0.0.1:0",
		"HEALTHGRAPH_PROFILING_LISTEN=" + profiling,
		"HEALTHGRAPH_DATABASE_URL=" + database,
		"HEALTHGRAPH_KEYSET_FILE=" + b.file("keyset.json"),
		"HEALTHGRAPH_JWKS_FILE=" + b.file("jwks.json"),
		"HEALTHGRAPH_JWT_AUDIENCE=" + audience,
		"HEALTHGRAPH_RATE_LIMIT_PERSON=6000000/1000000",
		"HEALTHGRAPH_RATE_LIMIT_SERVICE=6000000/1000000",
		"HEALTHGRAPH_ROOK_BASE_URL=" + b.upstreams.url,
		"HEALTHGRAPH_ROOK_CLIENT_UUID=" + upstreams.ClientUUID,
		"HEALTHGRAPH_ROOK_SECRET_KEY=" + upstreams.SecretKey,
		"HEALTHGRAPH_ONETWENTYONE_BASE_URL=" + b.upstreams.url,
		"HEALTHGRAPH_ONETWENTYONE_CLIENT_ID=" + upstreams.ClientID,
		"HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET=" + upstreams.ClientSecret,
		"HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI=" + floor.RedirectURI,
		"HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT=1000000000", // planned as ever, but the measurement is longer than a day's calls
	}
}

// programs are the builds that are run, each with a database of its own.
func (b *bench) programs() []string {
	if b.options.against == "" {
		return []string{b.options.healthgraph}
	}
	return []string{b.options.healthgraph, b.options.against}
}

// startGateway starts one and tells how long it took until it answered.
func (b *bench) startGateway(ctx context.Context, program string) (*process, time.Duration, error) {
	begun := time.Now()
	p, err := start(ctx, true, func(line string) string {
		var told struct {
			GraphQL string `json:"graphql"`
		}
		_ = json.Unmarshal([]byte(line), &told) // other lines are not it
		return strings.TrimSuffix(told.GraphQL, "/graphql")
	}, b.environment(program), program, "serve")
	if err != nil {
		return nil, 0, err
	}
	alive := request{method: http.MethodGet, url: p.url + "/livez"}
	if err := alive.send(ctx, http.DefaultClient, &bytes.Buffer{}); err != nil {
		return nil, 0, errors.Join(err, p.stop())
	}
	return p, time.Since(begun), nil
}

// command runs the gateway's program to its end.
func (b *bench) command(ctx context.Context, program string, words ...string) error {
	cmd := exec.CommandContext(ctx, program, words...) //nolint:gosec // the program to measure
	cmd.Env = append(os.Environ(), b.environment(program)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("healthgraph %s: %w\n%s", words[0], err, out)
	}
	return nil
}

func (b *bench) file(name string) string { return filepath.Join(b.directory, name) }

// install makes the keyset, the issuer's keys and the tables.
func (b *bench) install(ctx context.Context) error {
	jwks, err := b.issuer.jwks()
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.file("jwks.json"), jwks, 0o600); err != nil {
		return err
	}
	if err := b.command(ctx, b.options.healthgraph, "keys", "create", b.file("keyset.json")); err != nil {
		return err
	}
	for _, program := range b.programs() {
		if err := b.command(ctx, program, "migrate", "up"); err != nil {
			return err
		}
	}
	return nil
}

// introduce brings the workload's people to where production has them: grants imported and renewed, profiles and links read
// lately. It is done by a gateway of its own, so that the one that is measured has nothing in memory.
func (b *bench) introduce(ctx context.Context, program string, w workload, casts int) error {
	if !w.known {
		return nil
	}
	if w.same {
		casts = 1
	}
	var everybody []floor.Person
	for n := range casts {
		everybody = append(everybody, w.cast(n, b.newest).people...)
	}
	if w.account {
		if err := b.importGrants(ctx, program, w, everybody); err != nil {
			return err
		}
	}
	p, _, err := b.startGateway(ctx, program)
	if err != nil {
		return err
	}
	err = b.visit(ctx, p.url, w, everybody)
	return errors.Join(err, p.stop())
}

func (b *bench) importGrants(ctx context.Context, program string, w workload, people []floor.Person) error {
	var file bytes.Buffer
	file.WriteString("person,account_id,refresh_token\n")
	for _, person := range people {
		fmt.Fprintf(&file, "%s,%s,%s\n", person.ID, person.Account, upstreams.RefreshToken(person.Account))
	}
	name := b.file(w.name + ".csv")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		return err
	}
	return b.command(ctx, program, "links", "import", name)
}

// visit asks once for everybody's links, and for a day's steps of those with an account, which renews their grants.
func (b *bench) visit(ctx context.Context, url string, w workload, people []floor.Person) error {
	const atOnce = 50
	token, err := b.issuer.token("bench-service", "users:any")
	if err != nil {
		return err
	}
	query := `query($ids: [ID!]!) { users(ids: $ids) { connections { status } } }`
	variables := map[string]any{}
	if w.account {
		query = `query($ids: [ID!]!, $day: Date!) { users(ids: $ids) { connections { status } stepCount(from: $day, to: $day) { total complete } } }`
		variables["day"] = b.newest.Format(time.DateOnly)
	}
	var requests []request
	for from := 0; from < len(people); from += atOnce {
		var ids []string
		for _, person := range people[from:min(from+atOnce, len(people))] {
			ids = append(ids, person.ID)
		}
		variables["ids"] = ids
		body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
		if err != nil {
			return err
		}
		requests = append(requests, request{http.MethodPost, url + "/graphql", token, body})
	}
	_, err = drive(ctx, newClient(2), 2, requests)
	return err
}

// reset forgets what was counted and sets the upstreams' latency.
func (b *bench) reset(ctx context.Context, latency time.Duration) error {
	r := request{method: http.MethodPost, url: b.upstreams.url + "/bench/reset?latency=" + latency.String()}
	return r.send(ctx, http.DefaultClient, &bytes.Buffer{})
}

// calls counts the upstream calls since.
func (b *bench) calls(ctx context.Context) (total int64, err error) {
	var answer bytes.Buffer
	r := request{method: http.MethodGet, url: b.upstreams.url + "/bench/calls"}
	if err := r.send(ctx, http.DefaultClient, &answer); err != nil {
		return 0, err
	}
	counts := map[string]int64{}
	err = json.Unmarshal(answer.Bytes(), &counts)
	for _, n := range counts {
		total += n
	}
	return total, err
}
