package tokens

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ClientFor gives an HTTP client that signs with a person's stored grant. The grant is renewed shortly before it
// expires, and once after an unexpected 401. A request fails with a *health.Error when the grant can't be used.
func (k *Keeper) ClientFor(record Record, refresher connectors.Refresher) *http.Client {
	return &http.Client{Transport: &signer{keeper: k, refresher: refresher, record: record}}
}

// signer signs the requests of one operation with one grant.
type signer struct {
	keeper    *Keeper
	refresher connectors.Refresher // nil where grants can't be renewed

	mu     sync.Mutex // held during a renewal: the requests beside it wait for the same one
	record Record
	grant  *connectors.Grant // nil until first used
	tried  bool              // to renew it early, which failed for now: it serves to its end
}

var _ connectors.Preparer = (*signer)(nil)

// Prepare renews the grant if it is about to expire.
func (s *signer) Prepare(ctx context.Context) error {
	_, err := s.fresh(ctx)
	return err
}

// RoundTrip signs and sends. Only requests without a body are sent twice.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	grant, err := s.fresh(r.Context())
	if err != nil {
		return nil, err
	}
	response, err := bearer{grant.AccessToken}.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusUnauthorized || r.Body != nil || !s.renewable(grant) {
		return s.outcome(r.Context(), response, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // frees the connection for the next try
	_ = response.Body.Close()

	grant, err = s.after401(r.Context(), grant)
	if err != nil {
		return nil, err
	}
	response, err = bearer{grant.AccessToken}.RoundTrip(r)
	return s.outcome(r.Context(), response, err)
}

func (s *signer) renewable(grant connectors.Grant) bool {
	return s.refresher != nil && !grant.RefreshToken.IsEmpty()
}

// fresh gives the grant, renewed if it is about to expire.
func (s *signer) fresh(ctx context.Context) (connectors.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Refused() && s.keeper.now().Sub(s.record.RefusedAt) < reviveAfter {
		return connectors.Grant{}, refusedForGood(s.refresher)
	}
	if s.grant == nil {
		grant, err := s.keeper.open(s.record)
		if err != nil {
			return connectors.Grant{}, err
		}
		s.grant = &grant
	}
	current := *s.grant
	expiring := !current.ExpiresAt.IsZero() && !s.keeper.now().Before(current.ExpiresAt.Add(-renewEarly))
	if !expiring || !s.renewable(current) {
		return current, nil
	}
	if left := current.ExpiresAt.Sub(s.keeper.now()); left > 0 {
		return s.early(ctx, current)
	}
	return s.renew(ctx)
}

// courtesyTime is how long a caller whose token is still good waits for the next one. The renewal itself goes on.
const courtesyTime = 3 * time.Second

// early renews a grant that is still good. That it fails for now, or takes long, is nobody's concern yet.
func (s *signer) early(ctx context.Context, current connectors.Grant) (connectors.Grant, error) {
	if s.tried {
		return current, nil
	}
	patient, cancel := context.WithTimeout(ctx, courtesyTime)
	defer cancel()
	renewed, err := s.renew(patient)
	e := health.AsError(err)
	forNow := e.Has(health.UpstreamUnavailable) || e.Has(health.RateLimited) || e.Has(health.UpstreamInvalid)
	if forNow && ctx.Err() == nil {
		s.tried = true
		return current, nil
	}
	return renewed, err
}

// after401 gives a newer grant than the one that was refused, unless a request beside this one has already got it.
func (s *signer) after401(ctx context.Context, refused connectors.Grant) (connectors.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grant.AccessToken.Reveal() != refused.AccessToken.Reveal() {
		return *s.grant, nil
	}
	return s.renew(ctx)
}

// renew is called with mu held.
func (s *signer) renew(ctx context.Context) (connectors.Grant, error) {
	record, grant, err := s.keeper.renew(ctx, s.record, s.refresher)
	if err != nil {
		if health.AsError(err).Code == health.ReauthorizationRequired {
			s.record.RefusedAt = s.keeper.now()
		}
		return connectors.Grant{}, err
	}
	s.record, s.grant = record, &grant
	return grant, nil
}

// outcome remembers what the last answer to a request says of the grant: refused although it was as fresh as can be, or
// taken although it had been refused before. A refusal that is not believed is no answer about the person. response is nil
// when there was none, which says nothing.
func (s *signer) outcome(ctx context.Context, response *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return response, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusGone:
		ctx, cancel := toWrite(ctx)
		defer cancel()
		if !s.keeper.believed(ctx, s.record, aboutReads) {
			_ = response.Body.Close()
			return nil, errSuspect()
		}
		s.keeper.markRefused(ctx, s.record)
		s.record.RefusedAt = s.keeper.now()
	case response.StatusCode < 300:
		s.keeper.suspicion.success(matter{s.record.Connector, aboutReads})
		if s.record.Refused() {
			ctx, cancel := toWrite(ctx)
			defer cancel()
			s.keeper.revive(ctx, s.record)
			s.record.RefusedAt = time.Time{}
		}
	}
	return response, nil
}

// toWrite is for what an answer says of a grant, which is written though its reader has left.
func toWrite(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTime)
}
