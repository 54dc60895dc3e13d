//go:build !race

package connectors

const spoilReleased = false
