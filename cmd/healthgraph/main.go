// Command healthgraph is a GraphQL gateway that federates several health APIs behind one endpoint.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"healthgraph/simulators/rook"
	"healthgraph/tokens"
)

// commands are the sub-commands.
type commands struct {
	Serve     serveCommand     `cmd:"" help:"Serve the GraphQL endpoint."`
	Demo      demoCommand      `cmd:"" help:"Serve the endpoint with simulated upstreams, an embedded database and a signed-in demo person."`
	Reconcile reconcileCommand `cmd:"" help:"Compare people's links with what the upstreams say, and remember what they say."`
	Migrate   migrateCommand   `cmd:"" help:"Make the database's tables, or bring them up to date."`
	Simulate  simulateCommand  `cmd:"" help:"Run one simulated upstream alone."`
	Token     tokenCommand     `cmd:"" help:"Print a bearer token signed with HEALTHGRAPH_JWT_SECRET, for development and scripts."`
	Keys      keysCommand      `cmd:"" help:"Keysets, which seal people's grants at rest."`
	APIKeys   apiKeysCommand   `cmd:"" name:"apikeys" help:"API keys, with which services call."`
	Links     linksCommand     `cmd:"" help:"People's links, all at once."`
	Schema    schemaCommand    `cmd:"" help:"Print the GraphQL schema (SDL), for code generators."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// console is where a command writes: answers to out, everything else to log.
type console struct{ out, log io.Writer }

func main() {
	// The first signal ends a command cleanly, a second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], console{os.Stdout, os.Stderr})
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "healthgraph: %v\n", err)
		os.Exit(1)
	}
}

// errExit is how kong's --help asks to end.
var errExit = errors.New("exit")

// lenientDuration reads what is no time as -1: the settings are judged all at once, and no value is repeated.
func lenientDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d = -1
	}
	target.SetInt(int64(d))
	return nil
}

// lenientNumber is the same for what is no number.
func lenientNumber(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("int", &text); err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		n = -1
	}
	target.SetInt(int64(n))
	return nil
}

// run runs one command. A keyset may be wrapped under more KMS than allKMS, if there are.
func run(ctx context.Context, args []string, c console, more ...tokens.KMSClient) (err error) {
	var all commands
	parser, err := kong.New(&all,
		kong.Name("healthgraph"),
		kong.Description("A GraphQL gateway that federates several health APIs behind one endpoint."),
		kong.Writers(c.out, c.log),
		kong.Exit(func(int) { panic(errExit) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c, append(allKMS(), more...)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(lenientDuration)),
		kong.TypeMapper(reflect.TypeFor[int](), kong.MapperFunc(lenientNumber)),
		kong.Vars{"rook_client": rook.DummyClientUUID, "rook_secret": rook.DummySecret},
	)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			if p != errExit { //nolint:errorlint // a panic value, compared with the one above
				panic(p)
			}
			err = nil
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return chosen.Run()
}
