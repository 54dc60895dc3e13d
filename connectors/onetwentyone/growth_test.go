package onetwentyone_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/growth"
	"healthgraph/health"
)

// onePage is an upstream's last page of n samples, as the simulator writes them.
func onePage(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"pagination":{"current_page":1,"has_more":false,"next_page":null},"limit":{"X-RateLimit-Remaining":9999},"data":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		start := noon.Add(time.Duration(i-n) * time.Minute)
		fmt.Fprintf(&b, `{"id":"8f1c2b6e-5d1e-4c2b-9a77-%012d","user_id":%q,"metric":"stepCount","value":%d,"unit":"count","start_date":%q,"end_date":%q,"source_name":"phone","source_device":%q}`,
			i, accountID, i%300, start.Format(time.RFC3339), start.Add(time.Minute).Format(time.RFC3339), []string{"iPhone15,4", "Watch7,1"}[i%2])
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// describedPage is such a page on which each sample of the watch describes it anew, as Apple's export does.
func describedPage(n int) []byte {
	parts := strings.Split(string(onePage(n)), `"Watch7,1"`)
	var body strings.Builder
	for i, part := range parts {
		body.WriteString(part)
		if i < len(parts)-1 {
			fmt.Fprintf(&body, `"<<HKDevice: 0x28%07d>, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch7,1, software:8.3>"`, i)
		}
	}
	return []byte(body.String())
}

// pagesRead are pages that are read without a network.
func pagesRead() []growth.Path {
	reading := func(page func(n int) []byte) func(testing.TB, *growth.Meter, int) func() {
		return func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			client := &http.Client{Transport: connectortest.Always{Status: 200, Body: page(n)}}
			connector, err := newConnector("https://121.example", connectors.ClientConfig{HTTP: client, Now: func() time.Time { return noon }})
			require.NoError(tb, err)
			reader, _ := connector.(connectors.SampleReader)
			person := connectors.Account{ID: accountID, Client: client}
			span := connectors.SampleRequest{Metric: health.StepCountMetric, Span: health.Interval{Start: noon.Add(-time.Hour * 24 * 30), End: noon}}
			return func() {
				total := 0
				result := reader.ReadSamples(tb.Context(), person, span, func(page []health.Sample) bool {
					total += len(page)
					return true
				})
				require.NoError(tb, result.Err)
				require.Equal(tb, n, total)
			}
		}
	}
	return []growth.Path{
		{Name: "few samples", From: 1, To: 32, Prepare: reading(onePage)},
		{Name: "samples", From: 1250, To: 10_000, Prepare: reading(onePage)},
		{Name: "samples of described devices", From: 1250, To: 10_000, Prepare: reading(describedPage)},
	}
}

func TestGrowth(t *testing.T) { growth.Test(t, pagesRead()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, pagesRead()...) }
