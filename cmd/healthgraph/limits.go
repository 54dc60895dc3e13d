package main

import (
	"fmt"
	"log/slog"

	"healthgraph/server/documents"
	"healthgraph/server/limits"
)

// limitSettings are what serve takes of one operation, and which documents it knows. Zero numbers and empty words, which no
// operator can set, are the defaults.
type limitSettings struct {
	Limits        string `env:"HEALTHGRAPH_LIMITS" default:"enforce" help:"enforce, or measure to count and log only what would be refused, up to a ceiling of bytes and tokens."`
	MaxDepth      int    `env:"HEALTHGRAPH_MAX_DEPTH" default:"15" help:"Levels of fields within fields of an operation."`
	MaxAliases    int    `env:"HEALTHGRAPH_MAX_ALIASES" default:"100" help:"Aliases of an operation."`
	MaxRootFields int    `env:"HEALTHGRAPH_MAX_ROOT_FIELDS" default:"30" help:"Fields of Query or Mutation in an operation."`
	MaxDirectives int    `env:"HEALTHGRAPH_MAX_DIRECTIVES" default:"50" help:"Directives of an operation."`
	MaxFields     int    `env:"HEALTHGRAPH_MAX_FIELDS" default:"2000" help:"Fields of an operation, fragments expanded."`
	MaxTokens     int    `env:"HEALTHGRAPH_MAX_TOKENS" default:"2000" help:"Tokens (names, braces and the like) of a document."`
	MaxQueryBytes int    `env:"HEALTHGRAPH_MAX_QUERY_BYTES" default:"65536" help:"Bytes of a document that is sent."`
	MaxBodyBytes  int    `env:"HEALTHGRAPH_MAX_BODY_BYTES" default:"1048576" help:"Bytes of a request's body."`
	MaxCost       int    `env:"HEALTHGRAPH_MAX_COST" default:"1000000" help:"Cost of an operation."`

	DocumentCacheBytes    int    `env:"HEALTHGRAPH_DOCUMENT_CACHE_BYTES" default:"16777216" help:"Bytes of parsed documents kept."`
	PersistedQueries      string `env:"HEALTHGRAPH_PERSISTED_QUERIES" default:"on" help:"on to let clients name documents by their hash once they were sent (APQ), or off."`
	PersistedQueriesBytes int    `env:"HEALTHGRAPH_PERSISTED_QUERIES_BYTES" default:"4194304" help:"Bytes of documents kept to be named so."`
	TrustedDocuments      string `env:"HEALTHGRAPH_TRUSTED_DOCUMENTS" help:"File with a manifest of trusted documents."`
	TrustedDocumentsMode  string `env:"HEALTHGRAPH_TRUSTED_DOCUMENTS_MODE" default:"off" help:"What becomes of other documents: off to execute them, log-unknown to tell them in the log as well, or enforce to refuse them."`
}

// complain finds everything that is wrong with them.
func (s *limitSettings) complain(c *complaints) {
	c.mistake(s.Limits != "enforce" && s.Limits != "measure", "HEALTHGRAPH_LIMITS must be enforce or measure")
	for _, each := range []struct {
		name  string
		value int
	}{
		{"DEPTH", s.MaxDepth}, {"ALIASES", s.MaxAliases}, {"ROOT_FIELDS", s.MaxRootFields}, {"DIRECTIVES", s.MaxDirectives}, {"FIELDS", s.MaxFields},
		{"TOKENS", s.MaxTokens}, {"QUERY_BYTES", s.MaxQueryBytes}, {"BODY_BYTES", s.MaxBodyBytes}, {"COST", s.MaxCost},
	} {
		c.mistake(each.value < 1, "HEALTHGRAPH_MAX_%s must be a number of at least 1", each.name)
	}
	c.mistake(s.DocumentCacheBytes < 1, "HEALTHGRAPH_DOCUMENT_CACHE_BYTES must be a number of at least 1")
	c.mistake(s.PersistedQueries != "on" && s.PersistedQueries != "off", "HEALTHGRAPH_PERSISTED_QUERIES must be on or off")
	c.mistake(s.PersistedQueriesBytes < 1, "HEALTHGRAPH_PERSISTED_QUERIES_BYTES must be a number of at least 1")
	switch mode := documents.Mode(s.TrustedDocumentsMode); mode {
	case documents.ModeOff:
	case documents.ModeLog, documents.ModeEnforce:
		c.mistake(s.TrustedDocuments == "", "HEALTHGRAPH_TRUSTED_DOCUMENTS must name a manifest where HEALTHGRAPH_TRUSTED_DOCUMENTS_MODE is %s", mode)
	default:
		c.mistake(true, "HEALTHGRAPH_TRUSTED_DOCUMENTS_MODE must be off, log-unknown or enforce")
	}
	if s.TrustedDocuments != "" {
		manifest, err := readFile(s.TrustedDocuments)
		if err == nil {
			_, err = documents.ParseManifest(manifest)
		}
		c.refuses("HEALTHGRAPH_TRUSTED_DOCUMENTS", err)
	}
}

func (s *limitSettings) limits(log *slog.Logger) limits.Config {
	return limits.Config{
		Depth: s.MaxDepth, Aliases: s.MaxAliases, RootFields: s.MaxRootFields, Directives: s.MaxDirectives, Fields: s.MaxFields,
		Tokens: s.MaxTokens, QueryBytes: s.MaxQueryBytes, BodyBytes: s.MaxBodyBytes, Cost: s.MaxCost,
		MeasureOnly: s.Limits == "measure", Log: log,
	}
}

// newDocuments gives what the server remembers of documents, and the manifest's file where there is one.
func (s *limitSettings) newDocuments(log *slog.Logger) (*documents.Documents, *watchedFile, error) {
	config := documents.Config{
		CacheBytes: s.DocumentCacheBytes, PersistedBytes: s.PersistedQueriesBytes, NoPersisted: s.PersistedQueries == "off",
		Mode: documents.Mode(s.TrustedDocumentsMode), Log: log,
	}
	if s.TrustedDocuments == "" {
		return documents.New(config), nil, nil
	}
	content, err := readFile(s.TrustedDocuments)
	if err == nil {
		config.Trusted, err = documents.NewTrusted(content)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("HEALTHGRAPH_TRUSTED_DOCUMENTS: %w", err)
	}
	file := newWatchedFile("manifest", "documents", s.TrustedDocuments, content, config.Trusted.Replace, log)
	return documents.New(config), file, nil
}
