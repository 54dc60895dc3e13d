package projection

import (
	"context"
	"io"
	"time"

	"healthgraph/health"
)

// SampleConnection is a page of samples that writes itself: what the schema's connections of samples are bound to.
type SampleConnection struct{ health.SamplePage }

// MarshalGQLContext writes the selected fields.
func (c SampleConnection) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	Write(ctx, w, connection, &c)
	return nil
}

// UnmarshalGQLContext refuses: no argument takes a connection.
func (c *SampleConnection) UnmarshalGQLContext(context.Context, any) error {
	return health.Refuse("", "a connection is never an input")
}

var connection = Object[SampleConnection]{
	"edges":    Many(sampleEdge, func(c *SampleConnection) []health.PlacedSample { return c.Samples }),
	"nodes":    Many(sample, func(c *SampleConnection) []health.PlacedSample { return c.Samples }),
	"pageInfo": One(pageInfo, func(c *SampleConnection) *health.PageInfo { return &c.PageInfo }),
	"problems": Many(problem, func(c *SampleConnection) []health.Problem { return c.Problems }),
	"complete": Bool(func(c *SampleConnection) bool { return c.Complete }),
}

var sampleEdge = Object[health.PlacedSample]{
	"cursor": Leaf(func(b []byte, s *health.PlacedSample) []byte {
		return append(s.Place.AppendCursor(append(b, '"')), '"')
	}),
	"node": One(sample, func(s *health.PlacedSample) *health.PlacedSample { return s }),
}

var sample = Object[health.PlacedSample]{
	"start": Leaf(func(b []byte, s *health.PlacedSample) []byte { return appendInstant(b, s.Start) }),
	"end":   Leaf(func(b []byte, s *health.PlacedSample) []byte { return appendInstant(b, s.End) }),
	"value": Leaf(func(b []byte, s *health.PlacedSample) []byte { return health.AppendNumber(b, s.Value) }),
	"unit":  Text(func(s *health.PlacedSample) health.Unit { return s.Unit }),
	"device": NullableText(func(s *health.PlacedSample) *string {
		if s.Device == "" {
			return nil
		}
		return &s.Device
	}),
	"dataSource": One(dataSource, func(s *health.PlacedSample) *health.DataSource { return s.DataSource }),
}

// appendInstant writes the scalar DateTime as gqlgen does.
func appendInstant(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

var pageInfo = Object[health.PageInfo]{
	"hasNextPage":     Bool(func(p *health.PageInfo) bool { return p.HasNextPage }),
	"hasPreviousPage": Bool(func(p *health.PageInfo) bool { return p.HasPreviousPage }),
	"startCursor":     NullableText(func(p *health.PageInfo) *string { return p.StartCursor }),
	"endCursor":       NullableText(func(p *health.PageInfo) *string { return p.EndCursor }),
}

var problem = Object[health.Problem]{
	"code":             Text(func(p *health.Problem) health.Code { return p.Code }),
	"message":          Text(func(p *health.Problem) string { return p.Message }),
	"dataSource":       One(dataSource, func(p *health.Problem) *health.DataSource { return p.DataSource }),
	"retryAfter":       Scalar(func(p *health.Problem) *health.Duration { return p.RetryAfter }),
	"authorizationUrl": Scalar(func(p *health.Problem) *health.URL { return p.AuthorizationURL }),
}

var dataSource = Object[health.DataSource]{
	"id":           Text(func(d *health.DataSource) health.DataSourceID { return d.ID }),
	"name":         Text(func(d *health.DataSource) string { return d.Name }),
	"connector":    Text(func(d *health.DataSource) string { return d.Connector }),
	"kind":         Text(func(d *health.DataSource) health.DataSourceKind { return d.Kind }),
	"capabilities": Texts(func(d *health.DataSource) []health.Capability { return d.Capabilities }),
	"logoUrl":      Scalar(func(d *health.DataSource) *health.URL { return d.LogoURL }),
}
