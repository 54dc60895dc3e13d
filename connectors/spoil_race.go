//go:build race

package connectors

// spoilReleased: tests run with the race detector, and see at once who reads what was released.
const spoilReleased = true
