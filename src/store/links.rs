//! The table `links`: links in e-mails. A row says what the link is for, whether it was used, and whether a later decision ended
//! it; its text is derived from the id (`protocol::grant::credential`) and stored nowhere. Using a link is a guarded update, whose row
//! count is the answer. Which decision ends which links is decision 0029.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::delete_some,
    error::Error,
    mapping::{Row, time, times},
    schema::links,
};
use crate::protocol::{
    account::link::{LinkContent, LinkKind},
    values::{
        id::Id,
        time::{CLOCK_TOLERANCE, Timestamp},
    },
};

/// A link, as stored.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its primary key.
    pub id: Id,
    /// Its purpose.
    pub kind: LinkKind,
    /// The account it concerns, if any.
    pub user_id: Option<Id>,
    /// The address it was sent to, or that it concerns.
    pub email: Option<String>,
    /// The pseudonymous id of the only browser in which it works.
    pub browser: Option<Vec<u8>>,
    /// Further content.
    pub content: LinkContent,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When a later decision ended it unused.
    pub ended_at: Option<Timestamp>,
}

impl Link {
    /// A link of this kind, created now, without a user yet.
    #[must_use]
    pub fn new(id: Id, kind: LinkKind, now: Timestamp) -> Self {
        Self {
            id,
            kind,
            user_id: None,
            email: None,
            browser: None,
            content: LinkContent::Nothing,
            created_at: now,
            expires_at: now.plus(kind.lifetime()),
            used_at: None,
            ended_at: None,
        }
    }

    /// Whether it has expired; also if the clock was set back since its creation, so that it would be valid for longer than
    /// intended.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now || self.created_at.is_ahead_of(now)
    }

    /// Whether it is still usable.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && self.ended_at.is_none() && !self.is_over(now)
    }
}

/// The column values that end a link. Processes of the previous version do not know `ended_at`, and refuse a link that has
/// `used_at`.
macro_rules! ended {
    ($now:expr) => {
        (links::ended_at.eq(Some($now.millis())), links::used_at.eq(Some($now.millis())))
    };
}

/// Links neither used nor ended; some may have expired.
macro_rules! unspent {
    () => {
        links::used_at.is_null().and(links::ended_at.is_null())
    };
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = links)]
struct LinkRow {
    id: Vec<u8>,
    kind: String,
    user_id: Option<Vec<u8>>,
    email: Option<String>,
    browser: Option<Vec<u8>>,
    content: Option<String>,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
    ended_at: Option<i64>,
}

fn to_value(columns: LinkRow) -> Result<Link> {
    let row = Row { table: "links", name: &columns.created_at };
    let kind = row.name("kind", LinkKind::named(&columns.kind))?;
    Ok(Link {
        id: row.id("id", columns.id)?,
        kind,
        user_id: columns.user_id.map(|id| row.id("user_id", id)).transpose()?,
        email: columns.email,
        browser: columns.browser,
        content: content(&row, kind, columns.content)?,
        created_at: time(columns.created_at),
        expires_at: time(columns.expires_at),
        // An ended link has a time here as well (`ended!`), but was not used.
        used_at: times(columns.used_at).filter(|_| columns.ended_at.is_none()),
        ended_at: times(columns.ended_at),
    })
}

fn content(row: &Row<'_>, kind: LinkKind, text: Option<String>) -> Result<LinkContent> {
    let Some(text) = text else { return Ok(LinkContent::Nothing) };
    Ok(match kind {
        LinkKind::Register | LinkKind::Reset => LinkContent::Request(text),
        LinkKind::Invitation => LinkContent::Invited(row.json("content", &text)?),
        LinkKind::NotMe => LinkContent::NotMe(row.json("content", &text)?),
        LinkKind::ConfirmEmail => return row.name("content", None),
    })
}

fn to_text(content: &LinkContent) -> Result<Option<String>> {
    let json = match content {
        LinkContent::Nothing => return Ok(None),
        LinkContent::Request(query) => return Ok(Some(query.clone())),
        LinkContent::Invited(invited) => serde_json::to_string(invited),
        LinkContent::NotMe(event) => serde_json::to_string(event),
    };
    json.map(Some).map_err(|error| Error::Failed(error.to_string()))
}

/// The link with this id.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Link>> {
    let found = links::table.find(id.as_bytes().as_slice()).select(LinkRow::as_select()).get_result(connection).optional()?;
    found.map(to_value).transpose()
}

/// The stored links of a user, newest first.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<Link>> {
    let theirs = links::table.filter(links::user_id.eq(user.as_bytes().as_slice()));
    let rows: Vec<LinkRow> = theirs.select(LinkRow::as_select()).order(links::id.desc()).load(connection)?;
    rows.into_iter().map(to_value).collect()
}

impl Link {
    /// Whether it was sent to an address of this user: presenting it then shows access to their mailbox, now or earlier.
    #[must_use]
    pub fn went_to(&self, user: Id) -> bool {
        self.user_id == Some(user) && matches!(self.kind, LinkKind::Reset | LinkKind::NotMe)
    }
}

/// Inserts a link.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, link: &Link) -> Result<()> {
    diesel::insert_into(links::table)
        .values((
            links::id.eq(link.id.as_bytes().as_slice()),
            links::kind.eq(link.kind.name()),
            links::user_id.eq(link.user_id.as_ref().map(|id| id.as_bytes().as_slice())),
            links::email.eq(link.email.as_deref()),
            links::browser.eq(link.browser.as_deref()),
            links::content.eq(to_text(&link.content)?),
            links::created_at.eq(link.created_at.millis()),
            links::expires_at.eq(link.expires_at.millis()),
            links::used_at.eq(link.used_at.or(link.ended_at).map(Timestamp::millis)),
            links::ended_at.eq(link.ended_at.map(Timestamp::millis)),
        ))
        .execute(connection)?;
    Ok(())
}

/// The usable links of a user, newest first.
///
/// # Errors
/// Database errors.
pub fn open_of(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<Vec<Link>> {
    let mut theirs = of_user(connection, user)?;
    theirs.retain(|link| link.is_open(now));
    Ok(theirs)
}

/// Marks a link as used: false if it is of another kind, was used or ended, or has expired, as [`Link::is_over`] says. On true, the
/// caller performs its purpose in the same transaction.
pub(super) fn use_up(connection: &mut AnyConnection, id: Id, kind: LinkKind, now: Timestamp) -> Result<bool> {
    let row = links::table
        .find(id.as_bytes().as_slice())
        .filter(links::kind.eq(kind.name()))
        .filter(unspent!())
        .filter(links::created_at.le(now.plus(CLOCK_TOLERANCE).millis()))
        .filter(links::expires_at.gt(now.millis()));
    Ok(diesel::update(row).set(links::used_at.eq(Some(now.millis()))).execute(connection)? == 1)
}

/// Ends every link of a user, of any kind, and returns how many were still usable. Part of a transaction.
pub(super) fn end_all(connection: &mut AnyConnection, user: Id, now: Timestamp) -> Result<usize> {
    let theirs = links::table.filter(links::user_id.eq(user.as_bytes().as_slice())).filter(unspent!());
    // Counted in the database: an unreadable row must not prevent ending all of them.
    let open: i64 = theirs
        .filter(links::created_at.le(now.plus(CLOCK_TOLERANCE).millis()))
        .filter(links::expires_at.gt(now.millis()))
        .count()
        .get_result(connection)?;
    diesel::update(theirs).set(ended!(now)).execute(connection)?;
    usize::try_from(open).map_err(|_| Error::Failed("fewer links than none".into()))
}

/// Ends every link of this kind of a user: a newer one replaces them, or their purpose no longer applies. Part of a transaction.
pub(super) fn end_kind(connection: &mut AnyConnection, user: Id, kind: LinkKind, now: Timestamp) -> Result<()> {
    let theirs =
        links::table.filter(links::user_id.eq(user.as_bytes().as_slice())).filter(links::kind.eq(kind.name())).filter(unspent!());
    diesel::update(theirs).set(ended!(now)).execute(connection)?;
    Ok(())
}

/// Ends every registration link for this address. Part of a transaction.
pub(super) fn end_to_address(connection: &mut AnyConnection, email: &str, now: Timestamp) -> Result<()> {
    let theirs = links::table.filter(links::user_id.is_null()).filter(links::email.eq(email)).filter(unspent!());
    diesel::update(theirs).set(ended!(now)).execute(connection)?;
    Ok(())
}

/// A page of usable invitations, newest first, after `before` in that order, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn invitations(connection: &mut AnyConnection, now: Timestamp, before: Option<Id>, limit: u32) -> Result<Vec<Link>> {
    let before = before.unwrap_or(Id::from_bytes([0xff; 16])); // no id sorts after it
    let open = links::table
        .filter(links::kind.eq(LinkKind::Invitation.name()))
        .filter(links::id.lt(before.as_bytes().as_slice()))
        .filter(unspent!())
        .filter(links::expires_at.gt(now.millis()));
    let rows = open.select(LinkRow::as_select()).order(links::id.desc()).limit(i64::from(limit)).load(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// Ends the invitations of an address, and returns how many were still usable.
///
/// # Errors
/// Database errors.
pub fn withdraw(connection: &mut AnyConnection, email: &str, now: Timestamp) -> Result<usize> {
    let open = links::table
        .filter(links::user_id.is_null())
        .filter(links::kind.eq(LinkKind::Invitation.name()))
        .filter(links::email.eq(email))
        .filter(unspent!())
        .filter(links::expires_at.gt(now.millis()));
    Ok(diesel::update(open).set(ended!(now)).execute(connection)?)
}

/// As [`end_kind`], but only the links bound to this browser.
pub(super) fn end_in(connection: &mut AnyConnection, user: Id, (kind, browser): (LinkKind, &[u8]), now: Timestamp) -> Result<()> {
    let theirs = links::table
        .filter(links::user_id.eq(user.as_bytes().as_slice()))
        .filter(links::kind.eq(kind.name()))
        .filter(links::browser.eq(browser))
        .filter(unspent!());
    diesel::update(theirs).set(ended!(now)).execute(connection)?;
    Ok(())
}

/// Ends a user's links of this kind created at or after this time, and returns them, oldest first. Part of a transaction.
pub(super) fn end_since(
    connection: &mut AnyConnection,
    user: Id,
    (kind, since): (LinkKind, Timestamp),
    now: Timestamp,
) -> Result<Vec<Link>> {
    let theirs = links::table
        .filter(links::user_id.eq(user.as_bytes().as_slice()))
        .filter(links::kind.eq(kind.name()))
        .filter(links::created_at.ge(since.millis()))
        .filter(unspent!());
    let rows: Vec<LinkRow> = theirs.select(LinkRow::as_select()).order((links::created_at, links::id)).load(connection)?;
    diesel::update(theirs).set(ended!(now)).execute(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// How many links of this kind were created for a user since this time, used or not.
pub(super) fn count_since(connection: &mut AnyConnection, user: Id, kind: LinkKind, since: Timestamp) -> Result<i64> {
    let theirs = links::table
        .filter(links::user_id.eq(user.as_bytes().as_slice()))
        .filter(links::kind.eq(kind.name()))
        .filter(links::created_at.gt(since.millis()));
    Ok(theirs.count().get_result(connection)?)
}

/// Deletes links of a user, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_of_user(connection: &mut AnyConnection, user: Id, limit: u32) -> Result<usize> {
    let theirs = links::table.filter(links::user_id.eq(user.as_bytes().as_slice()));
    let keys: Vec<Vec<u8>> = theirs.select(links::id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(links::table.filter(links::id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

/// Deletes links that expired before this time, at most `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget_before(connection: &mut AnyConnection, before: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, links, (id: Vec<u8>, expires_at), links::expires_at.lt(before.millis()), limit)
}
