package server

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies whose word is taken for who is behind them. Of anybody else X-Forwarded-For and
// X-Forwarded-Proto are not looked at: everybody can send them.
type Proxies []netip.Prefix

// ParseProxy reads one address (192.0.2.1) or network (10.0.0.0/8, fd00::/8). Its error does not repeat it.
func ParseProxy(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network != network.Masked() {
		return netip.Prefix{}, errors.New("is not an address or a network such as 10.0.0.0/8")
	}
	if network.Bits() == 0 {
		return netip.Prefix{}, errors.New("is everybody: then anybody could say who they are")
	}
	return network, nil
}

func (p Proxies) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// peer is who is at the other end of the connection; the zero Addr where that is not known.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// client is who sent the request: the peer, or whoever the last of the trusted proxies says it had it from.
func (p Proxies) client(r *http.Request) netip.Addr {
	at := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !p.trusts(at) {
			break
		}
		before, ok := hopAddress(strings.TrimSpace(hop))
		if !ok {
			break // nothing before it can be relied on
		}
		at = before
	}
	return at
}

// hopAddress reads an address, which some proxies write with its port.
func hopAddress(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), err == nil
}

// overTLS says whether the client's connection is encrypted, as far as is known.
func (p Proxies) overTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	protocols := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return p.trusts(peer(r)) && strings.EqualFold(strings.TrimSpace(protocols[len(protocols)-1]), "https")
}
