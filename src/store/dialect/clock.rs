//! The database's clock inside a statement: the time at which a row is read or written, rather than that of the request, which may
//! have waited for a lock, a disk or a stalled server. In milliseconds since 1970 UTC.

use diesel::{
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::BigInt,
    sqlite::Sqlite,
};

/// The current time by the database's clock.
#[derive(Clone, Copy, Debug, QueryId)]
pub struct Clock;

impl Expression for Clock {
    type SqlType = BigInt;
}

impl<Group> ValidGrouping<Group> for Clock {
    type IsAggregate = is_aggregate::Never;
}

impl<Source> SelectableExpression<Source> for Clock {}
impl<Source> AppearsOnTable<Source> for Clock {}

impl QueryFragment<Sqlite> for Clock {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS BIGINT)");
        Ok(())
    }
}

impl QueryFragment<Pg> for Clock {
    /// Not `now()`, which is the time at which the transaction began.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)");
        Ok(())
    }
}
