//! The table `deliveries`: a durable queue of outgoing notifications, each written in the transaction that causes it, and kept
//! until it is delivered or given up. Several processes may work on it: the one that moves `next_at` has claimed a delivery for a
//! while, and if it crashes, nothing is lost.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    AnyConnection, Result,
    error::Error,
    mapping::{Row, time},
    schema::{clients, deliveries, grants},
};
use crate::protocol::{
    account::{activity::Origin, login_name::LoginName, notification::Notification},
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// A notification to a client that a session has ended (Back-Channel Logout §2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {
    /// The session.
    pub sid: String,
    /// Its user, by the subject that the client knows.
    pub sub: String,
}

/// A request that is answered only by e-mail. Whether the user has an account is looked up later, so that neither the response nor
/// its timing reveals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRequest {
    /// The name or address that was typed.
    pub login: String,
    /// The pseudonymous id of the browser.
    pub browser: Vec<u8>,
    /// The device id, if the browser has our cookie saying that a user has signed in with it.
    #[serde(default)]
    pub device: Option<String>,
    /// The e-mail link that was opened in this browser.
    #[serde(default)]
    pub link: Option<Id>,
    /// Where the request came from.
    pub origin: Origin,
    /// The pending authorization request, as a query string.
    pub query: String,
}

/// The content of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// To a client: a session has ended.
    Logout(Logout),
    /// To a user, by e-mail.
    Notification(Notification),
    /// A password reset was requested.
    ResetRequested(MailRequest),
    /// A registration was requested.
    RegistrationRequested(MailRequest),
}

impl Content {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Logout(_) => LOGOUT,
            Self::Notification(_) => NOTIFICATION,
            Self::ResetRequested(_) => RESET_REQUESTED,
            Self::RegistrationRequested(_) => REGISTRATION_REQUESTED,
        }
    }

    /// The address that an e-mail is for, or the name that was typed.
    fn address(&self) -> Option<String> {
        match self {
            Self::Logout(_) => None,
            Self::Notification(notice) => Some(LoginName::parse(&notice.to).as_str().to_owned()),
            Self::ResetRequested(mail_request) | Self::RegistrationRequested(mail_request) => {
                Some(LoginName::parse(&mail_request.login).as_str().to_owned())
            }
        }
    }

    fn to_json(&self) -> Result<String> {
        let text = match self {
            Self::Logout(logout) => serde_json::to_string(logout),
            Self::Notification(notice) => serde_json::to_string(notice),
            Self::ResetRequested(mail_request) | Self::RegistrationRequested(mail_request) => serde_json::to_string(mail_request),
        };
        text.map_err(|error| Error::Failed(error.to_string()))
    }
}

/// A delivery, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: Vec<u8>,
    /// The client it is for; empty for users.
    pub client_id: String,
    /// Its content.
    pub content: Content,
    /// The number of attempts so far.
    pub attempts: u32,
    /// When it is due.
    pub next_at: Timestamp,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

const LOGOUT: &str = "logout";
const NOTIFICATION: &str = "letter";
const RESET_REQUESTED: &str = "reset_asked";
const REGISTRATION_REQUESTED: &str = "registration_asked";
/// The kinds that belong to users rather than to a client.
const OF_USERS: [&str; 3] = [NOTIFICATION, RESET_REQUESTED, REGISTRATION_REQUESTED];

/// How long an unreadable delivery is postponed.
const UNREADABLE: Span = Span::from_seconds(600);
/// The longest time a delivery may be postponed, plus a margin: one due later than that was written by a clock that was set back
/// since, and is due now. Otherwise it would wait for as long as that clock was ahead.
const FURTHEST: Span = Span::from_seconds(2 * 3_600);

type Columns = (Vec<u8>, String, String, String, i64, i64, i64);

macro_rules! columns {
    () => {
        (
            deliveries::id,
            deliveries::kind,
            deliveries::client_id,
            deliveries::content,
            deliveries::attempts,
            deliveries::next_at,
            deliveries::created_at,
        )
    };
}

fn to_value((id, kind, client_id, content, attempts, next_at, created_at): Columns) -> Result<Delivery> {
    let row = Row { table: "deliveries", name: &created_at };
    let content = match kind.as_str() {
        LOGOUT => Content::Logout(row.json("content", &content)?),
        NOTIFICATION => Content::Notification(row.json("content", &content)?),
        RESET_REQUESTED => Content::ResetRequested(row.json("content", &content)?),
        REGISTRATION_REQUESTED => Content::RegistrationRequested(row.json("content", &content)?),
        _ => return row.name("kind", None),
    };
    let attempts = row.generation("attempts", attempts)?;
    Ok(Delivery { id, client_id, content, attempts, next_at: time(next_at), created_at: time(created_at) })
}

/// Enqueues a delivery about a user, or about a request from an unknown person.
///
/// # Errors
/// Database errors.
pub fn enqueue(connection: &mut AnyConnection, id: Id, content: &Content, now: Timestamp) -> Result<()> {
    insert(connection, (id.as_bytes(), ""), content, now)
}

/// Deletes the e-mails to these addresses, and those requested with one of these names. Part of a transaction.
pub(super) fn forget(connection: &mut AnyConnection, names: &[&str]) -> Result<()> {
    diesel::delete(deliveries::table.filter(deliveries::address.eq_any(names))).execute(connection)?;
    Ok(())
}

/// Deletes the notifications that wait for a client, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_to(connection: &mut AnyConnection, client: &str, limit: u32) -> Result<usize> {
    let waiting = deliveries::table.filter(deliveries::client_id.eq(client)).select(deliveries::id);
    let keys: Vec<Vec<u8>> = waiting.limit(i64::from(limit)).load(connection)?;
    diesel::delete(deliveries::table.filter(deliveries::id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

fn insert(connection: &mut AnyConnection, (id, client): (&[u8], &str), content: &Content, now: Timestamp) -> Result<()> {
    diesel::insert_into(deliveries::table)
        .values((
            deliveries::id.eq(id),
            deliveries::kind.eq(content.kind()),
            deliveries::client_id.eq(client),
            deliveries::content.eq(content.to_json()?),
            deliveries::attempts.eq(0),
            deliveries::next_at.eq(now.millis()),
            deliveries::created_at.eq(now.millis()),
            deliveries::address.eq(content.address()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Enqueues the end of a session for every client with a back-channel logout URI. Part of the transaction that ends it.
pub(super) fn enqueue_logout(connection: &mut AnyConnection, session: Id, user: Id, now: Timestamp) -> Result<()> {
    let mut recipients: Vec<(String, Option<String>)> = grants::table
        .inner_join(clients::table.on(clients::id.eq(grants::client_id)))
        .filter(grants::user_id.eq(user.as_bytes().as_slice()))
        .filter(grants::sid.eq(session.as_bytes().as_slice()))
        .filter(clients::backchannel_logout_uri.is_not_null())
        .select((grants::client_id, grants::subject))
        .order((grants::client_id, grants::id.desc()))
        .load(connection)?;
    recipients.dedup_by(|one, other| one.0 == other.0);
    for (client, subject) in recipients {
        let sid = session.to_string();
        let id = Sha256::new().chain_update(LOGOUT).chain_update(session.as_bytes()).chain_update(&client).finalize().to_vec();
        let logout = Logout { sid, sub: subject.unwrap_or_else(|| user.to_string()) };
        insert(connection, (&id, &client), &Content::Logout(logout), now)?;
    }
    Ok(())
}

/// Whether a delivery is due.
macro_rules! is_due {
    ($now:expr) => {
        deliveries::next_at.le($now.millis()).or(deliveries::next_at.gt($now.plus(FURTHEST).millis()))
    };
}

/// The clients with deliveries due.
///
/// # Errors
/// Database errors.
pub fn clients_due(connection: &mut AnyConnection, now: Timestamp) -> Result<Vec<String>> {
    let due = deliveries::table.filter(deliveries::kind.eq(LOGOUT)).filter(is_due!(now));
    Ok(due.select(deliveries::client_id).distinct().load(connection)?)
}

/// The deliveries due for a client, oldest first, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn due(connection: &mut AnyConnection, client_id: &str, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
    let rows: Vec<Columns> = deliveries::table
        .filter(deliveries::kind.eq(LOGOUT))
        .filter(deliveries::client_id.eq(client_id))
        .filter(is_due!(now))
        .select(columns!())
        .order(deliveries::next_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(connection)?;
    readable(connection, rows, now)
}

/// The deliveries due for users, oldest first, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn due_to_users(connection: &mut AnyConnection, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
    let rows: Vec<Columns> = deliveries::table
        .filter(deliveries::kind.eq_any(OF_USERS))
        .filter(is_due!(now))
        .select(columns!())
        .order(deliveries::next_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(connection)?;
    readable(connection, rows, now)
}

/// The readable ones among these rows. Others, perhaps written by a newer version, are postponed, so that they do not block the
/// queue.
fn readable(connection: &mut AnyConnection, rows: Vec<Columns>, now: Timestamp) -> Result<Vec<Delivery>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.0.clone();
        match to_value(row) {
            Ok(delivery) => all.push(delivery),
            Err(error) => {
                tracing::error!(%error, "a delivery could not be read: postponed");
                let next = deliveries::next_at.eq(now.plus(UNREADABLE).millis());
                diesel::update(deliveries::table.find(id)).set(next).execute(connection)?;
            }
        }
    }
    Ok(all)
}

/// Claims a delivery until `until`, and counts the attempt; `None` if another process was first.
///
/// # Errors
/// Database errors.
pub fn take(connection: &mut AnyConnection, delivery: Delivery, until: Timestamp) -> Result<Option<Delivery>> {
    let taken = Delivery { attempts: delivery.attempts + 1, next_at: until, ..delivery };
    let row = deliveries::table.find(&taken.id).filter(deliveries::next_at.eq(delivery.next_at.millis()));
    let set = (deliveries::attempts.eq(i64::from(taken.attempts)), deliveries::next_at.eq(until.millis()));
    Ok((diesel::update(row).set(set).execute(connection)? == 1).then_some(taken))
}

/// Postpones a claimed delivery; does nothing if another process has claimed it since.
///
/// # Errors
/// Database errors.
pub fn put_off(connection: &mut AnyConnection, taken: &Delivery, until: Timestamp) -> Result<()> {
    let row = deliveries::table.find(&taken.id).filter(deliveries::next_at.eq(taken.next_at.millis()));
    diesel::update(row).set(deliveries::next_at.eq(until.millis())).execute(connection)?;
    Ok(())
}

/// Removes a claimed delivery; false if another process has claimed it since. Part of a transaction.
pub(super) fn finish(connection: &mut AnyConnection, taken: &Delivery) -> Result<bool> {
    let row = deliveries::table.find(&taken.id).filter(deliveries::next_at.eq(taken.next_at.millis()));
    Ok(diesel::delete(row).execute(connection)? == 1)
}

/// Removes a delivery that was delivered or given up.
///
/// # Errors
/// Database errors.
pub fn remove(connection: &mut AnyConnection, delivery: &Delivery) -> Result<()> {
    diesel::delete(deliveries::table.find(&delivery.id)).execute(connection)?;
    Ok(())
}
