package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// pedometer is a third connector, with as few capabilities as make sense: whether somebody has one, and their steps.
type pedometer struct{ client *connectors.Client }

var (
	_ connectors.Identifier      = (*pedometer)(nil)
	_ connectors.LinkReader      = (*pedometer)(nil)
	_ connectors.DailyStepReader = (*pedometer)(nil)
)

var beltClip = health.DataSource{ID: "belt_clip", Name: "Belt clip", Kind: health.KindSDK}

func (p *pedometer) Describe() connectors.Description {
	return connectors.Description{ID: "pedometer", Name: "Pedometer", DataSources: []health.DataSource{beltClip}}
}

func (p *pedometer) AcceptsID(string) bool { return true }

func (p *pedometer) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	for i, account := range accounts {
		var has bool
		_, err := p.client.GetJSON(ctx, connectors.Call{Path: []string{"has", account.ID}}, &has)
		results[i] = connectors.LinksResult{Links: []connectors.LinkState{{DataSource: beltClip, Connected: has}}, Err: err}
	}
	return results
}

func (p *pedometer) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	for i, date := range dates {
		var steps int
		_, err := p.client.GetJSON(ctx, connectors.Call{Path: []string{"steps", account.ID, date.String()}}, &steps)
		results[i] = connectors.DayResult{Total: health.DayTotal{Date: date, Steps: &steps, DataSources: []health.DataSource{beltClip}}, Err: err}
	}
	return results
}

func TestAThirdConnectorIsOneFolderAndOneLine(t *testing.T) {
	upstream := http.NewServeMux()
	upstream.HandleFunc("GET /has/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.PathValue("id") == "demo") })
	upstream.HandleFunc("GET /steps/{id}/{date}", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, 99_999) })
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	w := newWorld(t, worldOptions{options: func(o *options) {
		client, err := connectors.NewClient(connectors.ClientConfig{Upstream: "Pedometer", BaseURL: server.URL})
		require.NoError(t, err)
		o.more = append(o.more, &pedometer{client}) // the line
	}})

	var data struct {
		DataSources []struct {
			ID, Connector string
			Capabilities  []string
		}
		Connections []struct {
			DataSource struct{ ID string }
			Status     string
		}
		StepCount        steps
		AuthorizationURL struct {
			URL     *string
			Problem struct{ Code string }
		} `json:"authorizationUrl"`
	}
	w.ask(w.token("demo"), `{
		dataSources { id connector capabilities }
		connections(dataSources: ["garmin", "belt_clip"]) { dataSource { id } status }
		stepCount(from: "2026-04-01", to: "2026-04-02") { total complete days { date steps presence dataSources { id } candidates { connector steps chosen reason } } problems { code } }
		authorizationUrl(dataSource: "belt_clip") { url problem { code } }
	}`, nil).into(&data)
	last := data.DataSources[len(data.DataSources)-1]
	assert.Equal(t, []string{"belt_clip", "pedometer"}, []string{last.ID, last.Connector})
	assert.Equal(t, []string{"CONNECTIONS", "STEP_COUNT"}, last.Capabilities, "what it has no method for, it does not offer")
	assert.Equal(t, "belt_clip", data.Connections[1].DataSource.ID)
	assert.Equal(t, "CONNECTED", data.Connections[1].Status)
	assert.Equal(t, "199998", number(data.StepCount.Total), "the highest figure of each day")
	assert.Nil(t, data.AuthorizationURL.URL)
	assert.Equal(t, "UNSUPPORTED", data.AuthorizationURL.Problem.Code)

	ended := w.revoke("demo", "belt_clip")
	assert.Equal(t, "FAILED", ended.Outcome, "it has no way to end a link")
	assert.Equal(t, "CONNECTED", ended.Link.Status)
}
