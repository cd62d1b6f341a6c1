//! The table `consents`: remembered consent, what a user allowed a client, or the operator allowed a first-party one. Where a
//! consent was withdrawn, the row stays without content, so that the operator does not give it again (decision 0036).

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    activity::{self, Event},
    clients, dialect,
    error::Error,
    grants,
    mapping::{Row, json, time},
    schema::consents,
    users,
};
use crate::protocol::{
    grant::end_reason::EndReason,
    oauth::{
        client::Client,
        next_step::{Allowed, ConsentGiver},
    },
    values::{id::Id, time::Timestamp},
};

/// In `given_by`, of a row that is no consent any more.
pub(super) const WITHDRAWN: &str = "nobody";

/// The columns `scopes`, `audiences` and `given_by`.
pub(super) type Columns = (String, String, String);

/// What is recorded of a user and a client.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// A consent.
    Allowed(Allowed, ConsentGiver),
    /// It was withdrawn.
    Withdrawn,
}

impl Recorded {
    /// The consent, if it is one.
    #[must_use]
    pub fn allowed(self) -> Option<Allowed> {
        match self {
            Self::Allowed(allowed, _) => Some(allowed),
            Self::Withdrawn => None,
        }
    }

    /// The consent, if it is one that counts for this client, as it is now.
    #[must_use]
    pub fn counting_for(self, client: &Client) -> Option<Allowed> {
        match self {
            Self::Allowed(allowed, giver) if giver.counts_for(client) => Some(allowed),
            Self::Allowed(..) | Self::Withdrawn => None,
        }
    }
}

/// This user's consent for this client.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, user: Id, client: &str) -> Result<Option<Allowed>> {
    Ok(recorded(connection, user, client)?.and_then(Recorded::allowed))
}

/// As [`find`], with what was withdrawn.
///
/// # Errors
/// Database errors.
pub fn recorded(connection: &mut AnyConnection, user: Id, client: &str) -> Result<Option<Recorded>> {
    let found = consents::table
        .find((user.as_bytes().as_slice(), client))
        .select((consents::scopes, consents::audiences, consents::given_by))
        .get_result::<Columns>(connection)
        .optional()?;
    found.map(|columns| to_value(user, &columns)).transpose()
}

/// Parses the columns.
pub(super) fn to_value(user: Id, (scopes, audiences, given_by): &Columns) -> Result<Recorded> {
    if given_by == WITHDRAWN {
        return Ok(Recorded::Withdrawn);
    }
    let row = Row { table: "consents", name: &user };
    let giver = row.name("given_by", ConsentGiver::from_name(given_by))?;
    let allowed = Allowed { scopes: row.scopes("scopes", scopes)?, audiences: row.list("audiences", audiences)? };
    Ok(Recorded::Allowed(allowed, giver))
}

/// A user's consent for a client.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The client.
    pub client_id: String,
    /// What the client was allowed.
    pub allowed: Allowed,
    /// Who allowed it, the last time.
    pub given_by: ConsentGiver,
    /// When it was last extended.
    pub granted_at: Timestamp,
}

/// The clients that there is a consent for, and who gave it.
///
/// # Errors
/// Database errors.
pub fn clients_of(connection: &mut AnyConnection, user: Id) -> Result<Vec<(String, ConsentGiver)>> {
    let theirs =
        consents::table.filter(consents::user_id.eq(user.as_bytes().as_slice())).filter(consents::given_by.ne(WITHDRAWN));
    let rows = theirs.select((consents::client_id, consents::given_by)).load::<(String, String)>(connection)?;
    let row = Row { table: "consents", name: &user };
    let to_value = |(client, given_by): (String, String)| Ok((client, row.name("given_by", ConsentGiver::from_name(&given_by))?));
    rows.into_iter().map(to_value).collect()
}

/// Every consent of this user, ordered by client.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<Consent>> {
    page(connection, user, None, u32::MAX)
}

/// Consents of this user ordered by client, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn page(connection: &mut AnyConnection, user: Id, after: Option<&str>, limit: u32) -> Result<Vec<Consent>> {
    let rows: Vec<(String, Columns, i64)> = consents::table
        .filter(consents::user_id.eq(user.as_bytes().as_slice()))
        .filter(consents::given_by.ne(WITHDRAWN))
        .filter(consents::client_id.gt(after.unwrap_or_default()))
        .select((consents::client_id, (consents::scopes, consents::audiences, consents::given_by), consents::granted_at))
        .order(consents::client_id)
        .limit(i64::from(limit))
        .load(connection)?;
    let to_consent = |(client_id, columns, granted_at)| -> Result<Option<Consent>> {
        let Recorded::Allowed(allowed, given_by) = to_value(user, &columns)? else { return Ok(None) };
        Ok(Some(Consent { client_id, allowed, given_by, granted_at: time(granted_at) }))
    };
    rows.into_iter().filter_map(|row| to_consent(row).transpose()).collect()
}

/// Extends the consent of the event's user for this client, and returns whether it is there now: not if either was deleted meanwhile,
/// and the operator's not where the user has decided. What the user allows replaces what the operator gave. The guard on the values
/// read keeps two concurrent updates from losing one.
///
/// # Errors
/// Database errors.
pub fn add(
    connection: &mut AnyConnection,
    client: &str,
    allowed: &Allowed,
    giver: ConsentGiver,
    event: &Event<'_>,
) -> Result<bool> {
    let user = event.user;
    for _ in 0..5 {
        let added = dialect::together(connection, |connection| -> Result<bool> {
            // Both stay until the consent is there: their deletion, which purges consents, comes before or after.
            if !clients::hold(connection, client)? || users::lock(connection, user)?.is_none() {
                return Ok(false);
            }
            let before = recorded(connection, user, client)?;
            let is_users = matches!(before, Some(Recorded::Withdrawn | Recorded::Allowed(_, ConsentGiver::User)));
            if giver == ConsentGiver::Operator && is_users {
                return Ok(false);
            }
            activity::insert(connection, event)?;
            extend(connection, client, (before, allowed, giver), event)
        });
        match added {
            Ok(is_there) => return Ok(is_there),
            Err(Error::Conflict(_)) => {} // a concurrent update was first: read again
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy(format!("the consent of user {user} for client {client} keeps changing")))
}

/// Writes the union of both, or only the user's after the operator's. Part of a transaction.
fn extend(
    connection: &mut AnyConnection,
    client: &str,
    (before, allowed, giver): (Option<Recorded>, &Allowed, ConsentGiver),
    event: &Event<'_>,
) -> Result<bool> {
    let key = event.user.as_bytes().as_slice();
    let set = |all: &Allowed| {
        (
            consents::scopes.eq(all.scopes.to_string()),
            consents::audiences.eq(json(&all.audiences)),
            consents::granted_at.eq(event.at.millis()),
            consents::given_by.eq(giver.as_str()),
        )
    };
    let row = consents::table.find((key, client));
    let changed = match before {
        None => {
            let columns = (consents::user_id.eq(key), consents::client_id.eq(client), set(allowed));
            return Ok(diesel::insert_into(consents::table).values(columns).execute(connection)? == 1);
        }
        Some(Recorded::Withdrawn) => {
            let unchanged = row.filter(consents::given_by.eq(WITHDRAWN));
            diesel::update(unchanged).set(set(allowed)).execute(connection)?
        }
        Some(Recorded::Allowed(before, by)) => {
            let unchanged = row
                .filter(consents::scopes.eq(before.scopes.to_string()))
                .filter(consents::audiences.eq(json(&before.audiences)))
                .filter(consents::given_by.eq(by.as_str()));
            let all = if by == giver { before.and(allowed) } else { allowed.clone() };
            diesel::update(unchanged).set(set(&all)).execute(connection)?
        }
    };
    if changed == 1 { Ok(true) } else { Err(Error::Conflict(String::new())) }
}

/// Whether this user has a consent for this client; locks the row until the transaction ends, so that a withdrawal happens before
/// or after.
pub(super) fn hold(connection: &mut AnyConnection, user: Id, client: &str) -> Result<bool> {
    let row = consents::table.find((user.as_bytes().as_slice(), client)).filter(consents::given_by.ne(WITHDRAWN));
    Ok(diesel::update(row).set(consents::granted_at.eq(consents::granted_at)).execute(connection)? == 1)
}

/// Withdraws this user's consent for this client, and revokes the grants based on it; returns whether there was consent, and how
/// many grants ended. It is recorded that nobody consents, so that the operator does not, even if the client becomes first-party
/// later. Part of a transaction.
pub(super) fn withdraw(connection: &mut AnyConnection, user: Id, client: &str, now: Timestamp) -> Result<(bool, usize)> {
    let row = consents::table.find((user.as_bytes().as_slice(), client)).filter(consents::given_by.ne(WITHDRAWN));
    let nothing = (consents::scopes.eq(""), consents::audiences.eq("[]"), consents::given_by.eq(WITHDRAWN));
    let rows = diesel::update(row).set((nothing, consents::granted_at.eq(now.millis()))).execute(connection)?;
    Ok((rows > 0, grants::revoke_all(connection, user, client, EndReason::ConsentWithdrawn, now)?))
}

/// Deletes consents of a user, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_of_user(connection: &mut AnyConnection, user: Id, limit: u32) -> Result<usize> {
    let theirs = || consents::table.filter(consents::user_id.eq(user.as_bytes().as_slice()));
    let keys: Vec<String> = theirs().select(consents::client_id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(theirs().filter(consents::client_id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

/// Deletes consents for a client, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_for_client(connection: &mut AnyConnection, client: &str, limit: u32) -> Result<usize> {
    let given = || consents::table.filter(consents::client_id.eq(client));
    let keys: Vec<Vec<u8>> = given().select(consents::user_id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(given().filter(consents::user_id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}
