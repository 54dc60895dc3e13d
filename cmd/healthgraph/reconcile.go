package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"healthgraph/gateway"
)

type reconcileCommand struct {
	gatewaySettings

	Connectors []string `arg:"" optional:"" help:"The upstreams: rook, onetwentyone. All of them when left out."`
}

// Help is shown by healthgraph reconcile --help.
func (reconcileCommand) Help() string {
	return `Takes the settings of serve, which does the same in the background. Whoever was checked lately is left out, so it can be
stopped at any point and run again, also while replicas serve: one process at a time works on an upstream.`
}

// Run reconciles one upstream after the other. One that fails does not keep the next from its turn.
func (c *reconcileCommand) Run(ctx context.Context, out console, kms kmsClients) (err error) {
	var wrong complaints
	c.complain(&wrong, kms)
	wrong.mistake(c.ReconcilePerHour == 0, "HEALTHGRAPH_RECONCILE_PER_HOUR must be more than 0 to reconcile at all")
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("the configuration is not good:\n%w", err)
	}
	put, err := newCore(ctx, c.gatewaySettings, nil, options{kms: kms}, slog.New(slog.NewJSONHandler(out.log, nil)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, put.close()) }()
	known := put.gateway.Connectors()
	chosen := c.Connectors
	if len(chosen) == 0 {
		chosen = known
	}
	for _, connector := range chosen {
		if !slices.Contains(known, connector) {
			return fmt.Errorf("there is no such upstream among those with credentials: %s", strings.Join(known, ", "))
		}
	}
	for _, connector := range chosen {
		if ctx.Err() != nil {
			break
		}
		err = errors.Join(err, c.reconcile(ctx, put.gateway, connector, out))
	}
	return err
}

func (c *reconcileCommand) reconcile(ctx context.Context, g *gateway.Gateway, connector string, out console) error {
	var told time.Time
	p, err := g.Reconcile(ctx, connector, gateway.ReconcileOptions{
		CheckedBefore: c.ReconcileAfter, PerHour: c.ReconcilePerHour,
		Report: func(p gateway.ReconcileProgress) {
			if now := time.Now(); now.Sub(told) >= tellEvery {
				told = now
				left := time.Duration(p.Due-p.Checked) * time.Hour / time.Duration(c.ReconcilePerHour)
				out.progress(fmt.Sprintf("%s; about %s left at %d people an hour", reconciled(connector, p), max(left, 0).Round(time.Second), c.ReconcilePerHour))
			}
		},
	})
	if errors.Is(err, gateway.ErrLeaseHeld) {
		return fmt.Errorf("%s: another process is reconciling it or has just done so, perhaps serve in the background: run it again in a while", connector)
	}
	out.print("%s\n", reconciled(connector, p))
	if err != nil {
		return fmt.Errorf("%s: it ended early, and goes on from there when run again: %w", connector, err)
	}
	return nil
}

func reconciled(connector string, p gateway.ReconcileProgress) string {
	return fmt.Sprintf("%s: %d of %d people checked: %d as they were, %d changed, %d could not be asked about", connector, p.Checked, p.Due, p.Same, p.Changed, p.Failed)
}
