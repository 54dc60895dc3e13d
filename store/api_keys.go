package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/callers"
	"healthgraph/health"
)

var _ callers.APIKeyStore = (*Store)(nil)

type apiKeyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:api_keys"`

	ID            string       `bun:"id,pk"`
	Name          string       `bun:"name"`
	Scopes        string       `bun:"scopes"` // a JSON list
	Hash          []byte       `bun:"hash"`
	PreviousHash  []byte       `bun:"previous_hash"`
	PreviousUntil bun.NullTime `bun:"previous_until"`
	CreatedAt     time.Time    `bun:"created_at"`
	ExpiresAt     bun.NullTime `bun:"expires_at"`
	RevokedAt     bun.NullTime `bun:"revoked_at"`
	LastUsedAt    bun.NullTime `bun:"last_used_at"`
}

func apiKeyRowOf(k callers.APIKey) (apiKeyRow, error) {
	row := apiKeyRow{
		ID:            k.ID,
		Name:          string(k.Name),
		Hash:          []byte(k.Hash.Reveal()),
		PreviousUntil: bun.NullTime{Time: k.PreviousUntil},
		CreatedAt:     k.CreatedAt,
		ExpiresAt:     bun.NullTime{Time: k.ExpiresAt},
		RevokedAt:     bun.NullTime{Time: k.RevokedAt},
		LastUsedAt:    bun.NullTime{Time: k.LastUsedAt},
	}
	if !k.PreviousHash.IsEmpty() {
		row.PreviousHash = []byte(k.PreviousHash.Reveal())
	}
	scopes, err := json.Marshal(k.Scopes)
	row.Scopes = string(scopes)
	return row, failed("encode scopes", err)
}

func (r apiKeyRow) key() (callers.APIKey, error) {
	k := callers.APIKey{
		ID:            r.ID,
		Name:          health.UserID(r.Name),
		Hash:          health.NewSecret(string(r.Hash)),
		PreviousHash:  health.NewSecret(string(r.PreviousHash)),
		PreviousUntil: r.PreviousUntil.UTC(),
		CreatedAt:     r.CreatedAt.UTC(),
		ExpiresAt:     r.ExpiresAt.UTC(),
		RevokedAt:     r.RevokedAt.UTC(),
		LastUsedAt:    r.LastUsedAt.UTC(),
	}
	return k, failed("decode scopes", json.Unmarshal([]byte(r.Scopes), &k.Scopes))
}

// AddAPIKey stores a new key.
func (s *Store) AddAPIKey(ctx context.Context, key callers.APIKey) error {
	row, err := apiKeyRowOf(key)
	if err != nil {
		return err
	}
	_, err = s.write.NewInsert().Model(&row).Exec(ctx)
	return failed("write an API key", err)
}

// APIKeys gives all keys that ever were, oldest first.
func (s *Store) APIKeys(ctx context.Context) ([]callers.APIKey, error) {
	return s.apiKeys(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("created_at", "id") })
}

// LiveAPIKeys gives those that are neither revoked nor expired at that time, in no order.
func (s *Store) LiveAPIKeys(ctx context.Context, at time.Time) ([]callers.APIKey, error) {
	return s.apiKeys(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("revoked_at IS NULL").Where("expires_at IS NULL OR expires_at > ?", at)
	})
}

func (s *Store) apiKeys(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) ([]callers.APIKey, error) {
	var rows []apiKeyRow
	if err := which(s.read.NewSelect().Model(&rows)).Scan(ctx); err != nil {
		return nil, failed("read API keys", err)
	}
	keys := make([]callers.APIKey, len(rows))
	for i, row := range rows {
		var err error
		if keys[i], err = row.key(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// RotateAPIKey stores the hashes and the end of a key that was rotated, and says whether it did: not if the key was rotated
// or revoked since before was read.
func (s *Store) RotateAPIKey(ctx context.Context, before, after callers.APIKey) (bool, error) {
	row, err := apiKeyRowOf(after)
	if err != nil {
		return false, err
	}
	result, err := s.write.NewUpdate().Model(&row).Column("hash", "previous_hash", "previous_until", "expires_at").
		Where("id = ?", before.ID).Where("hash = ?", []byte(before.Hash.Reveal())).Where("revoked_at IS NULL").Exec(ctx)
	rows, err := changed("rotate an API key", result, err)
	return rows > 0, err
}

// RevokeAPIKey ends a key for good, and says whether there is one of that id. One that was revoked stays so since then.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, at time.Time) (bool, error) {
	result, err := s.write.NewUpdate().Model((*apiKeyRow)(nil)).Set("revoked_at = coalesce(revoked_at, ?)", at).Where("id = ?", id).Exec(ctx)
	rows, err := changed("revoke an API key", result, err)
	return rows > 0, err
}

// NoteAPIKeyUse sets when the key was last used, unless it was used after since.
func (s *Store) NoteAPIKeyUse(ctx context.Context, id string, at, since time.Time) error {
	_, err := s.write.NewUpdate().Model((*apiKeyRow)(nil)).Set("last_used_at = ?", at).
		Where("id = ?", id).Where("last_used_at IS NULL OR last_used_at <= ?", since).Exec(ctx)
	return failed("note the use of an API key", err)
}
