package server

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheAnswerIsOfTheTypeThatTheClientPrefers(t *testing.T) {
	const none = "406"
	for name, c := range map[string]struct {
		accept []string
		want   string
	}{
		"no header":                           {nil, plainJSON},
		"an empty header":                     {[]string{""}, plainJSON},
		"blanks":                              {[]string{"  ", " "}, plainJSON},
		"anything":                            {[]string{"*/*"}, plainJSON},
		"any application":                     {[]string{"application/*"}, plainJSON},
		"plain JSON":                          {[]string{"application/json"}, plainJSON},
		"the newer type":                      {[]string{"application/graphql-response+json"}, graphqlResponse},
		"in capitals":                         {[]string{"Application/GraphQL-Response+JSON"}, graphqlResponse},
		"both, no preference":                 {[]string{"application/json, application/graphql-response+json"}, graphqlResponse},
		"both, in two headers":                {[]string{"application/json", "application/graphql-response+json"}, graphqlResponse},
		"Apollo and urql":                     {[]string{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"}, graphqlResponse},
		"the draft's own example":             {[]string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, graphqlResponse},
		"with q, newer first":                 {[]string{"application/graphql-response+json, application/json;q=0.9"}, graphqlResponse},
		"with q, plain first":                 {[]string{"application/graphql-response+json;q=0.8, application/json"}, plainJSON},
		"with the same q":                     {[]string{"application/graphql-response+json;q=0.5, application/json;q=0.5"}, graphqlResponse},
		"the newer one refused":               {[]string{"application/graphql-response+json;q=0, */*"}, plainJSON},
		"plain refused, the rest welcome":     {[]string{"application/json;q=0, */*"}, graphqlResponse},
		"all refused":                         {[]string{"*/*;q=0"}, none},
		"both refused":                        {[]string{"application/json;q=0, application/graphql-response+json;q=0.0"}, none},
		"plain beats anything":                {[]string{"application/json, */*;q=0.1"}, plainJSON},
		"named beats a higher range":          {[]string{"application/json;q=0.2, application/*;q=0.1"}, plainJSON},
		"a range beats a lower name":          {[]string{"application/graphql-response+json;q=0.1, */*;q=0.9"}, plainJSON},
		"an unreadable q":                     {[]string{"application/json;q=x"}, plainJSON},
		"a q that is too large":               {[]string{"application/json;q=7"}, plainJSON},
		"a q that is no number":               {[]string{"application/json;q=NaN"}, plainJSON},
		"another charset":                     {[]string{"application/json; charset=latin1"}, none},
		"another charset, and a way out":      {[]string{"application/json; charset=latin1, */*;q=0.1"}, plainJSON},
		"a type that we do not have":          {[]string{"text/html"}, none},
		"events alone":                        {[]string{"text/event-stream"}, none},
		"XML":                                 {[]string{"application/xml"}, none},
		"nonsense":                            {[]string{";;;,,/"}, none},
		"nonsense beside sense":               {[]string{"///, application/json"}, plainJSON},
		"a browser's":                         {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, plainJSON},
		"a longer name that begins like ours": {[]string{"application/jsonp"}, none},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := negotiate(c.accept)
			if c.want == none {
				assert.False(t, ok, got)
				return
			}
			assert.True(t, ok)
			assert.Equal(t, c.want, got)
		})
	}
}
