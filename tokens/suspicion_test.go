package tokens_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

func person(i int) health.UserID { return health.UserID(fmt.Sprintf("person-%d", i)) }

func TestSeveralPeopleRefusedInARowFreezeChangesAndRaiseTheAlarm(t *testing.T) {
	v := newVault(t)
	v.onRefresh = func() error { return errRefused }
	for i := range 5 {
		record := v.link(person(i), time.Minute)
		v.clock.advance(2 * time.Minute)
		_, err := v.read(v.Keeper, record)
		if i < 2 {
			assert.Equal(t, health.ReauthorizationRequired, codeOf(err))
			assert.True(t, v.record(person(i)).Refused())
			assert.NotContains(t, v.log.String(), "ALARM")
			continue
		}
		assert.Equal(t, health.UpstreamInvalid, codeOf(err))
		assert.False(t, v.record(person(i)).Refused(), "the third in a row and all after it keep their link")
		assert.Contains(t, v.log.String(), "ALARM")
	}
	v.assertSilent()
	assert.NotContains(t, v.log.String(), "person-")

	v.onRefresh = nil // the operator mended it
	for i := range 5 {
		v.clock.advance(16 * time.Minute)
		status, err := v.read(v.Keeper, v.record(person(i)))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		assert.False(t, v.record(person(i)).Refused(), "everybody is back without having done anything")
	}
}

func TestTheSamePersonRefusedAgainAndAgainIsNoAlarm(t *testing.T) {
	v := newVault(t)
	v.onRefresh = func() error { return errRefused }
	v.link(person(1), time.Minute)
	for range 5 {
		_, err := v.read(v.Keeper, v.record(person(1)))
		assert.Equal(t, health.ReauthorizationRequired, codeOf(err))
		v.clock.advance(16 * time.Minute)
	}
	assert.NotContains(t, v.log.String(), "ALARM")
}

func TestAPersonWhoIsTakenEndsTheRow(t *testing.T) {
	v := newVault(t)
	for i := range 6 {
		refused := i%3 != 2
		v.onRefresh = nil
		if refused {
			v.onRefresh = func() error { return errRefused }
		}
		_, err := v.read(v.Keeper, v.link(person(i), time.Minute))
		assert.Equal(t, refused, codeOf(err) == health.ReauthorizationRequired)
	}
	assert.NotContains(t, v.log.String(), "ALARM")
}

func TestReadsThatSucceedDoNotHideThatEveryRefreshIsRefused(t *testing.T) {
	v := newVault(t)
	v.onRefresh = func() error { return errRefused }
	for i := range 3 {
		_, _ = v.read(v.Keeper, v.link(person(i), time.Minute)) // refused
		status, err := v.read(v.Keeper, v.link(person(100+i), time.Hour))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Contains(t, v.log.String(), "ALARM")
}

// While nobody is believed, nobody is told to link again.
func TestARefusalThatIsNotBelievedIsNoAnswerAboutThePerson(t *testing.T) {
	v := newVault(t)
	users := []health.UserID{"person-1", "person-2", "person-3", "person-4"}
	for _, user := range users {
		v.link(user, time.Hour)
	}
	v.endAccess()
	for i, user := range users {
		client := v.ClientFor(v.record(user), nil) // whose grants can't be renewed
		status, err := v.get(client)
		if i < 2 {
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, status)
			continue
		}
		assert.Equal(t, health.UpstreamInvalid, codeOf(err), user)
		assert.False(t, v.record(user).Refused())
	}
}
