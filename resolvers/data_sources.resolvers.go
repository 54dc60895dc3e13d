package resolvers

import (
	"context"
	"healthgraph/health"
)

// DataSources is the resolver for the dataSources field.
func (r *queryResolver) DataSources(ctx context.Context) ([]health.DataSource, error) {
	return r.Gateway.DataSources(), nil
}
