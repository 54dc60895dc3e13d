package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhoIsBehindAProxyIsTakenFromProxiesThatAreTrusted(t *testing.T) {
	trusted := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		proxies   Proxies
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is trusted":                  {nil, "10.0.0.1:1", []string{"198.51.100.7"}, "10.0.0.1"},
		"somebody else":                      {trusted, "192.0.2.1:1", []string{"198.51.100.7"}, "192.0.2.1"},
		"a proxy":                            {trusted, "10.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy that says nothing":          {trusted, "10.0.0.1:1", nil, "10.0.0.1"},
		"a chain of proxies":                 {trusted, "10.0.0.1:1", []string{"198.51.100.7, 10.0.0.9", "10.0.0.8"}, "198.51.100.7"},
		"what the client said before is not": {trusted, "10.0.0.1:1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"nor if it is a proxy's address":     {trusted, "10.0.0.1:1", []string{"10.0.0.2, 198.51.100.7"}, "198.51.100.7"},
		"nonsense":                           {trusted, "10.0.0.1:1", []string{"198.51.100.7, nonsense"}, "10.0.0.1"},
		"nonsense before a proxy":            {trusted, "10.0.0.1:1", []string{"nonsense, 10.0.0.2"}, "10.0.0.2"},
		"only proxies":                       {trusted, "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"with its port":                      {trusted, "10.0.0.1:1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		"IPv6 with its port":                 {trusted, "10.0.0.1:1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		"IPv6":                               {trusted, "[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 in IPv6":                       {trusted, "[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"with a zone":                        {trusted, "[fd00::1%eth0]:1", []string{"fe80::7%eth0"}, "fe80::7"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			assert.Equal(t, c.want, c.proxies.client(r).String())
		})
	}
	unknown := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	unknown.RemoteAddr = "@"
	assert.False(t, trusted.client(unknown).IsValid())
}
