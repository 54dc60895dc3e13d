package connectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"healthgraph/health"
)

// Address is the upstream's address with the path elements and query added.
func (c *Client) Address(query url.Values, path ...string) *url.URL {
	u := *c.base
	if plain, ok := c.plainPath(path); ok {
		u.Path = plain
	} else {
		u = *u.JoinPath(escape(path)...)
	}
	u.RawQuery = query.Encode()
	return &u
}

// plainPath is the whole path where nothing in it has to be escaped, as is the rule.
func (c *Client) plainPath(path []string) (plain string, ok bool) {
	size := len(c.base.Path)
	for _, element := range path {
		if !isPlain(element) {
			return "", false
		}
		size += len("/") + len(element)
	}
	if len(path) == 0 || c.base.EscapedPath() != c.base.Path {
		return "", false
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(strings.TrimSuffix(c.base.Path, "/"))
	for _, element := range path {
		b.WriteByte('/')
		b.WriteString(element)
	}
	return b.String(), true
}

// isPlain says whether an element stays itself, and an element, however a path is read.
func isPlain(element string) bool {
	for i := range len(element) {
		c := element[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return element != ""
}

// escape keeps whatever stands in an element that one element: a slash, and dots that would otherwise climb up.
func escape(path []string) []string {
	escaped := make([]string, len(path))
	for i, element := range path {
		escaped[i] = url.PathEscape(element)
		if element == "." || element == ".." {
			escaped[i] = strings.ReplaceAll(element, ".", "%2E")
		}
	}
	return escaped
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	var body io.Reader
	contentType := ""
	switch {
	case call.JSON != nil:
		encoded, err := json.Marshal(call.JSON)
		if err != nil {
			return nil, health.Fail(health.Internal, "a request could not be written", err)
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case call.Form != nil:
		body, contentType = bytes.NewReader([]byte(call.Form.Encode())), "application/x-www-form-urlencoded"
	}
	method := call.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, "", body)
	if err != nil {
		return nil, health.Fail(health.Internal, "a request could not be made", errors.New("the method is malformed"))
	}
	request.URL = c.Address(call.Query, call.Path...) // as a text it would only be read again
	request.Host = request.URL.Host
	values := [...]string{UserAgent, "application/json", contentType} // one piece of memory for all
	request.Header["User-Agent"], request.Header["Accept"] = values[0:1:1], values[1:2:2]
	if contentType != "" {
		request.Header["Content-Type"] = values[2:3:3]
	}
	if call.Sign != nil {
		call.Sign(request)
	}
	return request, nil
}
