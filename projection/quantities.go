package projection

import (
	"context"
	"io"
	"maps"

	"healthgraph/health"
)

// QuantityConnection is a page of a metric's samples that writes itself.
type QuantityConnection struct {
	health.SamplePage
	Metric health.Metric
	Unit   *health.Unit // of every value; nil where the metric is not known: then each sample has its own, or none
}

// Series is the page in columns; nil where its values can be of different units.
func (c QuantityConnection) Series() *health.SampleSeries {
	if c.Unit == nil {
		return nil
	}
	series := c.SamplePage.Series(*c.Unit)
	return &series
}

// MarshalGQLContext writes the selected fields.
func (c QuantityConnection) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	Write(ctx, w, quantityConnection, &c)
	return nil
}

// UnmarshalGQLContext refuses: no argument takes a connection.
func (c *QuantityConnection) UnmarshalGQLContext(context.Context, any) error {
	return health.Refuse("", "a connection is never an input")
}

var quantityConnection = Object[QuantityConnection]{
	"metric":   One(metric, func(c *QuantityConnection) *health.Metric { return &c.Metric }),
	"unit":     NullableText(func(c *QuantityConnection) *string { return (*string)(c.Unit) }),
	"edges":    Many(quantityEdge, func(c *QuantityConnection) []health.PlacedSample { return c.Samples }),
	"nodes":    Many(quantitySample, func(c *QuantityConnection) []health.PlacedSample { return c.Samples }),
	"series":   One(quantitySeries, func(c *QuantityConnection) *health.SampleSeries { return c.Series() }),
	"pageInfo": One(pageInfo, func(c *QuantityConnection) *health.PageInfo { return &c.PageInfo }),
	"problems": Many(problem, func(c *QuantityConnection) []health.Problem { return c.Problems }),
	"complete": Bool(func(c *QuantityConnection) bool { return c.Complete }),
}

var quantityEdge = Object[health.PlacedSample]{
	"cursor": sampleEdge["cursor"],
	"node":   One(quantitySample, func(s *health.PlacedSample) *health.PlacedSample { return s }),
}

// quantitySample is a sample whose unit may be unknown.
var quantitySample = func() Object[health.PlacedSample] {
	object := maps.Clone(sample)
	object["unit"] = NullableText(func(s *health.PlacedSample) *string {
		if s.Unit == "" {
			return nil
		}
		return (*string)(&s.Unit)
	})
	return object
}()

var quantitySeries = Object[health.SampleSeries]{
	"starts":  Scalar(func(s *health.SampleSeries) *health.InstantColumn { return &s.Starts }),
	"ends":    Scalar(func(s *health.SampleSeries) *health.InstantColumn { return &s.Ends }),
	"values":  Scalar(func(s *health.SampleSeries) *health.NumberColumn { return &s.Values }),
	"devices": Scalar(func(s *health.SampleSeries) *health.TextColumn { return &s.Devices }),
}

var metric = Object[health.Metric]{
	"name":      Text(func(m *health.Metric) string { return m.Name }),
	"title":     Text(func(m *health.Metric) string { return m.Title }),
	"kind":      Text(func(m *health.Metric) health.MetricKind { return m.Kind }),
	"averaging": NullableText(func(m *health.Metric) *string { return (*string)(m.Averaging) }),
	"unit":      NullableText(func(m *health.Metric) *string { return (*string)(m.Unit) }),
	"units": Leaf(func(b []byte, m *health.Metric) []byte {
		b = append(b, '[')
		for i, unit := range m.Units {
			if i > 0 {
				b = append(b, ',')
			}
			b = health.AppendText(b, string(unit))
		}
		return append(b, ']')
	}),
}
