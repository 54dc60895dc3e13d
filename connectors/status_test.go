package connectors_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

var noon = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)

func TestFailureFromStatus(t *testing.T) {
	const own, person = connectors.OwnCredential, connectors.PersonCredential
	for _, c := range []struct {
		status     int
		own, other health.Code
	}{
		{200, "", ""}, {204, "", ""}, {299, "", ""},
		{302, health.UpstreamInvalid, health.UpstreamInvalid},
		{400, health.UpstreamInvalid, health.UpstreamInvalid},
		{401, health.UpstreamInvalid, health.ReauthorizationRequired},
		{403, health.UpstreamInvalid, health.ReauthorizationRequired},
		{404, health.UpstreamInvalid, health.UpstreamInvalid},
		{408, health.UpstreamUnavailable, health.UpstreamUnavailable},
		{429, health.RateLimited, health.RateLimited},
		{500, health.UpstreamUnavailable, health.UpstreamUnavailable},
		{503, health.UpstreamUnavailable, health.UpstreamUnavailable},
		{599, health.UpstreamUnavailable, health.UpstreamUnavailable},
	} {
		for credential, want := range map[connectors.Credential]health.Code{own: c.own, person: c.other} {
			e := connectors.FailureFromStatus("Paper", credential, c.status, http.Header{"Retry-After": {"7"}}, noon)
			if want == "" {
				assert.Nil(t, e, c.status)
				continue
			}
			require.NotNil(t, e, c.status)
			assert.Equal(t, want, e.Code, c.status)
			assert.Contains(t, e.Message, "Paper")
			var status connectors.StatusError
			assert.True(t, errors.As(e, &status) && int(status) == c.status)
			if want == health.RateLimited || want == health.UpstreamUnavailable {
				assert.Equal(t, 7*time.Second, e.RetryAfter)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "7": 7 * time.Second, "7.5": 0, "soon": 0, "99999999999999999999": 0,
		"31536000": 48 * time.Hour, // nobody is made to wait for a year
		noon.Add(time.Minute).Format(http.TimeFormat):      time.Minute,
		noon.Add(-time.Minute).Format(http.TimeFormat):     0,
		noon.Add(1000 * time.Hour).Format(http.TimeFormat): 48 * time.Hour,
	} {
		assert.Equal(t, want, connectors.RetryAfter(http.Header{"Retry-After": {value}}, noon), value)
	}
}
