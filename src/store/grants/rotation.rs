//! The rotation statement of a grant: a compare-and-swap of its generation, and the queue of rotations that wait for their turn to
//! write. What else a rotation does is `rotation_events`.

use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Binary, Nullable, Text},
};

use super::super::{
    any_connection::AnyConnection,
    dialect::{Clock, on_either},
    error::Result,
    write_queue::WriteQueue,
};
use crate::protocol::{
    account::activity::Origin,
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// The deadline of a statement, and the time it writes. The database may execute a statement long after it was sent, if it was
/// stalled or the row was locked. A rotation is dated when it is written, by the one clock that all servers read, not when it was
/// requested; once its caller has been told that nothing was done, it is no longer written.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// An offset added to the database's time; zero except in tests that move time.
    pub shift: i64,
    /// The deadline, by the database's clock.
    pub until: Timestamp,
}

impl Statement {
    /// A statement that follows a reading of the database's clock, shifted to another time. It may be executed within this span,
    /// counted from the reading: so the deadline is never too late.
    #[must_use]
    pub fn after(read_at: Timestamp, by_database: Timestamp, within: Span) -> Self {
        Self { shift: by_database.millis() - read_at.millis(), until: read_at.plus(within) }
    }
}

/// A rotation from `generation` to the next.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The grant.
    pub grant: Id,
    /// The presented generation.
    pub generation: u32,
    /// Where it was presented from.
    pub seen: Origin,
    /// Its deadline.
    pub statement: Statement,
}

/// Rotations queued for their turn to write.
pub type Advances = WriteQueue<Advance, Result<bool>>;

/// The rotation statement, written out because Diesel does not keep an update prepared, and PostgreSQL would parse and plan it each
/// time. A healing statement takes a row that is behind the credential, any other a row of exactly its generation.
struct Rotation<'a, const HEALS: bool> {
    id: &'a [u8],
    generation: i64,
    next: i64,
    shift: i64,
    until: i64,
    address: Option<&'a str>,
    place: Option<&'a str>,
    user_agent: Option<&'a str>,
}

impl<'a, const HEALS: bool> From<&'a Advance> for Rotation<'a, HEALS> {
    fn from(Advance { grant, generation, seen, statement }: &'a Advance) -> Self {
        let generation = i64::from(*generation);
        Self {
            id: grant.as_bytes().as_slice(),
            generation,
            next: generation + 1,
            shift: statement.shift,
            until: statement.until.millis(),
            address: seen.address.as_deref(),
            place: seen.place.as_deref(),
            user_agent: seen.user_agent.as_deref(),
        }
    }
}

impl<const HEALS: bool> QueryId for Rotation<'_, HEALS> {
    type QueryId = Rotation<'static, HEALS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB: Backend, const HEALS: bool> QueryFragment<DB> for Rotation<'_, HEALS>
where
    i64: ToSql<BigInt, DB>,
    for<'b> &'b [u8]: ToSql<Binary, DB>,
    for<'b> Option<&'b str>: ToSql<Nullable<Text>, DB>,
    Clock: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE grants SET generation = ");
        out.push_bind_param::<BigInt, _>(&self.next)?;
        out.push_sql(", rotated_at = ");
        Clock.walk_ast(out.reborrow())?;
        out.push_sql(" + ");
        out.push_bind_param::<BigInt, _>(&self.shift)?;
        out.push_sql(", address = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.address)?;
        out.push_sql(", place = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.place)?;
        out.push_sql(", user_agent = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.user_agent)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(if HEALS { " AND generation < " } else { " AND generation = " });
        out.push_bind_param::<BigInt, _>(&self.generation)?;
        out.push_sql(" AND revoked_at IS NULL AND ");
        Clock.walk_ast(out.reborrow())?;
        out.push_sql(" < ");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        Ok(())
    }
}

impl<C, const HEALS: bool> RunQueryDsl<C> for Rotation<'_, HEALS> {}

/// Compare-and-swap from `generation` to the next, unless revoked, recording the origin: false if a concurrent request was first,
/// or the deadline has passed. The guard is in the statement, the row count is the answer.
///
/// # Errors
/// Database errors; the row may have advanced nonetheless, and the retry window covers that.
pub fn advance(connection: &mut AnyConnection, advance: &Advance) -> Result<bool> {
    Ok(on_either!(connection, one => Rotation::<false>::from(advance).execute(one))? == 1)
}

/// As [`advance`], for a row that is behind the credential: false if it is revoked, or has advanced as far meanwhile.
///
/// # Errors
/// As [`advance`].
pub fn heal(connection: &mut AnyConnection, advance: &Advance) -> Result<bool> {
    Ok(on_either!(connection, one => Rotation::<true>::from(advance).execute(one))? == 1)
}
