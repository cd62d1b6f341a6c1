//! `symbolon user import`: imports users of another system from JSON lines, with their password hashes. All of them are added or
//! none; each faulty line is reported by its number. Which hashes are accepted is `passwords`.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, Read},
    path::Path,
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{Answer, Error, Work, output::Format, refuse};
use crate::{
    config::named_file::{self, without_mark},
    operations::{
        Actor, Conflict, OperationError,
        details::DetailChanges,
        user_changes::{self, FromElsewhere, ImportedUser, NewUser},
    },
};

/// The maximum length of a line, in bytes.
const MAX_LINE: usize = 256 * 1024;
/// The maximum number of faults reported.
const MISTAKES: usize = 20;

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    username: String,
    /// It must be said that there is none.
    #[serde(deserialize_with = "Option::deserialize")]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    name: Option<String>,
    password_hash: Option<Value>,
    sub: Option<String>,
    #[serde(default)]
    pairwise_subs: BTreeMap<String, String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    attributes: Map<String, Value>,
}

/// The state while reading the file.
#[derive(Default)]
struct Reading {
    /// The users.
    everyone: Vec<ImportedUser>,
    /// The line number of each user.
    lines: Vec<usize>,
    /// The line number of each user name and address, and of each subject: users sign in with either of the first two.
    taken: HashMap<(bool, String), usize>,
    mistakes: Vec<String>,
    /// Whether users without an e-mail address are added.
    allows_no_email: bool,
}

pub fn run(work: &mut Work<'_>, file: &Path, allows_no_email: bool, format: Format) -> Answer {
    let input = named_file::lines(file).map_err(|why| format!("file: {why}"))?;
    let mut reading = Reading { allows_no_email, ..Reading::default() };
    read(work, input, &mut reading)?;
    if !reading.mistakes.is_empty() {
        let more = reading.mistakes.len().saturating_sub(MISTAKES);
        reading.mistakes.truncate(MISTAKES);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        return refuse(format!("nothing was imported\n{}{more}", reading.mistakes.join("\n")));
    }
    let imported = match user_changes::import(work, Actor::OPERATOR, &reading.everyone) {
        Err(OperationError::Conflict(why @ Conflict::Imported { at, .. })) => {
            let line = reading.lines.get(at).copied().unwrap_or_default();
            return refuse(format!("nothing was imported\nline {line}: {why}"));
        }
        imported => imported?,
    };
    let added = imported.added;
    let text = || if added == 1 { "imported 1 user\n".into() } else { format!("imported {added} users\n") };
    format.answer(&imported, text)
}

fn read(work: &Work<'_>, mut input: impl BufRead, reading: &mut Reading) -> Result<(), Error> {
    for number in 1_usize.. {
        let mut line = Vec::new();
        let most = (MAX_LINE as u64).saturating_add(1);
        let length = input.by_ref().take(most).read_until(b'\n', &mut line).map_err(|error| format!("line {number}: {error}"))?;
        if length == 0 {
            break;
        }
        if length > MAX_LINE {
            reading.mistakes.push(format!("line {number}: expected at most {MAX_LINE} bytes; nothing after it was read"));
            break;
        }
        let text = if number == 1 { without_mark(&line) } else { &line };
        match std::str::from_utf8(text) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => match user(work, line).and_then(|user| reading.add(user, number)) {
                Ok(()) => {}
                Err(Error::Refused(why)) => reading.mistakes.push(format!("line {number}: {why}")),
                Err(error) => return Err(error),
            },
            Err(_) => reading.mistakes.push(format!("line {number}: expected UTF-8")),
        }
    }
    Ok(())
}

impl Reading {
    fn add(&mut self, user: ImportedUser, number: usize) -> Result<(), Error> {
        let claims = &user.user.claims;
        if claims.address().is_none() && !self.allows_no_email {
            return refuse("email: expected an address, received null; --allow-no-email accepts users without one");
        }
        let address = claims.address().map(|email| ("e-mail address", email.to_owned()));
        let names = [("user name", claims.username.clone())].into_iter().chain(address);
        let subjects = user.pairwise.iter().map(|(_, subject)| subject.clone()).chain([claims.sub()]);
        for (what, value) in names.chain(subjects.map(|subject| ("subject", subject))) {
            let key = (what == "subject", value);
            if let Some(line) = self.taken.get(&key).filter(|line| **line != number || key.0) {
                return refuse(format!("{what} '{}' is already used in line {line}", key.1));
            }
            self.taken.insert(key, number);
        }
        self.everyone.push(user);
        self.lines.push(number);
        Ok(())
    }
}

/// Parses the user of a line.
fn user(work: &Work<'_>, line: &str) -> Result<ImportedUser, Error> {
    // By way of an object: an array would be read as the members in their order.
    let entry = serde_json::from_str::<Map<String, Value>>(line).and_then(|members| Entry::deserialize(Value::Object(members)));
    let entry: Entry = entry.map_err(|error| {
        // Each line is a document of its own: the caller adds its number.
        let text = error.to_string();
        format!("expected a JSON object: {}", text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why))
    })?;
    let details = DetailChanges {
        roles: Some(entry.roles),
        groups: Some(entry.groups),
        attributes: entry.attributes.into_iter().map(|(name, value)| (name, Some(value))).collect(),
    };
    let new = NewUser {
        username: entry.username,
        display_name: entry.name,
        email: entry.email,
        email_verified: entry.email_verified,
        details,
    };
    let there = FromElsewhere { password_hash: entry.password_hash, subject: entry.sub, pairwise_subjects: entry.pairwise_subs };
    Ok(user_changes::imported(work, &new, &there)?)
}
