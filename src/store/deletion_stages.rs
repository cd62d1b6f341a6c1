//! What deleted users and clients leave, purged in batches. A batch is one transaction: it locks the row of `deletions`, continues where
//! the last one stopped, and deletes the row after the last stage; so any number of processes may do it (decision 0033).

use diesel::prelude::*;

use super::{
    AnyConnection, Result, activity, consents,
    deletions::{Deleted, Step},
    deliveries, devices, dialect, grants, links,
    mapping::{Row, time},
    schema::deletions,
    sessions,
};
use crate::protocol::values::{id::Id, time::Timestamp};

/// The maximum number of rows of one batch. An entry of a grant's history, which goes with its grant, counts as well.
pub const ROWS: u32 = 500;

/// The result of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The number of rows that were changed or deleted.
    pub rows: usize,
    /// Whether nothing is left.
    pub is_complete: bool,
}

impl Step {
    /// The result of a batch that found so many rows, at most `limit`. What it found and not what it changed ends the stage: another
    /// transaction may have changed some of these rows in between.
    fn of(rows: usize, limit: u32) -> Self {
        if rows < usize::try_from(limit).unwrap_or(usize::MAX) { Self::Done(rows) } else { Self::More(rows, None) }
    }
}

/// Purges rows of a deleted user or client, at most `limit`, in one transaction.
///
/// # Errors
/// Database errors: then nothing of this batch was done.
pub fn purge(connection: &mut AnyConnection, deleted: &Deleted, now: Timestamp, limit: u32) -> Result<Batch> {
    let (kind, id) = deleted.key();
    let row = || deletions::table.find((kind, &id));
    dialect::together(connection, |connection| {
        // Locked until the transaction ends: another process continues after it.
        if diesel::update(row()).set(deletions::stage.eq(deletions::stage)).execute(connection)? == 0 {
            return Ok(Batch { rows: 0, is_complete: true });
        }
        let found = row().select((deletions::stage, deletions::position, deletions::created_at));
        let (stage, position, at) = found.get_result::<(i64, Option<Vec<u8>>, i64)>(connection)?;
        let position = position.map(|id| Row { table: "deletions", name: &stage }.id("position", id)).transpose()?;
        let batch = Stage { position: position.unwrap_or(Id::from_bytes([0; 16])), deleted_at: time(at), now, limit };
        let step = match deleted {
            Deleted::User(user) => batch.of_user(connection, *user, stage)?,
            Deleted::Client(client) => batch.of_client(connection, client, stage)?,
        };
        let (rows, stage, position) = match step {
            Some(Step::More(rows, position)) => (rows, stage, position),
            Some(Step::Done(rows)) => (rows, stage + 1, None),
            None => {
                diesel::delete(row()).execute(connection)?;
                return Ok(Batch { rows: 0, is_complete: true });
            }
        };
        let position = position.as_ref().map(|id| id.as_bytes().as_slice());
        diesel::update(row()).set((deletions::stage.eq(stage), deletions::position.eq(position))).execute(connection)?;
        Ok(Batch { rows, is_complete: false })
    })
}

/// A stage of a deletion, from a position on.
struct Stage {
    position: Id,
    deleted_at: Timestamp,
    now: Timestamp,
    limit: u32,
}

impl Stage {
    /// Consents come first, as no grant is issued without one. `None` after the last stage.
    fn of_user(&self, connection: &mut AnyConnection, user: Id, stage: i64) -> Result<Option<Step>> {
        let &Self { position, deleted_at, now, limit } = self;
        let all = |rows| Step::of(rows, limit);
        Ok(Some(match stage {
            0 => all(consents::forget_of_user(connection, user, limit)?),
            1 => grants::deletion::of_user(connection, user, position, deleted_at, limit)?,
            2 => sessions::deletion::of_user(connection, user, position, now, limit)?,
            3 => all(devices::forget_of_user(connection, user, limit)?),
            4 => all(activity::forget_of_user(connection, user, limit)?),
            5 => all(links::forget_of_user(connection, user, limit)?),
            _ => return Ok(None),
        }))
    }

    /// As [`Self::of_user`].
    fn of_client(&self, connection: &mut AnyConnection, client: &str, stage: i64) -> Result<Option<Step>> {
        let &Self { position, deleted_at, limit, .. } = self;
        let all = |rows| Step::of(rows, limit);
        Ok(Some(match stage {
            0 => all(consents::forget_for_client(connection, client, limit)?),
            1 => grants::deletion::of_client(connection, client, position, deleted_at, limit)?,
            2 => all(deliveries::forget_to(connection, client, limit)?),
            _ => return Ok(None),
        }))
    }
}
