package projection

import (
	"context"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/health"
)

// DailySteps are days that are written already: all of a list, as its one element. The schema's DailySteps is bound to it.
type DailySteps struct {
	*health.DailySteps // nil: gqlgen asks for no field of what is written

	json []byte
}

// MarshalGQLContext writes the selected fields.
func (d DailySteps) MarshalGQLContext(_ context.Context, w io.Writer) error {
	_, _ = w.Write(d.json) // a response writer keeps its own error
	return nil
}

// UnmarshalGQLContext refuses: no argument takes a day.
func (d *DailySteps) UnmarshalGQLContext(context.Context, any) error {
	return health.Refuse("", "a day of steps is never an input")
}

// Days writes days as the field that ctx stands at selects them.
func Days(ctx context.Context, days []health.DailySteps) []DailySteps {
	if len(days) == 0 {
		return []DailySteps{}
	}
	write := day.selected(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field)
	return []DailySteps{{json: writeList(write, days)}}
}

var day = Object[health.DailySteps]{
	"date":        Scalar(func(d *health.DailySteps) *health.Date { return &d.Date }),
	"steps":       NullableInt(func(d *health.DailySteps) *int { return d.Steps }),
	"presence":    Text(func(d *health.DailySteps) health.Presence { return d.Presence }),
	"dataSources": Many(dataSource, func(d *health.DailySteps) []health.DataSource { return d.DataSources }),
	"candidates":  Many(candidate, func(d *health.DailySteps) []health.StepCandidate { return d.Candidates }),
	"explanation": Text((*health.DailySteps).Explanation),
}

var candidate = Object[health.StepCandidate]{
	"connector":   Text(func(c *health.StepCandidate) string { return c.Connector }),
	"dataSources": Many(dataSource, func(c *health.StepCandidate) []health.DataSource { return c.DataSources }),
	"steps":       NullableInt(func(c *health.StepCandidate) *int { return c.Steps }),
	"presence":    Text(func(c *health.StepCandidate) health.Presence { return c.Presence }),
	"chosen":      Bool(func(c *health.StepCandidate) bool { return c.Chosen }),
	"reason":      Text(func(c *health.StepCandidate) health.CandidateReason { return c.Reason }),
	"fetchedAt":   NullableInstant(func(c *health.StepCandidate) *time.Time { return c.FetchedAt }),
	"devices":     Many(deviceSteps, func(c *health.StepCandidate) []health.DeviceSteps { return c.Devices }),
}

var deviceSteps = Object[health.DeviceSteps]{
	"name":     NullableText(func(d *health.DeviceSteps) *string { return d.Name }),
	"recorded": Int(func(d *health.DeviceSteps) int { return d.Recorded }),
	"counted":  Int(func(d *health.DeviceSteps) int { return d.Counted }),
}
