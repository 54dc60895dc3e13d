package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// takerOfGrants finds the connector of that id if it can take grants over; "" is the only one that can.
func takerOfGrants(id string) (*connectors.Plug, error) {
	registry, err := connectors.NewRegistry(offline()...)
	if err != nil {
		return nil, err
	}
	takers := slices.DeleteFunc(slices.Clone(registry.Plugs()), func(p *connectors.Plug) bool { return p.Adopter == nil && p.Personal == nil })
	var ids []string
	for _, plug := range takers {
		if plug.Description.ID == id || (id == "" && len(takers) == 1) {
			return plug, nil
		}
		ids = append(ids, plug.Description.ID)
	}
	return nil, errors.New("--connector has to name one that can take authorisations from another system: " + strings.Join(ids, ", "))
}

// linksImport is one run of links import.
type linksImport struct {
	file     *importFile
	plug     *connectors.Plug
	importer *tokens.Importer
	report   *csv.Writer
	out      console
	dryRun   bool

	batch                      []pendingImport
	accepted, skipped, refused int
	told                       time.Time
}

// pendingImport is a line that was read and not reported yet. With a problem there is no grant.
type pendingImport struct {
	line    int
	problem string
	grant   tokens.Imported
}

func (l *linksImport) run(ctx context.Context) error {
	if err := l.report.Write([]string{"line", "outcome", "reason"}); err != nil {
		return err
	}
	l.told = time.Now()
	for {
		row, readErr := l.file.next()
		if readErr == nil {
			l.batch = append(l.batch, l.check(row))
		}
		if readErr != nil || len(l.batch) == importBatch {
			if err := l.take(ctx); err != nil {
				l.out.progress(l.summary())
				return err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return l.done()
		case readErr != nil:
			l.out.progress(l.summary())
			return readErr
		}
	}
}

func (l *linksImport) done() error {
	l.out.progress(l.summary())
	if l.refused > 0 {
		return fmt.Errorf("%d of %d rows were refused: the report says why", l.refused, l.rows())
	}
	return nil
}

// check judges a line by itself.
func (l *linksImport) check(row importRow) pendingImport {
	pending := pendingImport{line: row.line, problem: row.problem}
	if pending.problem != "" {
		return pending
	}
	user, err := health.ParseUserID(row.fields[columnPerson])
	if err != nil {
		pending.problem = columnPerson + ": " + health.AsError(err).Message
		return pending
	}
	grant, column, err := l.grantOf(row)
	if e := health.AsError(err); e != nil {
		if e.Argument == "accountId" {
			column = columnAccount
		}
		pending.problem = column + ": " + e.Message
	}
	pending.grant = tokens.Imported{User: user, Grant: grant}
	return pending
}

// grantOf makes a line's grant, of the token in that column.
func (l *linksImport) grantOf(row importRow) (grant connectors.Grant, column string, err error) {
	account, refresh, personal := row.fields[columnAccount], row.fields[columnRefresh], row.fields[columnPersonal]
	if column = columnRefresh; personal != "" {
		column = columnPersonal
	}
	switch {
	case column == columnRefresh && l.plug.Adopter != nil:
		grant, err = l.plug.Adopter.AdoptGrant(account, health.NewSecret(refresh))
	case column == columnPersonal && l.plug.Personal != nil:
		grant, err = l.plug.Personal.PersonalGrant(account, health.NewSecret(personal))
	default:
		err = health.Refuse("token", l.plug.Description.Name+" takes none from another system")
	}
	return grant, column, err
}

// verdicts are what the report says of what the importer decided.
var verdicts = map[tokens.ImportOutcome][2]string{
	tokens.ImportAccepted: {"accepted", ""},
	tokens.ImportKnown:    {"skipped", "imported already"},
	tokens.ImportLinked:   {"skipped", "the person is linked already"},
	tokens.ImportInUse:    {"refused", "another person has linked the account"},
}

// take imports the batch and reports it. What it reports is done.
func (l *linksImport) take(ctx context.Context) error {
	var good []tokens.Imported
	for _, pending := range l.batch {
		if pending.problem == "" {
			good = append(good, pending.grant)
		}
	}
	outcomes, err := l.importer.Import(ctx, good)
	next := l.file.number + 1 // the first line that is not done
	for _, pending := range l.batch {
		verdict := [2]string{"refused", pending.problem}
		if pending.problem == "" {
			if len(outcomes) == 0 {
				next = pending.line
				break
			}
			verdict, outcomes = verdicts[outcomes[0]], outcomes[1:]
		}
		l.count(verdict[0])
		if writeErr := l.report.Write([]string{strconv.Itoa(pending.line), verdict[0], verdict[1]}); writeErr != nil {
			err = errors.Join(err, writeErr)
			break
		}
	}
	l.batch = l.batch[:0]
	l.report.Flush()
	if err := errors.Join(err, l.report.Error()); err != nil {
		return fmt.Errorf("it stopped: the lines before line %d are done. Run it again, with a new report: it skips what is done: %w", next, err)
	}
	if now := time.Now(); now.Sub(l.told) >= tellEvery {
		l.told = now
		l.out.progress(l.summary())
	}
	return nil
}

func (l *linksImport) count(outcome string) {
	switch outcome {
	case "accepted":
		l.accepted++
	case "skipped":
		l.skipped++
	default:
		l.refused++
	}
}

func (l *linksImport) rows() int { return l.accepted + l.skipped + l.refused }

func (l *linksImport) summary() string {
	summary := fmt.Sprintf("%d rows: %d accepted, %d skipped, %d refused", l.rows(), l.accepted, l.skipped, l.refused)
	if l.dryRun {
		summary += " (a dry run: nothing was written)"
	}
	return summary
}
