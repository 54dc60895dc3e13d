//go:build !race

package server_test

const raceFactor = 1
