package resolvers

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/projection"
)

// plan is what an operation is going to read, found by reading its selections before any of it is resolved. Fields that
// the plan foresees share one read, however the executor schedules them. What is refused is left out here, and answered
// by its own resolver.
type plan struct {
	people  []health.UserID
	links   map[string][]health.UserID // by connector
	days    map[dailyOf][]health.DateRange
	zones   map[dailyOf][]string // in which those days are asked for; "" is the person's own
	maxAge  time.Duration        // of upstreams' answers: the smallest that any field asks for, since fields share reads
	readers map[dailyOf]readers  // by field and connector, of no person
	once    bool                 // something is asked for whose answer is good for this once

	owners    map[health.LinkID]gateway.LinkOwner // of the links asked for by id
	ownersErr error

	about   []health.UserID // everybody whom a service's operation is about
	refused map[health.UserID]time.Duration
}

// linksOf is one person's links at one connector.
type linksOf struct {
	user      health.UserID
	connector string
}

// dailyOf is the days of one person at one connector that one field shows, such as "stepCount".
type dailyOf struct {
	linksOf
	field string
}

// planner walks the selections.
type planner struct {
	plan
	gateway   *gateway.Gateway
	caller    callers.Caller
	operation *graphql.OperationContext
	seen      map[linksOf]bool // who is in links already
	linkIDs   []health.LinkID
	known     map[health.UserID]bool
	concerned map[health.UserID]bool // who is in about already
}

func planOf(ctx context.Context, g *gateway.Gateway, admit Admit) plan {
	if !graphql.HasOperationContext(ctx) {
		return plan{}
	}
	p := planner{
		plan:    plan{links: map[string][]health.UserID{}, days: map[dailyOf][]health.DateRange{}, zones: map[dailyOf][]string{}, readers: map[dailyOf]readers{}, maxAge: gateway.AnyAge},
		gateway: g, caller: callers.FromContext(ctx), operation: graphql.GetOperationContext(ctx),
		seen: map[linksOf]bool{}, known: map[health.UserID]bool{}, concerned: map[health.UserID]bool{},
	}
	switch selections := p.operation.Operation.SelectionSet; p.operation.Operation.Operation {
	case ast.Query:
		p.root(ctx, selections)
		p.linksByID(ctx)
	case ast.Mutation:
		p.named("Mutation", selections)
	case ast.Subscription:
		p.named("Subscription", selections)
	}
	p.admit(ctx, admit)
	for of, ranges := range p.days {
		p.days[of] = merge(ranges)
	}
	p.gather()
	return p.plan
}

// root visits the fields of Query.
func (p *planner) root(ctx context.Context, selections ast.SelectionSet) {
	for _, field := range graphql.CollectFields(p.operation, selections, []string{"Query"}) {
		arguments := field.ArgumentMap(p.operation.Variables)
		switch field.Name {
		case "viewer":
			if !p.caller.IsService() {
				p.person(ctx, p.caller.Subject, field.Selections)
			}
		case "user", "node":
			p.persons(ctx, []any{arguments["id"]}, field.Selections)
		case "users", "nodes":
			p.persons(ctx, graphql.CoerceList(arguments["ids"]), field.Selections)
		default:
			var userID *health.UserID
			if id, given := arguments["userId"]; given && id != nil {
				var user health.UserID
				if user.UnmarshalGQL(id) != nil {
					continue
				}
				userID = &user
			}
			if user, err := p.caller.Target(userID, "userId"); err == nil {
				p.concerns(user)
				p.field(ctx, user, field, arguments)
			}
		}
	}
}

func (p *planner) persons(ctx context.Context, ids []any, selections ast.SelectionSet) {
	if len(ids) > MaxIDs {
		return
	}
	for _, id := range ids {
		if link, ok := id.(string); ok && strings.HasPrefix(link, health.LinkIDPrefix) {
			p.linkIDs = append(p.linkIDs, health.LinkID(link))
			continue
		}
		var user health.UserID
		if user.UnmarshalGQL(id) == nil && p.caller.MayActFor(user) {
			p.person(ctx, user, selections)
		}
	}
}

// person visits the fields of a User.
func (p *planner) person(ctx context.Context, user health.UserID, selections ast.SelectionSet) {
	p.concerns(user)
	for _, field := range graphql.CollectFields(p.operation, selections, []string{"User", "Node"}) {
		p.field(ctx, user, field, field.ArgumentMap(p.operation.Variables))
	}
}

// field notes what a field about a person reads. Its name and arguments are the same on Query and on User.
func (p *planner) field(ctx context.Context, user health.UserID, field graphql.CollectedField, arguments map[string]any) {
	var maxAge health.Duration
	if age := arguments["maxAge"]; age != nil && maxAge.UnmarshalGQL(age) == nil {
		p.maxAge = min(p.maxAge, time.Duration(maxAge))
	}
	p.once = p.once || !lastingFields[field.Name]
	switch field.Name {
	case "connections":
		if filter, err := p.gateway.Filter(ctx, slugs(arguments["dataSources"])); err == nil {
			for _, connector := range p.gateway.LinkConnectors(filter) {
				p.readLinks(user, connector)
			}
		}
	case "authorizationUrl":
		p.readPerson(user)
	case "quantity":
		p.quantity(user, arguments)
	case "quantityStatistics":
		p.statistics(user, arguments)
	case "stepCount", "sleep":
		var from, to health.Date
		var zone health.TimeZone
		named := arguments["timeZone"]
		if from.UnmarshalGQL(arguments["from"]) != nil || to.UnmarshalGQL(arguments["to"]) != nil || (named != nil && zone.UnmarshalGQL(named) != nil) {
			return
		}
		check, connectors, zoneName := p.gateway.DayRequest, p.gateway.StepConnectors, ""
		if field.Name == "sleep" {
			check, connectors = p.gateway.SleepRequest, p.gateway.SleepConnectors
		} else if named != nil {
			zoneName = zone.String()
		}
		request, err := check(ctx, from, to, nil, slugs(arguments["dataSources"]), choice(arguments["choice"]))
		if err != nil {
			return
		}
		for _, connector := range connectors(request.Filter()) {
			p.readLinks(user, connector)
			if of := (dailyOf{linksOf{user, connector}, field.Name}); field.Name == "sleep" || selectsDaysOf(p.operation, field.Selections) {
				p.days[of] = append(p.days[of], request.Days)
				p.zones[of] = with(p.zones[of], zoneName)
			}
		}
	}
}

// quantity notes whose links a page of samples needs.
func (p *planner) quantity(user health.UserID, arguments map[string]any) {
	metric, _ := arguments["metric"].(string)
	unit, _ := arguments["unit"].(string)
	from, fromErr := projection.UnmarshalDateTime(arguments["from"])
	to, toErr := projection.UnmarshalDateTime(arguments["to"])
	if _, err := p.gateway.QuantityRequest(metric, from, to, nil, nil, unit); err != nil || fromErr != nil || toErr != nil {
		return
	}
	for _, connector := range p.gateway.SampleConnectors(gateway.Filter{}) {
		p.readLinks(user, connector)
	}
}

// statistics notes the days that quantityStatistics reads.
func (p *planner) statistics(user health.UserID, arguments map[string]any) {
	var from, to health.Date
	var zone *health.TimeZone
	if named := arguments["timeZone"]; named != nil {
		zone = &health.TimeZone{}
		if zone.UnmarshalGQL(named) != nil {
			return
		}
	}
	metric, _ := arguments["metric"].(string)
	unit, _ := arguments["unit"].(string)
	if from.UnmarshalGQL(arguments["from"]) != nil || to.UnmarshalGQL(arguments["to"]) != nil {
		return
	}
	request, err := p.gateway.StatisticsRequest(metric, from, to, "", zone, unit)
	if err != nil {
		return
	}
	for _, connector := range p.gateway.SampleConnectors(gateway.Filter{}) {
		p.readLinks(user, connector)
		of := statisticsOf(linksOf{user, connector}, request)
		p.days[of] = append(p.days[of], request.Days)
	}
}

// linksByID finds out whose the links are that were asked for by id, and reads them with the others.
func (p *planner) linksByID(ctx context.Context) {
	if len(p.linkIDs) == 0 {
		return
	}
	p.owners, p.ownersErr = p.gateway.LinkOwners(ctx, p.linkIDs)
	for _, link := range p.owners {
		if p.caller.MayActFor(link.User) {
			p.concerns(link.User)
			p.readLinks(link.User, link.Connector)
		}
	}
}

func (p *planner) readPerson(user health.UserID) {
	if !p.known[user] {
		p.known[user] = true
		p.people = append(p.people, user)
	}
}

func (p *planner) readLinks(user health.UserID, connector string) {
	p.readPerson(user)
	if of := (linksOf{user, connector}); !p.seen[of] {
		p.seen[of] = true
		p.links[connector] = append(p.links[connector], user)
	}
}

// with adds a name to those that there are, in order.
func with(names []string, name string) []string {
	at, there := slices.BinarySearch(names, name)
	if there {
		return names
	}
	return slices.Insert(names, at, name)
}

// slugs is a dataSources argument; nil when there is none.
func slugs(value any) []string {
	var ids []string
	for _, element := range graphql.CoerceList(value) {
		var id health.DataSourceID
		if id.UnmarshalGQL(element) != nil {
			return []string{""} // not an id: refused like any unknown slug
		}
		ids = append(ids, string(id))
	}
	if ids == nil && value != nil {
		return []string{}
	}
	return ids
}

// choice is a choice argument; nil when there is none.
func choice(value any) *health.ChoiceInput {
	fields, given := value.(map[string]any)
	if !given {
		return nil
	}
	policy, _ := fields["policy"].(string)
	return &health.ChoiceInput{Policy: health.ChoicePolicy(policy), DataSources: slugs(fields["dataSources"])}
}
