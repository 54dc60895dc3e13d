package store

import (
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Two statements that lock the same rows of PostgreSQL, each in an order of its own, may wait for each other until one is ended for it.
// A plain DELETE has no order. SQLite has one writer, and needs nothing of this.

// deleteInOrder deletes the rows of the model that where chooses. key is the table's primary key; order, of the same columns, is the
// one in which all writers lock the table's rows.
func deleteInOrder(db bun.IDB, model any, key, order string, where func(bun.QueryBuilder) bun.QueryBuilder) *bun.DeleteQuery {
	query := db.NewDelete().Model(model).ApplyQueryBuilder(where)
	if isSQLite(db) {
		return query
	}
	locked := db.NewSelect().Model(model).ColumnExpr(key).ApplyQueryBuilder(where).OrderExpr(order).For("UPDATE")
	return query.Where("(?) IN (?)", bun.Safe(key), locked)
}

// deleteOldest deletes at most limit of the model's rows whose column is before then, the oldest first. It never waits for a row, and so
// needs no order: one that somebody has locked is left alone. On PostgreSQL the rows are chosen once, as of a second time those that
// are gone by then would be passed over and others taken beyond the limit.
func deleteOldest(db bun.IDB, model any, key, column string, then time.Time, limit int) *bun.DeleteQuery {
	oldest := db.NewSelect().Model(model).ColumnExpr(key).
		Where("? < ?", bun.Ident(column), then).OrderExpr("?", bun.Ident(column)).Limit(int64(limit))
	query := db.NewDelete().Model(model)
	if isSQLite(db) {
		return query.Where("(?) IN (?)", bun.Safe(key), oldest)
	}
	return query.WithQuery(bun.NewWithQuery("oldest", oldest.For("UPDATE SKIP LOCKED")).Materialized()).
		Where("(?) IN (SELECT * FROM oldest)", bun.Safe(key))
}

func isSQLite(db bun.IDB) bool { return db.Dialect().Name() == dialect.SQLite }
