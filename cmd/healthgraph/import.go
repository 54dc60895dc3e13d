package main

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"healthgraph/connectors"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/connectors/rook"
	"healthgraph/store"
	"healthgraph/tokens"
)

type linksCommand struct {
	Import linksImportCommand `cmd:"" help:"Take over people's authorisations from another system, without any call to an upstream."`
}

type linksImportCommand struct {
	databaseSettings
	kmsSettings
	KeysetFile    string `env:"HEALTHGRAPH_KEYSET_FILE" help:"The keyset that serve uses."`
	ShareAccounts bool   `env:"HEALTHGRAPH_SHARE_ACCOUNTS" help:"Let several people link the same account of an upstream, as serve does."`
	Connector     string `placeholder:"ID" help:"Whose authorisations they are, such as onetwentyone. Needed where more than one connector can take them."`
	DryRun        bool   `help:"Check everything and report it, and write nothing to the database."`
	Report        string `placeholder:"FILE" type:"path" help:"Where to write the report, a new file. Standard output when left out."`
	File          string `arg:"" help:"CSV with a header. - is standard input."`
}

// Help is shown by healthgraph links import --help.
func (linksImportCommand) Help() string {
	return `The columns, in any order, are person, account_id, and refresh_token or personal_access_token (or both, of which each line
fills one). May run while others serve, several times at once, and be stopped and run again: no link is ever overwritten. The
report has a line for each of the file's: line,outcome,reason. Its outcomes are accepted, skipped and refused.`
}

// importBatch is how many lines are taken over in one transaction, and reported after it.
const importBatch = 500

// offline are the connectors without their credentials: nothing here calls an upstream.
func offline() []connectors.Connector {
	return []connectors.Connector{new(rook.Connector), new(onetwentyone.Connector)}
}

// Run imports the file to its end or to the first failure that is not of a line.
func (c *linksImportCommand) Run(ctx context.Context, out console, kms kmsClients) (err error) {
	plug, err := takerOfGrants(c.Connector)
	if err != nil {
		return err
	}
	sealer, err := c.sealer(c.KeysetFile, kms)
	if err != nil {
		return err
	}
	in := io.ReadCloser(os.Stdin)
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
	}
	file, err := newImportFile(in)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: c.DatabaseURL})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	report := out.out
	if c.Report != "" {
		made, err := os.OpenFile(c.Report, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, made.Close()) }()
		report = made
	}
	keeper := tokens.NewKeeper(tokens.KeeperConfig{
		Store: db, Sealer: sealer, Now: time.Now, Log: slog.New(slog.NewTextHandler(out.log, nil)), ShareAccounts: c.ShareAccounts,
	})
	run := linksImport{
		file: file, plug: plug, importer: keeper.NewImporter(plug.Description.ID, c.DryRun),
		report: csv.NewWriter(report), out: out, dryRun: c.DryRun,
	}
	return run.run(ctx)
}
