//! The table `deletions`: users and clients that were deleted, and whose rows in other tables are still to be purged. The row of a
//! user or client itself is deleted when this one is inserted (`account`, `clients`), so that from then on it does not exist. What is
//! purged, in which order, is `deletion_stages`.

use std::fmt;

use diesel::prelude::*;

use super::{AnyConnection, Error, Result, mapping::Row, schema::deletions};
use crate::protocol::values::{id::Id, time::Timestamp};

const USER: &str = "user";
const CLIENT: &str = "client";

/// Who or what was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// A user.
    User(Id),
    /// A client.
    Client(String),
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.key();
        write!(f, "{kind} {id}")
    }
}

impl Deleted {
    /// The key of its row.
    pub(super) fn key(&self) -> (&'static str, String) {
        match self {
            Self::User(id) => (USER, id.to_string()),
            Self::Client(id) => (CLIENT, id.clone()),
        }
    }
}

/// How far a stage has come in one batch.
pub(super) enum Step {
    /// There may be more, after this row if the stage goes through a table in the order of its ids.
    More(usize, Option<Id>),
    /// The stage is complete.
    Done(usize),
}

/// Records the deletion. Part of the transaction that deletes the row of the user or client.
pub(super) fn mark(connection: &mut AnyConnection, deleted: &Deleted, now: Timestamp) -> Result<()> {
    let (kind, id) = deleted.key();
    let start = (deletions::stage.eq(0), deletions::created_at.eq(now.millis()));
    diesel::insert_into(deletions::table).values((deletions::kind.eq(kind), deletions::id.eq(id), start)).execute(connection)?;
    Ok(())
}

/// Whether rows of it are still to be purged.
///
/// # Errors
/// Database errors.
pub fn is_pending(connection: &mut AnyConnection, deleted: &Deleted) -> Result<bool> {
    let row = deletions::table.find(deleted.key()).select(deletions::stage);
    Ok(row.get_result::<i64>(connection).optional()?.is_some())
}

/// Deletions that are not complete, oldest first, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn pending(connection: &mut AnyConnection, limit: u32) -> Result<Vec<Deleted>> {
    let oldest = deletions::table.order((deletions::created_at, deletions::kind, deletions::id)).limit(i64::from(limit));
    let rows = oldest.select((deletions::kind, deletions::id)).load::<(String, String)>(connection)?;
    let to_value = |(kind, id): (String, String)| {
        let row = Row { table: "deletions", name: &id };
        match kind.as_str() {
            USER => row.name("id", Id::parse(&id).ok()).map(Deleted::User),
            CLIENT => Ok(Deleted::Client(id.clone())),
            _ => row.name("kind", None),
        }
    };
    let readable = rows.into_iter().map(to_value);
    let report = |error: &Error| tracing::error!(%error, "a deletion could not be read: skipped");
    Ok(readable.filter_map(|deleted| deleted.inspect_err(report).ok()).collect())
}
