package tokens

import (
	"context"
	"sync"

	"healthgraph/health"
)

// suspectAfter is how many different people in a row have to be refused, without anybody being taken between, before the
// fault is looked for on our side: a wrong client secret or an upstream gone mad refuses everybody.
const suspectAfter = 3

// matter is what was refused. Reads that succeed say nothing of refreshes: an access token needs no client secret.
type matter struct {
	connector string
	about     subject
}

type subject int

const (
	aboutReads     subject = iota // with a fresh access token
	aboutRefreshes                // of a grant
	aboutAccounts                 // that a grant was to be for
)

// suspicion counts refusals in a row, by matter.
type suspicion struct {
	mu      sync.Mutex
	refused map[matter]map[health.UserID]bool
}

// refusal counts one, and says whether by now the refusals say nothing about people any more.
func (s *suspicion) refusal(of matter, user health.UserID) (frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = map[matter]map[health.UserID]bool{}
	}
	if s.refused[of] == nil {
		s.refused[of] = map[health.UserID]bool{}
	}
	if len(s.refused[of]) < suspectAfter {
		s.refused[of][user] = true
	}
	return len(s.refused[of]) >= suspectAfter
}

// success ends the row: the upstream takes somebody.
func (s *suspicion) success(of matter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refused, of)
}

// believed says whether a refusal is to be remembered as the person's. If not, the operator is told.
func (k *Keeper) believed(ctx context.Context, r Record, about subject) bool {
	if !k.suspicion.refusal(matter{r.Connector, about}, r.User) {
		return true
	}
	alarm := "ALARM: an upstream refuses the grants of several people in a row, so no link is changed: check the gateway's own credential there"
	if about == aboutAccounts {
		alarm = "ALARM: an upstream names other accounts than several people in a row linked, so no link is changed: does it confuse people?"
	}
	k.log.ErrorContext(ctx, alarm, "connector", r.Connector, "people", suspectAfter)
	return false
}

// errSuspect stands for a refusal that is not believed.
func errSuspect() error {
	return health.Fail(health.UpstreamInvalid, "the upstream refuses everybody's authorisation: the operator has to look at it, the link is left as it is", nil)
}
