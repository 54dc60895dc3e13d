package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/health"
)

// admits says whether the operation may concern somebody: a service's is counted once for each person, all of them together and
// before anything is read.
func (r *reads) admits(user health.UserID) error {
	wait, refused := r.plan().refused[user]
	if !refused {
		return nil
	}
	e := health.Fail(health.RateLimited, "too much was asked about this person: ask again after retryAfter", nil)
	e.RetryAfter = wait
	return e
}

// admit counts the operation for whom it is about, and leaves those for whom it is one too many out of what is read.
func (p *planner) admit(ctx context.Context, admit Admit) {
	if admit == nil || len(p.about) == 0 {
		return
	}
	p.refused = admit(ctx, p.about)
	isRefused := func(user health.UserID) bool { _, refused := p.refused[user]; return refused }
	p.people = slices.DeleteFunc(p.people, isRefused)
	for connector, users := range p.links {
		p.links[connector] = slices.DeleteFunc(users, isRefused)
	}
}

// concerns notes that a service's operation is about somebody. A person's is counted as theirs where it comes in.
func (p *planner) concerns(user health.UserID) {
	if p.caller.IsService() && !p.concerned[user] {
		p.concerned[user] = true
		p.about = append(p.about, user)
	}
}

// named notes whom the fields of Mutation or Subscription are about, which reads nothing ahead.
func (p *planner) named(root string, selections ast.SelectionSet) {
	for _, field := range graphql.CollectFields(p.operation, selections, []string{root}) {
		arguments := field.ArgumentMap(p.operation.Variables)
		if input, ok := arguments["input"].(map[string]any); ok {
			arguments = input
		}
		var user health.UserID
		switch id, given := arguments["userId"]; {
		case given && id != nil:
			if user.UnmarshalGQL(id) == nil {
				p.concerns(user)
			}
		case field.Name == "completeAuthorization":
			if url, ok := arguments["url"].(string); ok {
				if user, err := p.gateway.Beginner(url); err == nil {
					p.concerns(user)
				}
			}
		}
	}
}
