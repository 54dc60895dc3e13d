package projection_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// linked answers with the same links in two ways: connections writes them itself, nodes leaves them to gqlgen.
type linked struct {
	graph.ResolverRoot
	links     []*health.DataSourceLink
	authorize projection.Authorize
}

type (
	linkedQuery struct {
		graph.QueryResolver
		linked
	}
	linkedLink struct {
		graph.DataSourceLinkResolver
		linked
	}
)

func (l linked) Query() graph.QueryResolver                   { return linkedQuery{linked: l} }
func (l linked) DataSourceLink() graph.DataSourceLinkResolver { return linkedLink{linked: l} }

func (l linkedQuery) Connections(ctx context.Context, _ *string, _ []string, _ *health.Duration) ([]projection.Link, error) {
	return projection.Links(ctx, l.links, l.authorize), nil
}

func (l linkedQuery) Nodes(context.Context, []string) ([]health.Node, error) {
	nodes := make([]health.Node, len(l.links))
	for i, link := range l.links {
		nodes[i] = projection.OneLink(link, l.authorize)
	}
	return nodes, nil
}

func (l linkedLink) AuthorizationURL(ctx context.Context, link *projection.Link, redirect *health.URL) (*health.URL, error) {
	return l.authorize(ctx, link.DataSourceLink, redirect)()
}

func (l linked) answer(query string) *graphql.Response {
	runner := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: l}))
	ctx := graphql.StartOperationTrace(context.Background())
	operation, failures := runner.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if failures != nil {
		return &graphql.Response{Errors: failures}
	}
	respond, ctx := runner.DispatchOperation(ctx, operation)
	return respond(ctx)
}

// someLinks are links of which each field is null in one and is not in another.
func someLinks() []*health.DataSourceLink {
	at, logo, yes, wait := time.Date(2026, 3, 29, 1, 2, 3, 456_000, time.UTC), health.URL("https://logo.example/?a=1&b=<2>"), true, health.Duration(90*time.Second)
	full := &health.DataSourceLink{
		StoredID: "link_1", User: "person-1", Status: health.StatusConnected, ConnectedAt: &at, CheckedAt: &at, LatestDataAt: &at, DataCheckedAt: &at,
		DataSource:      health.DataSource{ID: "oura", Name: "Ou\"ra\u2028", Connector: "rook", Kind: health.KindBrowser, Capabilities: []health.Capability{health.CapabilityRevoke, health.CapabilityStepCount}, LogoURL: &logo},
		AccountVerified: &yes, ScopesGranted: []string{"steps", "sleep"}, ScopesMissing: []string{},
	}
	full.Problem = &health.Problem{Code: health.NoNewData, Message: "wait <a> while", DataSource: &full.DataSource, RetryAfter: &wait, AuthorizationURL: &logo}
	was := health.StatusConnected
	bare := &health.DataSourceLink{User: "person-1", Namer: namer{}, Status: health.StatusUnknown, LastKnownStatus: &was, DataSource: health.DataSource{ID: "fails"}}
	return []*health.DataSourceLink{full, bare, {StoredID: "link_3", Status: health.StatusNotConnected, DataSource: health.DataSource{ID: "nowhere"}}}
}

// namer names a link that is not stored.
type namer struct{}

func (namer) NameLink(user health.UserID, source health.DataSourceID) health.LinkID {
	return health.LinkID(fmt.Sprintf("link_%s_%s", user, source))
}

// addressOf fails for one link, has none for another, and else tells what it was asked.
func addressOf(_ context.Context, link *health.DataSourceLink, redirect *health.URL) func() (*health.URL, error) {
	return func() (*health.URL, error) {
		switch link.DataSource.ID {
		case "fails":
			return nil, errors.New("no address")
		case "nowhere":
			return nil, nil
		}
		address := health.URL("https://consent.example/")
		if redirect != nil {
			address += "?back=" + *redirect
		}
		return &address, nil
	}
}

// Links that write themselves are what gqlgen writes of them, errors, places and all.
func TestLinksAreWrittenAsGqlgenDoes(t *testing.T) {
	l := linked{links: someLinks(), authorize: addressOf}
	rapid.Check(t, func(t *rapid.T) {
		s := selections{t: t, named: map[string][]string{}}
		selection := s.of("DataSourceLink", 3)
		for _, more := range []string{
			`a: authorizationUrl(redirectUrl: "https://app.example/back") `, `b: authorizationUrl(redirectUrl: $back) `, `c: authorizationUrl(redirectUrl: "no URL") `,
			`... on Node { id } `, `...OfNode `, `authorizationUrl: status `,
		} {
			if rapid.Bool().Draw(t, more) {
				selection = strings.TrimSuffix(selection, "}") + more + "}"
			}
		}
		document := `query($yes: Boolean = true, $no: Boolean = false, $back: URL = "https://app.example/2") {
			uses: __typename @include(if: $yes) @skip(if: $no) b: connections { authorizationUrl(redirectUrl: $back) ...OfNode } %s }
			fragment OfNode on Node { id nodeType: __typename }` + strings.ReplaceAll(s.fragments.String(), "%", "%%")
		got := l.answer(fmt.Sprintf(document, "all: connections "+selection))
		want := l.answer(fmt.Sprintf(document, `all: nodes(ids: []) { ... on DataSourceLink `+selection+` }`))
		if len(want.Data) == 0 { // two fields of one name
			require.Empty(t, got.Data)
			return
		}
		require.Equal(t, string(want.Data), string(got.Data), selection)
		require.ElementsMatch(t, told(want), told(got), selection)
	})
}

// told are the errors as a client sees them, without the columns.
func told(response *graphql.Response) (all []string) {
	for _, e := range response.Errors {
		e.Extensions = nil
		for i := range e.Locations {
			e.Locations[i].Column = 0
		}
		text, _ := json.Marshal(e)
		all = append(all, string(text))
	}
	return all
}

func TestAFailedAddressIsAnErrorAtItsPlace(t *testing.T) {
	response := linked{links: someLinks(), authorize: addressOf}.answer("{ mine: connections { id\n there: authorizationUrl } }")
	require.Len(t, response.Errors, 1)
	assert.Equal(t, "mine[1].there", response.Errors[0].Path.String())
	assert.Equal(t, 2, response.Errors[0].Locations[0].Line)
	assert.JSONEq(t, `{"mine":[{"id":"link_1","there":"https://consent.example/"},{"id":"link_person-1_fails","there":null},{"id":"link_3","there":null}]}`, string(response.Data))
}

// Nobody is waited for before everybody was asked.
func TestAddressesAreFoundSideBySide(t *testing.T) {
	var asked sync.WaitGroup
	asked.Add(6)
	l := linked{links: someLinks(), authorize: func(context.Context, *health.DataSourceLink, *health.URL) func() (*health.URL, error) {
		asked.Done()
		return func() (*health.URL, error) {
			asked.Wait()
			return nil, nil
		}
	}}
	assert.Empty(t, l.answer(`{ connections { authorizationUrl b: authorizationUrl(redirectUrl: "https://app.example/") } }`).Errors)
}

func BenchmarkLinks(b *testing.B) {
	for _, n := range []int{12, 24, 48, 96} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			links := make([]*health.DataSourceLink, n)
			for i := range links {
				links[i] = someLinks()[i%3]
			}
			field := &ast.Field{Alias: "connections", Name: "connections", Definition: schema.Query.Fields.ForName("connections")}
			of := schema.Types["DataSourceLink"]
			for _, name := range []string{"id", "status"} {
				field.SelectionSet = append(field.SelectionSet, &ast.Field{Alias: name, Name: name, Definition: of.Fields.ForName(name), ObjectDefinition: of})
			}
			ctx := graphql.WithOperationContext(b.Context(), &graphql.OperationContext{})
			ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: graphql.CollectedField{Field: field, Selections: field.SelectionSet}})
			b.ReportAllocs()
			for b.Loop() {
				projection.Links(ctx, links, addressOf)
			}
		})
	}
}
