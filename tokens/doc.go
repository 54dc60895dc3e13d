// Package tokens keeps people's OAuth grants: sealed at rest, fresh when used, renewed once. It also mints and opens the
// sealed state that goes through a person's browser.
//
// It knows no upstream by name, no GraphQL and no SQL. A token leaves it only inside the Authorization header of a
// request to the upstream that issued it.
package tokens
