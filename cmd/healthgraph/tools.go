package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/formatter"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/resolvers"
	"healthgraph/store"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" default:"1" help:"Bring the tables up to date (the default)."`
	Down   migrateDownCommand   `cmd:"" help:"Take back what the last up did. Loses what the tables hold."`
	Status migrateStatusCommand `cmd:"" help:"List the migrations, and when each was applied."`
}

type migrateUpCommand struct{ databaseSettings }

// Run migrates up.
func (c *migrateUpCommand) Run(ctx context.Context, out console) error {
	if err := store.Migrate(ctx, store.Config{URL: c.DatabaseURL}, out.progress); err != nil {
		return err
	}
	out.progress("the tables are up to date")
	return nil
}

type migrateDownCommand struct {
	databaseSettings
	Yes bool `help:"Really: grants, links and ids given to upstreams are lost." required:""`
}

// Run migrates down.
func (c *migrateDownCommand) Run(ctx context.Context, out console) error {
	return store.MigrateDown(ctx, store.Config{URL: c.DatabaseURL}, out.progress)
}

type migrateStatusCommand struct{ databaseSettings }

// Run lists the migrations.
func (c *migrateStatusCommand) Run(ctx context.Context, out console) error {
	states, err := store.MigrateStatus(ctx, store.Config{URL: c.DatabaseURL})
	if err != nil {
		return err
	}
	for _, state := range states {
		applied := "not applied"
		if !state.AppliedAt.IsZero() {
			applied = "applied " + state.AppliedAt.UTC().Format(time.RFC3339)
		}
		out.print("%s\t%s\n", state.Name, applied)
	}
	return nil
}

type tokenCommand struct {
	JWTSecret string        `env:"HEALTHGRAPH_JWT_SECRET" help:"Secret of HS256 tokens, at least 32 bytes."`
	Audience  string        `env:"HEALTHGRAPH_JWT_AUDIENCE" help:"Whom the token is for: its aud."`
	Subject   string        `arg:"" help:"The person that the token speaks for, or the service's own name."`
	Scope     []string      `help:"Scopes of the token; users:any makes it a service's." placeholder:"SCOPE"`
	Lifetime  time.Duration `default:"1h" help:"How long it is good."`
}

// Run prints a token.
func (c *tokenCommand) Run(out console) error {
	subject, err := health.ParseUserID(c.Subject)
	if err != nil {
		return errors.New(health.AsError(err).Message)
	}
	if c.JWTSecret == "" {
		return errors.New("HEALTHGRAPH_JWT_SECRET must be set: the secret that serve checks tokens with")
	}
	if c.Lifetime <= 0 {
		return errors.New("--lifetime must be more than nothing, such as 1h")
	}
	var audience []string
	if c.Audience != "" {
		audience = []string{c.Audience}
	}
	token, err := callers.Issue(health.NewSecret(c.JWTSecret), subject, c.Scope, time.Now(), c.Lifetime, audience...)
	if err != nil {
		return err
	}
	out.print("%s\n", token)
	return nil
}

type schemaCommand struct{}

// Run prints the schema.
func (schemaCommand) Run(out console) error {
	var sdl strings.Builder
	formatter.NewFormatter(&sdl, formatter.WithIndent("  ")).FormatSchema((&resolvers.Resolver{}).NewSchema().Schema())
	out.print("%s", sdl.String())
	return nil
}

type versionCommand struct{}

// version is set by the release build.
var version = "development"

// Run prints the version, and the revision that it was built from where that is known.
func (versionCommand) Run(out console) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = " " + setting.Value
			}
		}
	}
	out.print("healthgraph %s%s\n", version, revision)
	return nil
}

// print writes an answer. Nobody is left to tell when it can't be written.
func (c console) print(format string, args ...any) { _, _ = fmt.Fprintf(c.out, format, args...) }

// progress writes a line about what is going on.
func (c console) progress(line string) { _, _ = fmt.Fprintln(c.log, line) }
