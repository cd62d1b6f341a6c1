//! The table `subjects`: pairwise subjects (OpenID Connect Core §8.1), and subjects of another provider that were kept. Pairwise ones
//! are random and stored, rather than computed, so that a change of the server secret never changes a user's subject. A row is never
//! deleted: a subject is never another user's (OpenID Connect Core §5.7).

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    error::Error,
    mapping::Row,
    schema::{clients, subjects},
};
use crate::protocol::values::id::Id;

/// In place of the sector: for every client that gets no pairwise subjects. No host name is empty.
pub const PUBLIC: &str = "";

/// Stores a subject of another provider. Part of a transaction.
///
/// # Errors
/// [`Error::Conflict`] if the subject is, or was, another user's, or a client has it as its id, which is the `sub` of its own tokens
/// (RFC 9700 §4.15).
pub(super) fn keep(connection: &mut AnyConnection, user: Id, sector: &str, subject: &str) -> Result<()> {
    if is_client_id(connection, subject)? {
        return Err(Error::Conflict(format!("a client has the id '{subject}'")));
    }
    let row = (subjects::subject.eq(subject), subjects::user_id.eq(user.as_bytes().as_slice()), subjects::sector.eq(sector));
    diesel::insert_into(subjects::table).values(row).execute(connection)?;
    Ok(())
}

fn is_client_id(connection: &mut AnyConnection, text: &str) -> Result<bool> {
    Ok(clients::table.find(text).count().get_result::<i64>(connection)? > 0)
}

/// Whether a user has this id and is named by it: by nothing else at clients without pairwise subjects.
///
/// # Errors
/// Database errors.
pub fn is_named_by_id(connection: &mut AnyConnection, user: Id) -> Result<bool> {
    let kept = subjects::table.filter(subjects::user_id.eq(user.as_bytes().as_slice())).filter(subjects::sector.eq(PUBLIC));
    Ok(kept.count().get_result::<i64>(connection)? == 0)
}

/// The user's subject in a sector: the existing one, or else `new`, which is stored for good.
///
/// # Errors
/// Database errors.
pub fn find_or_insert(connection: &mut AnyConnection, user: Id, sector: &str, new: String) -> Result<String> {
    let find = |connection: &mut AnyConnection| {
        let key = user.as_bytes().as_slice();
        let found = subjects::table.filter(subjects::user_id.eq(key)).filter(subjects::sector.eq(sector));
        found.select(subjects::subject).get_result::<String>(connection).optional()
    };
    if let Some(subject) = find(connection)? {
        return Ok(subject);
    }
    let row = (subjects::subject.eq(&new), subjects::user_id.eq(user.as_bytes().as_slice()), subjects::sector.eq(sector));
    match diesel::insert_into(subjects::table).values(row).execute(connection).map_err(Error::from) {
        Ok(_) => Ok(new),
        // Another process was first.
        Err(Error::Conflict(_)) => find(connection)?.ok_or_else(|| Error::corrupt("subjects", "subject", user)),
        Err(error) => Err(error),
    }
}

/// The user of a stored subject, and its sector.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, subject: &str) -> Result<Option<(Id, String)>> {
    let found = subjects::table.find(subject).select((subjects::user_id, subjects::sector));
    let found = found.get_result::<(Vec<u8>, String)>(connection).optional()?;
    found.map(|(bytes, sector)| Ok((Row { table: "subjects", name: &subject }.id("user_id", bytes)?, sector))).transpose()
}

/// The stored subjects of a user, each with its sector.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<(String, String)>> {
    let theirs = subjects::table.filter(subjects::user_id.eq(user.as_bytes().as_slice()));
    Ok(theirs.select((subjects::sector, subjects::subject)).order(subjects::sector).load(connection)?)
}
