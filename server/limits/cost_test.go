package limits

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator"

	"healthgraph/graph"
)

// cost is that of the only operation of a valid document.
func cost(t *testing.T, document, variables string) int {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	parsed, errs := gqlparser.LoadQuery(schema, document) //nolint:staticcheck // the rules are the executor's own
	require.Empty(t, errs)
	given := map[string]any{}
	if variables != "" {
		decoder := json.NewDecoder(strings.NewReader(variables))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&given))
	}
	values, err := validator.VariableValues(schema, parsed.Operations[0], given)
	require.NoError(t, err)
	return costOf(schema, &graphql.OperationContext{Doc: parsed, Operation: parsed.Operations[0], Variables: values})
}

func TestWhatAnOperationCosts(t *testing.T) {
	const steps = `stepCount(from: "2026-03-01", to: "2026-03-31")`
	for name, c := range map[string]struct {
		document, variables string
		want                int
	}{
		"a scalar":                      {`{ __typename }`, "", 2},
		"an object":                     {`{ viewer { id } }`, "", 3},
		"a list of the catalogue":       {`{ dataSources { id name } }`, "", 1 + 12*3},
		"links":                         {`{ connections { status } }`, "", 1 + 100 + 12*2},
		"links, one source":             {`{ connections(dataSources: ["fitbit"]) { status } }`, "", 1 + 100 + 2},
		"links, one source, no list":    {`{ connections(dataSources: "fitbit") { status } }`, "", 1 + 100 + 2},
		"links, two by a variable":      {`query($s: [ID!]) { connections(dataSources: $s) { status } }`, `{"s":["a","b"]}`, 1 + 100 + 2*2},
		"links, all by a null":          {`query($s: [ID!]) { connections(dataSources: $s) { status } }`, `{"s":null}`, 1 + 100 + 12*2},
		"a page for each link":          {`{ connections { authorizationUrl } }`, "", 1 + 100 + 12*(1+100+1)},
		"a month of steps":              {`{ ` + steps + ` { total } }`, "", 1 + 35*100 + 2},
		"its days":                      {`{ ` + steps + ` { days { steps } } }`, "", 1 + 35*100 + 1 + 31*2},
		"its candidates":                {`{ ` + steps + ` { days { candidates { steps dataSources { id } } } } }`, "", 1 + 35*100 + 1 + 31*(1+2*(1+1+3*2))},
		"a day by variables":            {`query($d: Date!) { stepCount(from: $d, to: $d) { total } }`, `{"d":"2026-03-01"}`, 1 + 5*100 + 2},
		"days that are none":            {`{ stepCount(from: "x", to: "y") { total } }`, "", 1 + 5*100 + 2},
		"days the wrong way round":      {`{ stepCount(from: "2026-03-02", to: "2026-03-01") { total } }`, "", 1 + 5*100 + 2},
		"more days than there may be":   {`{ stepCount(from: "1970-01-01", to: "2200-01-01") { total } }`, "", 1 + 1834*100 + 2},
		"people":                        {`{ users(ids: ["a", "b", "c"]) { id connections { id } } }`, "", 1 + 3*(1+1+100+12*2)},
		"people by a variable":          {`query($ids: [ID!]!) { users(ids: $ids) { id } }`, `{"ids":["a","b","c","d"]}`, 1 + 4*2},
		"one person by a variable":      {`query($ids: [ID!]!) { users(ids: $ids) { id } }`, `{"ids":"a"}`, 1 + 2},
		"the dearer of person and link": {`{ node(id: "a") { id ... on DataSourceLink { status } ... on User { connections { id } } } }`, "", 1 + 1 + 1 + 100 + 12*2},
		"links by id":                   {`{ nodes(ids: ["link_a", "link_b", "c"]) { id } }`, "", 1 + 2*100 + 3*2},
		"a page of the log":             {`{ accessLog { nodes { at } } }`, "", 1 + 10 + 1 + 50*2},
		"a shorter one":                 {`{ accessLog(first: 5) { edges { node { at } } } }`, "", 1 + 10 + 1 + 5*(1+2)},
		"a shorter one by a variable":   {`query($n: Int) { accessLog(first: $n) { edges { cursor } } }`, `{"n": 5}`, 1 + 10 + 1 + 5*2},
		"one without a length":          {`query($n: Int) { accessLog(first: $n) { edges { cursor } } }`, `{"n": null}`, 1 + 10 + 1 + 50*2},
		"a page of samples":             {`{ ` + steps + ` { samples { nodes { start value } } } }`, "", 1 + 35*100 + 1 + 100 + 1 + 100*3},
		"ten thousand with cursors":     {`{ ` + steps + ` { samples(first: 20000) { edges { cursor } } } }`, "", 1 + 35*100 + 1 + 100 + 1 + 10_000*2},
		"a series":                      {`{ ` + steps + ` { series { starts values } } }`, "", 1 + 35*100 + 1 + 100 + 1 + 2*(1000+1)},
		"a short series by a variable":  {`query($n: Int) { ` + steps + ` { series(first: $n) { values } } }`, `{"n": 50}`, 1 + 35*100 + 1 + 100 + 1 + 5 + 1},
		"aliases":                       {`{ a: connections { status } b: connections { status } }`, "", 1 + 2*(100+12*2)},
		"the same field twice":          {`{ connections { status } connections { status id } ...F } fragment F on Query { connections { id } }`, "", 1 + 100 + 12*3},
		"skipped":                       {`query($no: Boolean = false) { viewer { id } connections @include(if: $no) { status } ... @skip(if: true) { b: connections { status } } }`, "", 3},
		"a mutation":                    {`mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`, "", 1 + 300 + 2},
		"one that ends all":             {`mutation { revokeAll { results { outcome } } }`, "", 1 + 1800 + 1 + 12*2},
		"introspection":                 {`{ __schema { types { name } } __type(name: "User") { name } }`, "", 1 + 200},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, cost(t, c.document, c.variables)) })
	}
}

func TestTheBudgetPassesWhatPeopleDoAndNothingFarBeyond(t *testing.T) {
	const (
		days        = `{ total timeZone days { date steps presence dataSources { id name } candidates { connector steps presence chosen reason } } problems { code message } complete }`
		connections = `connections { id dataSource { id name connector kind } status connectedAt checkedAt latestDataAt scopesMissing problem { code message } }`
	)
	people, err := json.Marshal(map[string]any{"ids": strings.Split(strings.Repeat(",p", 100), ",")[1:]})
	require.NoError(t, err)
	aliases := func(n int, field string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " a%d: %s", i, field)
		}
		return b.String()
	}
	month, year := `stepCount(from: "2026-03-01", to: "2026-03-31") `, `stepCount(from: "2026-01-01", to: "2026-12-31") `
	budget := Defaults().Cost

	atOnce := cost(t, `query($ids: [ID!]!) { users(ids: $ids) { id `+connections+` `+month+days+` } }`, string(people))
	several := cost(t, `{ viewer {`+aliases(10, year+days)+` } }`, "")
	flood := cost(t, `query($ids: [ID!]!) { users(ids: $ids) {`+aliases(20, year+days)+` } }`, string(people))
	t.Log(atOnce, several, flood)
	assert.LessOrEqual(t, atOnce, budget, "a hundred people, their links and a month")
	assert.LessOrEqual(t, several, budget, "ten times a person's year")
	assert.Greater(t, flood, 50*budget, "a hundred people, twenty times a year")
}

func TestACostEndsInsteadOfRunningOver(t *testing.T) {
	ids := `["` + strings.Repeat(`p", "`, 200_000) + `p"]`
	assert.Equal(t, math.MaxInt32, cost(t, `query($ids: [ID!]!) { users(ids: $ids) { stepCount(from: "2026-01-01", to: "2026-12-31") { total } } }`, `{"ids":`+ids+`}`))

	// Each level has fifty aliases of the one below. Looked at one by one, whose number could be far higher, they would come to
	// less than that.
	level := func(field, definition, below string) string {
		var wide strings.Builder
		for i := range 50 {
			fmt.Fprintf(&wide, " x%d: %s { ...%s }", i, field, below)
		}
		return " fragment " + definition + " on " + definition + " {" + wide.String() + " }"
	}
	document := `{ ...Query }` + level("viewer", "Query", "User") + level("accessLog(first: 1)", "User", "AccessLogConnection") +
		level("nodes", "AccessLogConnection", "AccessLogEntry") + ` fragment AccessLogEntry on AccessLogEntry { at }`
	assert.Equal(t, math.MaxInt32, cost(t, document, ""))
}
