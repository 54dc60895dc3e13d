// Package health holds the words of healthgraph: people, data sources, links, daily steps and what can go wrong.
//
// It knows nothing of HTTP, SQL, GraphQL or OAuth. The scalars write themselves in their public form (MarshalGQL takes
// an io.Writer and UnmarshalGQL an any, which needs no GraphQL import), so that one type serves every layer.
package health
