package projection

import (
	"context"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/health"
)

// Link is a link that writes itself. The schema's DataSourceLink is bound to it.
type Link struct {
	*health.DataSourceLink

	authorize Authorize
	json      []byte // of all links of a list, as its one element; nil where it is not written yet
}

// Authorize begins to find where to send the person's browser for a link, nil for nowhere; what it gives waits for it.
type Authorize func(ctx context.Context, link *health.DataSourceLink, redirect *health.URL) func() (*health.URL, error)

// OneLink is a link that is written when it is its turn.
func OneLink(link *health.DataSourceLink, authorize Authorize) *Link {
	return &Link{DataSourceLink: link, authorize: authorize}
}

// MarshalGQLContext writes the selected fields.
func (l Link) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	if l.json == nil {
		l = Links(ctx, []*health.DataSourceLink{l.DataSourceLink}, l.authorize)[0]
	}
	_, _ = w.Write(l.json) // a response writer keeps its own error
	return nil
}

// UnmarshalGQLContext refuses: no argument takes a link.
func (l *Link) UnmarshalGQLContext(context.Context, any) error {
	return health.Refuse("", "a link is never an input")
}

// writtenLink is a link with what its field authorizationUrl, which may take an upstream call, comes to by each alias.
type writtenLink struct {
	*health.DataSourceLink

	addresses map[string]func() *health.URL
}

// Links writes links at once, as the field that ctx stands at selects them. Their addresses are found side by side; one that fails is
// null, and an error at its place.
func Links(ctx context.Context, links []*health.DataSourceLink, authorize Authorize) []Link {
	operation, field := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field
	isList := field.Definition.Type.Elem != nil
	asked := addressesAsked(operation, field)
	written := make([]writtenLink, len(links))
	for i, link := range links {
		at := ctx
		if isList && len(asked) > 0 {
			at = graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
		}
		written[i] = writtenLink{link, begin(at, asked, link, authorize)}
	}
	if len(links) == 0 {
		return []Link{}
	}
	return []Link{{json: writeList(link.selected(operation, field, "Node"), written)}}
}

// addressAsked is one selection of authorizationUrl.
type addressAsked struct {
	field    graphql.CollectedField
	redirect *health.URL
	err      error // of the argument
}

func addressesAsked(operation *graphql.OperationContext, of graphql.CollectedField) (asked []addressAsked) {
	for _, field := range fieldsOf(operation, of, "Node") {
		if field.Name != "authorizationUrl" {
			continue
		}
		one := addressAsked{field: field}
		if text := field.ArgumentMap(operation.Variables)["redirectUrl"]; text != nil {
			one.redirect = new(health.URL)
			one.err = one.redirect.UnmarshalGQL(text)
		}
		asked = append(asked, one)
	}
	return asked
}

// begin asks for all the addresses of a link.
func begin(ctx context.Context, asked []addressAsked, link *health.DataSourceLink, authorize Authorize) map[string]func() *health.URL {
	if len(asked) == 0 {
		return nil
	}
	addresses := make(map[string]func() *health.URL, len(asked))
	for _, one := range asked {
		at := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "DataSourceLink", Field: one.field})
		if one.err != nil {
			graphql.AddError(graphql.WithPathContext(at, graphql.NewPathWithField("redirectUrl")), one.err)
			addresses[one.field.Alias] = func() *health.URL { return nil }
			continue
		}
		wait := authorize(at, link, one.redirect)
		addresses[one.field.Alias] = func() *health.URL {
			address, err := wait()
			graphql.AddError(at, graphql.AddFieldLocationToError(at, err))
			return address
		}
	}
	return addresses
}

var link = Object[writtenLink]{
	"id":         Text(func(l *writtenLink) health.LinkID { return l.ID() }),
	"dataSource": One(dataSource, func(l *writtenLink) *health.DataSource { return &l.DataSource }),
	"status":     Text(func(l *writtenLink) health.LinkStatus { return l.Status }),
	"authorizationUrl": func(_ *graphql.OperationContext, field graphql.CollectedField) writer[writtenLink] {
		return func(o *output, l *writtenLink) {
			if address := l.addresses[field.Alias](); address != nil {
				o.b = health.AppendText(o.b, string(*address))
				return
			}
			o.b = append(o.b, "null"...)
		}
	},
	"lastKnownStatus": NullableText(func(l *writtenLink) *health.LinkStatus { return l.LastKnownStatus }),
	"connectedAt":     NullableInstant(func(l *writtenLink) *time.Time { return l.ConnectedAt }),
	"checkedAt":       NullableInstant(func(l *writtenLink) *time.Time { return l.CheckedAt }),
	"latestDataAt":    NullableInstant(func(l *writtenLink) *time.Time { return l.LatestDataAt }),
	"dataCheckedAt":   NullableInstant(func(l *writtenLink) *time.Time { return l.DataCheckedAt }),
	"accountVerified": NullableBool(func(l *writtenLink) *bool { return l.AccountVerified }),
	"scopesGranted":   NullableTexts(func(l *writtenLink) []string { return l.ScopesGranted }),
	"scopesMissing":   NullableTexts(func(l *writtenLink) []string { return l.ScopesMissing }),
	"problem":         One(problem, func(l *writtenLink) *health.Problem { return l.Problem }),
}
