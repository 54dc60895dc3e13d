// Package schema holds the public contract, one topic a file. gqlgen makes the package graph of it.
package schema

//go:generate sh -c "cd .. && go tool gqlgen generate"
