package onetwentyone_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// measured reads a page of values, each `value` or `value unit`, of a metric.
func measured(t *testing.T, metric string, values ...string) connectortest.AllSamples {
	t.Helper()
	connector, account := against(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/api/v1/quantity/"+accountID+"/"+metric, r.URL.Path)
		var items []string
		for i, text := range values {
			value, unit, hasUnit := strings.Cut(text, " ")
			item := fmt.Sprintf(`{"id":"s%d","value":%s,"start_date":"2026-03-29T%02d:00:00Z"`, i, value, i)
			if hasUnit {
				item += fmt.Sprintf(`,"unit":%q`, unit)
			}
			items = append(items, item+`}`)
		}
		_, _ = io.WriteString(w, page(false, items...))
	})
	return connectortest.ReadAllSamples(t.Context(), connector, account, connectors.SamplesOn(metric, march29))
}

func TestValuesComeInTheMetricsOwnUnit(t *testing.T) {
	for _, c := range []struct {
		metric  string
		values  []string
		want    string
		refused int
	}{
		{"heartRate", []string{"72 count/min", "1.2 count/s", "72", "72 bpm", "72 kg", "-1 count/min"}, "72 /min 72 /min 72 /min 72 /min", 2},
		{"bodyMass", []string{"70 kg", "100 lb", "70000 g", "70"}, "70 kg 45.359237 kg 70 kg 70 kg", 0},
		{"bodyTemperature", []string{"37 degC", "98.6 degF", "-4 degF", "310.15 K"}, "37 Cel 37 Cel -20 Cel 37 Cel", 0},
		{"bloodGlucose", []string{"99 mg/dL", "5.5 mmol<180.1558800000541>/L"}, "99 mg/dL 99.085734 mg/dL", 0},
		{"oxygenSaturation", []string{"0.97 %", "1 %", "0 %", "0.98"}, "97 % 100 % 0 % 98 %", 0},
		{"oxygenSaturation", []string{"97 %", "0 %", "1 %", "99"}, "97 % 0 % 1 % 99 %", 0},
		{"oxygenSaturation", []string{"0.97 %", "0.98 %", "7 %"}, "97 % 98 %", 1}, // which is no fraction
		{"oxygenSaturation", []string{"0.97 count", "97 %"}, "97 % 97 %", 0},
		{"bloodAlcoholContent", []string{"0.0008 %"}, "0.08 %", 0},
		{"bloodAlcoholContent", []string{"0.08 %"}, "", 1}, // nobody lives with 8 %
		{"vo2Max", []string{"42 mL/min·kg", "42 ml/(kg*min)"}, "42 mL/(kg.min) 42 mL/(kg.min)", 0},
		{"appleFutureMetric", []string{"-5 furlong", "6 count/min", "7"}, "-5 furlong 6 /min 7 ", 0},
	} {
		result := measured(t, c.metric, c.values...)
		require.NoError(t, result.Err)
		var got []string
		for _, s := range result.Samples {
			got = append(got, fmt.Sprint(s.Value, " ", s.Unit))
		}
		assert.Equal(t, c.want, strings.Join(got, " "), c.metric)
		assert.Equal(t, c.refused, result.Refused, c.metric)
	}
}

func TestAMetricThatIsRefusedIsUnsupported(t *testing.T) {
	for status, want := range map[int]health.Code{400: health.Unsupported, 404: health.Unsupported, 422: health.Unsupported, 403: health.ReauthorizationRequired, 429: health.RateLimited, 500: health.UpstreamUnavailable} {
		connector, account := against(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		result := connectortest.ReadAllSamples(t.Context(), connector, account, connectors.SamplesOn("bodyMass", march29))
		assert.Equal(t, want, health.AsError(result.Err).Code, status)
		proven := connectortest.ReadAllSamples(t.Context(), connector, account, stepsOn(march29))
		if want == health.Unsupported {
			want = health.UpstreamInvalid // that there are steps is documented
		}
		assert.Equal(t, want, health.AsError(proven.Err).Code, status)
	}
}

func TestANameThatIsNoneIsNeverSent(t *testing.T) {
	connector, account := against(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, name := range []string{"", "../profile", "step count", "stepCount?x=1"} {
		result := connectortest.ReadAllSamples(t.Context(), connector, account, connectors.SamplesOn(name, march29))
		assert.True(t, health.AsError(result.Err).Has(health.BadUserInput), name)
	}
}
