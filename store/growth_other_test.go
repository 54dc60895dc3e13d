//go:build !linux

package store_test

import "testing"

// bytesRead is known on Linux alone: elsewhere SQLite's pages are not counted.
func bytesRead(testing.TB) int { return 0 }
