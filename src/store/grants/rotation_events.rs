//! What a rotation does besides its statement (`rotation`): rotations grouped on SQLite, healing, and the notification when a credential is used from a new network.

use super::super::{
    AnyConnection, Result, Store,
    activity::Event,
    devices, dialect,
    error::Error,
    grant_history::{self, Line},
    notifications, progress, users,
};
use super::rotation::{self, Advance, Statement, advance};
use crate::protocol::{account::notification::NotificationKind, grant::Grant};

/// Heals a row that is older than a genuine credential, because the database was restored to an earlier state. In one transaction,
/// the row follows the credential unless it is revoked, the history records it, and if the app continues from another network the
/// user is notified, as by [`advance_elsewhere`]. False if a concurrent request did so before, or the row has advanced further.
///
/// # Errors
/// Database errors.
pub fn heal(
    connection: &mut AnyConnection,
    (grant, wish): (&Grant, &Advance),
    line: &Line,
    elsewhere: Option<(&str, &Event<'_>)>,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !rotation::heal(connection, wish)? {
            return Ok(false);
        }
        grant_history::insert(connection, std::slice::from_ref(line))?;
        if let Some((network, event)) = elsewhere {
            tell_of_network(connection, grant, network, event)?;
        }
        Ok(true)
    })
}

impl Store {
    /// As [`advance`]; on SQLite grouped with all other queued rotations in one transaction.
    ///
    /// # Errors
    /// As [`advance`].
    pub fn advance(&self, connection: &mut AnyConnection, wish: Advance) -> Result<bool> {
        if matches!(connection, AnyConnection::Postgres(_)) {
            return advance(connection, &wish);
        }
        let all = |wishes: &[Advance]| {
            // The other callers still wait, even if this thread's own has given up.
            let done = progress::of(None, || {
                dialect::together(connection, |connection| {
                    wishes.iter().map(|wish| advance(connection, wish)).collect::<Result<Vec<bool>>>()
                })
            });
            match done {
                Ok(done) => done.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); wishes.len()],
            }
        };
        self.advances().take(wish, all).unwrap_or_else(|| Err(Error::Failed("a rotation failed unexpectedly".into())))
    }
}

/// As [`advance`], for an app that continues from another network: if nothing of the user was seen there before, they are notified,
/// in the same transaction.
///
/// # Errors
/// As [`advance`].
pub fn advance_elsewhere(
    connection: &mut AnyConnection,
    grant: &Grant,
    statement: Statement,
    network: &str,
    event: &Event<'_>,
) -> Result<bool> {
    let wish = Advance { grant: grant.id, generation: grant.generation, seen: event.origin.clone(), statement };
    dialect::together(connection, |connection| {
        let is_first = advance(connection, &wish)?;
        if is_first {
            tell_of_network(connection, grant, network, event)?;
        }
        Ok(is_first)
    })
}

/// The successor of a token was returned again to an app in another network: if nothing of the user was seen there before, they are
/// notified.
///
/// # Errors
/// Database errors.
pub fn repeat_elsewhere(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| tell_of_network(connection, grant, network, event))
}

fn tell_of_network(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    // Nothing is recorded for a user who was deleted meanwhile.
    let Some(user) = users::find(connection, grant.user_id)? else { return Ok(()) };
    let seen = devices::see(connection, grant.user_id, (&grant.id.to_string(), network), event.at)?;
    if seen.network { Ok(()) } else { notifications::tell(connection, event, NotificationKind::NewNetwork, &user) }
}
