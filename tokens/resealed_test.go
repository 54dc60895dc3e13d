package tokens_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAGrantResealedWithinAnOperationIsNotTakenForARenewedOne(t *testing.T) {
	onBoth(t, func(t *testing.T, v *vault, rotated process) {
		record := v.link("person-1", time.Hour)
		reseal(t, v.store, rotated)
		v.endAccess()
		status, err := v.read(rotated.Keeper, record)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		assert.False(t, v.record("person-1").Refused())
	})
}
