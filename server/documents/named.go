package documents

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes of documents that are named rather than sent. The first two are Apollo's: its clients then send the whole document.
const (
	CodeNotFound     = "PERSISTED_QUERY_NOT_FOUND"
	CodeNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
	CodeHashMismatch = "PERSISTED_QUERY_HASH_MISMATCH"
	CodeNotTrusted   = "DOCUMENT_NOT_TRUSTED"
)

// Where a request names its document: Apollo's extension, and the parameter documentId of the GraphQL over HTTP draft. gqlgen
// has no place for the parameter, so it travels among the extensions.
const (
	persistedQuery = "persistedQuery"
	documentID     = "documentId"
)

// SetID notes the parameter documentId of a request.
func SetID(params *graphql.RawParams, id string) {
	if params.Extensions == nil {
		params.Extensions = map[string]any{}
	}
	params.Extensions[documentID] = id
}

// Named says whether a request names its document, so that it may leave out the text.
func Named(params *graphql.RawParams) bool {
	_, named := idOf(params.Extensions)
	return named
}

// idOf is how a request names its document: an id of the operator's, or sha256: and a hash.
func idOf(extensions map[string]any) (id string, named bool) {
	if id, ok := extensions[documentID].(string); ok && id != "" {
		return id, true
	}
	apollo, ok := extensions[persistedQuery].(map[string]any)
	if !ok {
		return "", false
	}
	hash, _ := apollo["sha256Hash"].(string)
	return sha256Prefix + hash, true
}

// MutateOperationParameters implements graphql.OperationParameterMutator: it puts the document in the place of its name, and
// judges whether it is trusted. What is unknown, or is not what its name says, is refused.
func (d *Documents) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if id, named := idOf(params.Extensions); named {
		if err := d.resolve(id, params); err != nil {
			return err
		}
	}
	return d.judge(ctx, params.Query)
}

func (d *Documents) resolve(id string, params *graphql.RawParams) *gqlerror.Error {
	hash, hashed := strings.CutPrefix(id, sha256Prefix)
	if apollo, ok := params.Extensions[persistedQuery].(map[string]any); ok && fmt.Sprint(apollo["version"]) != "1" {
		return failure(CodeNotSupported, "PersistedQueryNotSupported") // the message that old clients look for, as below
	}
	text, known := d.trusted.find(id)
	if strings.TrimSpace(params.Query) != "" { // both: the client wants the name to be remembered
		if text != params.Query && (known || (hashed && hash != Digest(params.Query))) {
			return failure(CodeHashMismatch, "the document that was sent is not the one that was named")
		}
		return nil
	}
	if !known && hashed && d.persisted != nil {
		text, known = d.persisted.GetIfPresent(hash)
	}
	switch {
	case known:
		d.Counters.Found.Add(1)
		params.Query = text
		return nil
	case d.mode == ModeEnforce:
		d.Counters.Untrusted.Add(1)
		return notTrusted()
	case hashed && d.persisted == nil:
		return failure(CodeNotSupported, "PersistedQueryNotSupported")
	case hashed:
		d.Counters.NotFound.Add(1)
		return failure(CodeNotFound, "PersistedQueryNotFound")
	default:
		d.Counters.NotFound.Add(1)
		return failure(CodeNotFound, "no document has that documentId here")
	}
}

// judge lets a document pass that is in the manifest, and others as the mode says.
func (d *Documents) judge(ctx context.Context, text string) *gqlerror.Error {
	if d.mode != ModeLog && d.mode != ModeEnforce {
		return nil
	}
	hash := Digest(text)
	if d.trusted.has(hash) {
		return nil
	}
	d.Counters.Untrusted.Add(1)
	if d.mode == ModeEnforce {
		return notTrusted()
	}
	if d.told.First(hash) {
		d.log.WarnContext(ctx, "a document is not in the manifest of trusted documents", "sha256", hash)
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator: the document has been parsed and validated, so its hash
// may name it from now on.
func (d *Documents) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	id, named := idOf(operation.Extensions)
	hash, hashed := strings.CutPrefix(id, sha256Prefix)
	if !named || !hashed || d.persisted == nil || hash != Digest(operation.RawQuery) {
		return nil
	}
	if _, stored := d.persisted.SetIfAbsent(hash, operation.RawQuery); stored {
		d.Counters.Persisted.Add(1)
	}
	return nil
}

func notTrusted() *gqlerror.Error {
	return failure(CodeNotTrusted, "only the operator's own documents are executed here, and this is none of them")
}

func failure(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}
