package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthgraph/simulators/applehealth"
	"healthgraph/simulators/onetwentyone"
)

// loadAppleHealth serves the steps of a real export as the demo person's, and shows how far it has come.
func loadAppleHealth(ctx context.Context, out console, path string, to *onetwentyone.Simulator) (applehealth.Summary, error) {
	const megabyte = 1 << 20
	shown := time.Time{}
	show := applehealth.Options{Progress: func(p applehealth.Progress) {
		if time.Since(shown) < time.Second && p.Done != p.Total {
			return
		}
		shown = time.Now()
		of := ""
		if p.Total > 0 {
			of = fmt.Sprintf(" of %d", p.Total/megabyte)
		}
		out.progress(fmt.Sprintf("reading the Apple Health export: %d%s MB, %d records, %d step samples", p.Done/megabyte, of, p.Records, p.Steps))
	}}
	var summary applehealth.Summary
	_, err := to.LoadSteps(demoPerson, func(add func(onetwentyone.Step) error) (err error) {
		summary, err = applehealth.Read(ctx, path, show, func(s applehealth.Sample) error {
			return add(onetwentyone.Step{Start: s.Start, End: s.End, Value: s.Value, Source: s.Source, Product: s.Product})
		})
		return err
	})
	if err != nil {
		return summary, fmt.Errorf("the export can't be used: %w", err)
	}
	if summary.Steps == 0 {
		return summary, errors.New("the Apple Health export has no step records")
	}
	for reason, n := range summary.Refused {
		out.progress(fmt.Sprintf("step records left out: %d (%s)", n, reason))
	}
	return summary, nil
}
