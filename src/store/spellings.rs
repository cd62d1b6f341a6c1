//! Rewrites e-mail addresses that the version before kept in lower case only into the one spelling in which they are looked up and
//! written to (`protocol::email_address`): those of users, and those of links in mails. It works in batches, and only once: the
//! table `meta` says when it was done. Where another user has the address already, the row stays as it is, and is reported.

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
    id::Id,
    login_name::LoginName,
    time::{Span, Timestamp},
};

/// How many rows are read at once, and written in one transaction.
const BATCH: i64 = 1_000;
/// For how long after the first time each start looks again, because processes of the version before may still write. When one of
/// them has ended, the start of the process that replaces it finds what it wrote.
const WHILE_REPLACED: Span = Span::from_seconds(86_400);

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// How many users' addresses were rewritten.
    pub users: usize,
    /// How many addresses of other links were.
    pub links: usize,
    /// Who still has an address in an old spelling.
    pub taken: Vec<Taken>,
}

/// A user whose address, in its one spelling, is another user's already: they are not found by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The user.
    pub user: Id,
    /// Their user name, by which they are found.
    pub username: String,
    /// Who has the address.
    pub holder: Id,
}

/// A user, or a link, with the address that is kept.
struct Kept {
    id: Id,
    email: String,
}

impl Kept {
    fn new(table: &'static str, (id, email): (Vec<u8>, String)) -> Result<Self> {
        Ok(Self { id: Row { table, name: &"with an address" }.id("id", id)?, email })
    }

    /// The spelling by which it is found.
    fn found_by(&self) -> LoginName {
        LoginName::parse(&self.email)
    }

    fn is_old(&self) -> bool {
        self.found_by().as_str() != self.email
    }
}

/// Rewrites what is left to rewrite. A day after everything was rewritten it only reads one row of `meta`. As long as an address
/// cannot be rewritten, each call looks at all of them again and reports it.
///
/// # Errors
/// The database's: what was rewritten stays so, and the next call goes on.
pub fn rewrite(connection: &mut AnyConnection, now: Timestamp) -> Result<Rewritten> {
    let done = meta::spellings_rewritten(connection)?;
    if done.is_some_and(|done| !done.is_ahead_of(now) && now.since(done) >= WHILE_REPLACED) {
        return Ok(Rewritten::default());
    }
    rewrite_all(connection, now)
}

/// As [`rewrite`], and looks at all addresses however long ago they were rewritten: a process of a former version may have written
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

/// Where the next batch begins.
fn bytes(after: Option<&Id>) -> &[u8] {
    after.map_or(&[], |id| id.as_bytes().as_slice())
}

/// The next users by id; `None` behind the last.
fn users_after(connection: &mut AnyConnection, after: Option<Id>) -> Result<Option<Vec<Kept>>> {
    let next = users::table.filter(users::id.gt(bytes(after.as_ref()))).order(users::id).limit(BATCH);
    let rows: Vec<(Vec<u8>, String)> = next.select((users::id, users::email)).load(connection)?;
    let rows: Vec<_> = rows.into_iter().map(|row| Kept::new("users", row)).collect::<Result<_>>()?;
    Ok((!rows.is_empty()).then_some(rows))
}

/// Rewrites those of a batch that are in another spelling: all in one transaction, or one by one where another user has one of
/// the addresses. The value is those that stay.
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

/// Rewrites one user's address, with the links that went to it, unless it was changed meanwhile. Part of a transaction.
fn rewrite_user(connection: &mut AnyConnection, old: &Kept, now: Timestamp) -> Result<usize> {
    let new = old.found_by();
    let row = users::table.find(old.id.as_bytes().as_slice()).filter(users::email.eq(&old.email));
    let set = (users::email.eq(new.as_str()), users::updated_at.eq(now.millis()));
    let rows = diesel::update(row).set(set).execute(connection)?;
    let theirs = links::table.filter(links::user_id.eq(old.id.as_bytes().as_slice())).filter(links::email.eq(&old.email));
    diesel::update(theirs).set(links::email.eq(new.as_str())).execute(connection)?;
    Ok(rows)
}

/// What is reported of a user whose address stays; `None` where it was changed meanwhile, or the other user's was.
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

/// Rewrites the addresses of all other links, except those that users still have in an old spelling: a link to set a password
/// works as long as its address is the user's.
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
