//! Reading the grants of a user that have ended lately: revoked, expired, or not used for too long. Their rows are kept for a while,
//! so that the user sees what happened.

use diesel::{dsl::auto_type, prelude::*};

use super::{GrantRow, to_value};
use crate::{
    protocol::{
        grant::{Grant, end_reason::EndReason},
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    store::{AnyConnection, Result, mapping::Row, schema::grants},
};

/// Which grants of a user have ended lately.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The user.
    pub user: Id,
    /// Since when.
    pub since: Timestamp,
    /// The current time.
    pub now: Timestamp,
    /// How long a grant that outlives its session may be idle.
    pub idle: Span,
}

impl Ended {
    fn before(&self, at: Timestamp) -> i64 {
        at.millis().saturating_sub(self.idle.millis())
    }

    /// The condition. A grant whose code was never redeemed has no history worth showing.
    #[auto_type(no_type_alias)]
    fn condition<'a>(&'a self) -> _ {
        let user: &'a [u8] = self.user.as_bytes().as_slice();
        let (since, now): (i64, i64) = (self.since.millis(), self.now.millis());
        let (idle_since, idle_until): (i64, i64) = (self.before(self.since), self.before(self.now));
        let is_expired = grants::expires_at.between(since, now);
        let is_idle = grants::session_id.is_null().and(grants::rotated_at.between(idle_since, idle_until).assume_not_null());
        let is_over = grants::revoked_at.is_null().and(is_expired.or(is_idle));
        let is_revoked = grants::revoked_at.ge(since).assume_not_null();
        grants::user_id.eq(user).and(grants::generation.gt(0_i64)).and(is_revoked.or(is_over))
    }
}

/// The clients whose grants have ended.
///
/// # Errors
/// Database errors.
pub fn ended_clients_of(connection: &mut AnyConnection, ended: &Ended) -> Result<Vec<String>> {
    Ok(grants::table.select(grants::client_id).filter(ended.condition()).distinct().load(connection)?)
}

/// The ended grants of one client, newest first, at most `limit`; if there are more, those come first that ended because a code or
/// token was reused.
///
/// # Errors
/// Database errors.
pub fn ended_for(connection: &mut AnyConnection, ended: &Ended, client: &str, limit: usize) -> Result<Vec<Grant>> {
    let theirs = || grants::table.select(GrantRow::as_select()).filter(ended.condition()).filter(grants::client_id.eq(client));
    let some = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = theirs().order(grants::id.desc()).limit(some).load(connection)?;
    if rows.len() == limit {
        let reused = [EndReason::CodeReused, EndReason::RefreshTokenReused].map(EndReason::name);
        let stolen = theirs().filter(grants::end_reason.eq_any(reused)).order(grants::id.desc()).limit(some);
        let mut stolen: Vec<GrantRow> = stolen.load(connection)?;
        rows.retain(|row| stolen.iter().all(|other| other.id != row.id));
        stolen.append(&mut rows);
        stolen.truncate(limit);
        rows = stolen;
    }
    rows.into_iter().map(to_value).collect()
}

/// Which of these grants are the user's, and not purged.
///
/// # Errors
/// Database errors.
pub fn among(connection: &mut AnyConnection, user: Id, ids: &[Id]) -> Result<Vec<Id>> {
    let theirs = grants::table
        .select(grants::id)
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::id.eq_any(ids.iter().map(|id| id.as_bytes().as_slice())));
    let row = Row { table: "grants", name: &"a grant" };
    theirs.load::<Vec<u8>>(connection)?.into_iter().map(|id| row.id("id", id)).collect()
}
