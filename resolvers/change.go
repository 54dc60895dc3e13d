package resolvers

import (
	"context"

	"healthgraph/callers"
	"healthgraph/health"
)

// change is a mutation about one person. What the operation read before it may be true no more, and is read again.
func change[T any](ctx context.Context, userID *health.UserID, do func(user health.UserID, actor health.Actor) (T, error)) (*T, error) {
	user, err := concerned(ctx, userID, "input.userId")
	if err != nil {
		return nil, err
	}
	defer readsOf(ctx).forget()
	payload, err := do(user, callers.FromContext(ctx).Actor())
	if err != nil {
		return nil, err
	}
	return &payload, nil
}
