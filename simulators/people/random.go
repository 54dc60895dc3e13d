package people

import (
	"encoding/hex"
	"strconv"
)

// random is SplitMix64, written out because the figures must never change with a release of Go.
type random uint64

// random starts a sequence that belongs to the seed, the person, the day and a name.
func (p *People) random(person string, d Date, name string) random {
	key := make([]byte, 0, 96)
	key = append(key, p.seed...)
	key = append(key, 0)
	key = append(key, person...)
	key = append(key, 0)
	key = strconv.AppendInt(key, int64(d), 10)
	key = append(key, 0)
	key = append(key, name...)
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, b := range key {
		h = (h ^ uint64(b)) * prime
	}
	return random(h)
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between is a number from low to high, both included.
func (r *random) between(low, high int) int {
	const bits = 53 // what a float64 holds exactly
	fraction := float64(r.next()>>(64-bits)) / (1 << bits)
	return low + int(fraction*float64(high-low+1))
}

// id is written like a UUID of version 8, the one left to applications.
func (r *random) id() string {
	var raw [16]byte
	for half := range 2 {
		v := r.next()
		for i := range 8 {
			raw[half*8+i] = byte(v >> (8 * i) & 0xff)
		}
	}
	raw[6] = raw[6]&0x0f | 0x80
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
