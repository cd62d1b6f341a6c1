//! Normalization of e-mail addresses that the previous version stored merely in lower case, into the one spelling used for lookup
//! and delivery (`protocol::account::email_address`): those of users, and those of links in e-mails. It works in batches, and only once: the
//! table `meta` records its completion. If another user already has the address, the row is kept as it is, and reported.

use std::collections::HashSet;

use diesel::prelude::*;

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::Row,
    meta,
    schema::{links, users},
};
use crate::protocol::{
    account::login_name::LoginName,
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// How many rows are read at once, and written in one transaction.
const BATCH: i64 = 1_000;
/// How long after the first completion each start checks again, because processes of the previous version may still write during a
/// rolling upgrade. The start of the process that replaces the last of them finds what it wrote.
const WHILE_REPLACED: Span = Span::from_seconds(86_400);

/// The result.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The number of users' addresses rewritten.
    pub users: usize,
    /// The number of other links' addresses rewritten.
    pub links: usize,
    /// The users whose address is still in an old spelling.
    pub taken: Vec<Taken>,
}

/// A user whose normalized address already belongs to another user: they cannot be found by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The user.
    pub user: Id,
    /// Their user name, by which they can be found.
    pub username: String,
    /// The user who has the address.
    pub holder: Id,
}

/// A user, or a link, with the stored address.
struct Kept {
    id: Id,
    email: String,
}

impl Kept {
    fn new(table: &'static str, (id, email): (Vec<u8>, String)) -> Result<Self> {
        Ok(Self { id: Row { table, name: &"with an address" }.id("id", id)?, email })
    }

    /// The spelling it is looked up by.
    fn found_by(&self) -> LoginName {
        LoginName::parse(&self.email)
    }

    fn is_old(&self) -> bool {
        self.found_by().as_str() != self.email
    }
}

/// Rewrites the remaining addresses. A day after completion it only reads one row of `meta`. While any address cannot be rewritten,
/// each call checks all of them again and reports it.
///
/// # Errors
/// Database errors: what was rewritten stays rewritten, and the next call continues.
pub fn rewrite(connection: &mut AnyConnection, now: Timestamp) -> Result<Rewritten> {
    let done = meta::spellings_rewritten(connection)?;
    if done.is_some_and(|done| !done.is_ahead_of(now) && now.since(done) >= WHILE_REPLACED) {
        return Ok(Rewritten::default());
    }
    rewrite_all(connection, now)
}

/// As [`rewrite`], but checks all addresses however long ago it was completed: a process of an earlier version may have written
/// others since.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_all(connection: &mut AnyConnection, now: Timestamp) -> Result<Rewritten> {
    let done = meta::spellings_rewritten(connection)?;
    let mut rewritten = Rewritten::default();
    let mut left = HashSet::new();
    let mut after = None;
    while let Some(batch) = users_after(connection, after)? {
        after = batch.last().map(|last| last.id);
        for old in rewrite_users(connection, batch, now, &mut rewritten)? {
            rewritten.taken.extend(taken(connection, &old)?);
            left.insert(old.email);
        }
    }
    rewritten.links = rewrite_links(connection, &left)?;
    match (rewritten.taken.is_empty(), done.filter(|done| !done.is_ahead_of(now))) {
        (true, None) => meta::note_spellings_rewritten(connection, Some(now))?,
        (false, _) if done.is_some() => meta::note_spellings_rewritten(connection, None)?,
        _ => {}
    }
    Ok(rewritten)
}

/// The lower bound of the next batch.
fn bytes(after: Option<&Id>) -> &[u8] {
    after.map_or(&[], |id| id.as_bytes().as_slice())
}

/// The next users by id; `None` after the last.
fn users_after(connection: &mut AnyConnection, after: Option<Id>) -> Result<Option<Vec<Kept>>> {
    let next = users::table.filter(users::id.gt(bytes(after.as_ref()))).order(users::id).limit(BATCH);
    let next = next.filter(users::email.is_not_null()).select((users::id, users::email.assume_not_null()));
    let rows: Vec<(Vec<u8>, String)> = next.load(connection)?;
    let rows: Vec<_> = rows.into_iter().map(|row| Kept::new("users", row)).collect::<Result<_>>()?;
    Ok((!rows.is_empty()).then_some(rows))
}

/// Rewrites the addresses of a batch that are in another spelling: all in one transaction, or one by one if another user has one of
/// the addresses. Returns the users whose address stays.
fn rewrite_users(connection: &mut AnyConnection, batch: Vec<Kept>, now: Timestamp, to: &mut Rewritten) -> Result<Vec<Kept>> {
    let old: Vec<_> = batch.into_iter().filter(Kept::is_old).collect();
    if old.is_empty() {
        return Ok(old);
    }
    let together = dialect::together(connection, |connection| {
        old.iter().try_fold(0, |rows, old| Ok::<_, Error>(rows + rewrite_user(connection, old, now)?))
    });
    match together {
        Ok(rows) => {
            to.users += rows;
            return Ok(Vec::new());
        }
        Err(Error::Conflict(_)) => {}
        Err(error) => return Err(error),
    }
    let mut left = Vec::new();
    for old in old {
        match dialect::together(connection, |connection| rewrite_user(connection, &old, now)) {
            Ok(rows) => to.users += rows,
            Err(Error::Conflict(_)) => left.push(old),
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

/// Rewrites one user's address, and the links sent to it, unless it was changed meanwhile. Part of a transaction.
fn rewrite_user(connection: &mut AnyConnection, old: &Kept, now: Timestamp) -> Result<usize> {
    let new = old.found_by();
    let row = users::table.find(old.id.as_bytes().as_slice()).filter(users::email.eq(&old.email));
    let set = (users::email.eq(new.as_str()), users::updated_at.eq(now.millis()));
    let rows = diesel::update(row).set(set).execute(connection)?;
    let theirs = links::table.filter(links::user_id.eq(old.id.as_bytes().as_slice())).filter(links::email.eq(&old.email));
    diesel::update(theirs).set(links::email.eq(new.as_str())).execute(connection)?;
    Ok(rows)
}

/// The report about a user whose address stays; `None` if it, or the other user's, was changed meanwhile.
fn taken(connection: &mut AnyConnection, old: &Kept) -> Result<Option<Taken>> {
    let user = users::table.find(old.id.as_bytes().as_slice()).filter(users::email.eq(&old.email));
    let username = user.select(users::username).first::<String>(connection).optional()?;
    let new = old.found_by();
    let holder = users::table.filter(users::email.eq(new.as_str())).select(users::id);
    let holder = holder.first::<Vec<u8>>(connection).optional()?;
    let (Some(username), Some(holder)) = (username, holder) else { return Ok(None) };
    let holder = Row { table: "users", name: &username }.id("id", holder)?;
    Ok(Some(Taken { user: old.id, username, holder }))
}

/// Rewrites the addresses of all other links, except those that users still have in an old spelling: a password reset link works
/// only while its address is the user's.
fn rewrite_links(connection: &mut AnyConnection, left: &HashSet<String>) -> Result<usize> {
    let (mut rewritten, mut after) = (0, None::<Id>);
    loop {
        let next = links::table.filter(links::id.gt(bytes(after.as_ref()))).filter(links::email.is_not_null());
        let next = next.order(links::id).limit(BATCH).select((links::id, links::email.assume_not_null()));
        let rows: Vec<(Vec<u8>, String)> = next.load(connection)?;
        let rows: Vec<_> = rows.into_iter().map(|row| Kept::new("links", row)).collect::<Result<_>>()?;
        let Some(last) = rows.last() else { return Ok(rewritten) };
        after = Some(last.id);
        let old: Vec<_> = rows.into_iter().filter(|link| link.is_old() && !left.contains(&link.email)).collect();
        rewritten += dialect::together(connection, |connection| {
            old.iter().try_fold(0, |rows, old| {
                let row = links::table.find(old.id.as_bytes().as_slice());
                Ok::<_, Error>(rows + diesel::update(row).set(links::email.eq(old.found_by().as_str())).execute(connection)?)
            })
        })?;
    }
}
