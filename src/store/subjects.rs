//! The table `subjects`: pairwise subjects (OpenID Connect Core §8.1). They are random and stored, rather than computed, so that a
//! change of the server secret never changes a user's subject.

use diesel::prelude::*;

use super::{AnyConnection, Result, error::Error, mapping::Row, schema::subjects};
use crate::protocol::values::id::Id;

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

/// The user of a pairwise subject, and its sector.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, subject: &str) -> Result<Option<(Id, String)>> {
    let found = subjects::table.find(subject).select((subjects::user_id, subjects::sector));
    let found = found.get_result::<(Vec<u8>, String)>(connection).optional()?;
    found.map(|(bytes, sector)| Ok((Row { table: "subjects", name: &subject }.id("user_id", bytes)?, sector))).transpose()
}

/// The pairwise subjects of a user, each with its sector.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<(String, String)>> {
    let theirs = subjects::table.filter(subjects::user_id.eq(user.as_bytes().as_slice()));
    Ok(theirs.select((subjects::sector, subjects::subject)).order(subjects::sector).load(connection)?)
}
