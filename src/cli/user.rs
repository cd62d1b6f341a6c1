//! `symbolon user`: the people who sign in. What a user name and an e-mail address may look like is decided
//! here. What is kept of a person is `store::people`.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer, Error, Work, new_password,
    output::{self, Format, is_unsafe, time},
    refuse,
};
use crate::{
    passwords::{PasswordError, Passwords},
    protocol::{id::Id, person},
    random,
    store::{self, people, people::Person, sign_in_failures},
};

const MAX_USERNAME: usize = 64;
const MAX_DISPLAY_NAME: usize = 100;
/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const MAX_EMAIL: usize = 254;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a person; asks for their password
    Add {
        /// The name to sign in with: 1 to 64 characters, kept in lower case
        #[arg(value_name = "NAME")]
        username: String,
        /// The e-mail address, with which they can sign in as well
        #[arg(long)]
        email: String,
        /// The address is known to be theirs: apps are told so
        #[arg(long)]
        email_verified: bool,
        /// The name shown
        #[arg(long = "name", value_name = "DISPLAY")]
        display_name: Option<String>,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        format: Format,
    },
    /// List everyone
    List(Format),
    /// Switch an account off: ends its sessions and what it allowed clients
    Disable(Who),
    /// Switch an account on again; what had ended stays ended
    Enable(Who),
    /// Set a new password: ends the person's sessions and what they allowed clients
    SetPassword {
        #[command(flatten)]
        who: Who,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Who {
    /// The user name or e-mail address
    #[arg(value_name = "NAME")]
    login: String,
    #[command(flatten)]
    format: Format,
}

/// A person, as printed.
#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    username: &'a str,
    email: &'a str,
    email_verified: bool,
    name: Option<&'a str>,
    disabled: bool,
    created: String,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { username, email, email_verified, display_name, password_stdin, format } => {
                let claims = person::Person {
                    id: random::id(work.now),
                    username: check_username(&username)?,
                    display_name: display_name.map(|name| check_display_name(&name)).transpose()?,
                    email: check_email(&email)?,
                    email_verified,
                    roles: vec![],
                    groups: vec![],
                    attributes: serde_json::Map::new(),
                    updated_at: work.now,
                };
                add(work, claims, password_stdin, format)
            }
            Self::List(format) => list(&people::all(work.connection)?, format),
            Self::Disable(who) => {
                let id = find(work, &who.login)?.claims.id;
                people::disable(work.connection, id, work.now)?;
                said(work, &who, "is switched off; their sessions and grants have ended")
            }
            Self::Enable(who) => {
                let id = find(work, &who.login)?.claims.id;
                people::enable(work.connection, id)?;
                forget_failures(work, id)?;
                said(work, &who, "is switched on")
            }
            Self::SetPassword { who, password_stdin } => {
                let person = find(work, &who.login)?;
                let hash = hash(work, &new_password::read(&person.claims.username, password_stdin)?)?;
                people::reset_password(work.connection, person.claims.id, &hash, work.now)?;
                forget_failures(work, person.claims.id)?;
                said(work, &who, "has a new password; their sessions and grants have ended")
            }
        }
    }
}

fn add(work: &mut Work<'_>, claims: person::Person, password_stdin: bool, format: Format) -> Answer {
    let taken = |what: &str, value: &str| {
        refuse(format!("{what} '{value}': expected one that is free, received one that another user has"))
    };
    if people::find_by_login(work.connection, &claims.username)?.is_some() {
        return taken("user name", &claims.username);
    }
    if people::find_by_login(work.connection, &claims.email)?.is_some() {
        return taken("e-mail address", &claims.email);
    }
    let hash = hash(work, &new_password::read(&claims.username, password_stdin)?)?;
    let person = Person { claims, password_hash: Some(hash), disabled_at: None, created_at: work.now };
    match people::insert(work.connection, &person) {
        // Someone else added them while the password was typed.
        Err(store::Error::Conflict(_)) => {
            taken("user name or e-mail address", &format!("{}', '{}", person.claims.username, person.claims.email))
        }
        inserted => {
            inserted?;
            format.answer(&shown(&person), || output::clean(&format!("user {} was added", person.claims.username)) + "\n")
        }
    }
}

fn list(everyone: &[Person], format: Format) -> Answer {
    let row = |person: &Person| {
        let Shown { username, email, name, disabled, created, .. } = shown(person);
        let state = if disabled { "off" } else { "on" };
        [username.to_owned(), email.to_owned(), name.unwrap_or_default().to_owned(), state.to_owned(), created]
    };
    let text = || output::table(["USER", "EMAIL", "NAME", "ACCOUNT", "CREATED"], &everyone.iter().map(row).collect::<Vec<_>>());
    format.answer(&everyone.iter().map(shown).collect::<Vec<_>>(), text)
}

/// What was counted against the person while others guessed does not slow down their next sign-in.
fn forget_failures(work: &mut Work<'_>, person: Id) -> Result<(), Error> {
    Ok(sign_in_failures::clear(work.connection, &work.config.secrets.person_counter(person))?)
}

/// The person with this user name or e-mail address.
pub fn find(work: &mut Work<'_>, login: &str) -> Result<Person, Error> {
    match people::find_by_login(work.connection, login)? {
        Some(person) => Ok(person),
        None => refuse(format!("user '{login}': there is no user of this name or e-mail address (symbolon user list shows all)")),
    }
}

fn said(work: &mut Work<'_>, who: &Who, what: &str) -> Answer {
    let person = find(work, &who.login)?;
    who.format.answer(&shown(&person), || output::clean(&format!("user {} {what}", person.claims.username)) + "\n")
}

fn shown(person: &Person) -> Shown<'_> {
    Shown {
        id: person.claims.id.to_string(),
        username: &person.claims.username,
        email: &person.claims.email,
        email_verified: person.claims.email_verified,
        name: person.claims.display_name.as_deref(),
        disabled: person.disabled_at.is_some(),
        created: time(person.created_at),
    }
}

fn hash(work: &Work<'_>, password: &str) -> Result<String, Error> {
    let hashed = Passwords::new(&work.config.passwords).and_then(|passwords| passwords.hash(password));
    hashed.map_err(|error| match error {
        PasswordError::Failed(why) => Error::Refused(format!("password: {why}")),
        PasswordError::Busy => Error::Refused("password: too many are being hashed".into()),
    })
}

/// Without '@' it can be told from an e-mail address.
fn check_username(name: &str) -> Result<String, Error> {
    let name = name.to_lowercase();
    let good = (1..=MAX_USERNAME).contains(&name.chars().count())
        && !name.contains(|c: char| is_unsafe(c) || c.is_whitespace() || c == '@');
    if good {
        Ok(name)
    } else {
        refuse(format!("user name '{name}': expected 1 to {MAX_USERNAME} characters without spaces, control characters and '@'"))
    }
}

fn check_email(email: &str) -> Result<String, Error> {
    let lower = email.to_lowercase();
    let parts: Vec<_> = lower.split('@').collect();
    let good = parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && lower.len() <= MAX_EMAIL
        && !lower.contains(|c: char| is_unsafe(c) || c.is_whitespace());
    if good {
        Ok(lower)
    } else {
        refuse(format!("e-mail address '{email}': expected name@host of at most {MAX_EMAIL} characters, without spaces"))
    }
}

fn check_display_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let good = (1..=MAX_DISPLAY_NAME).contains(&name.chars().count()) && !name.contains(is_unsafe);
    if good {
        Ok(name.to_owned())
    } else {
        refuse(format!("name '{name}': expected 1 to {MAX_DISPLAY_NAME} characters, none of them a control character"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_checked_and_kept_in_lower_case() {
        for (good, kept) in
            [("alice", "alice"), ("Alice.B-1", "alice.b-1"), ("ÉMILE", "émile"), (&"x".repeat(64), &"x".repeat(64))]
        {
            assert_eq!(check_username(good).unwrap(), kept);
        }
        for bad in ["", " ", "a b", "a@b", "a\tb", "a\u{1b}[2J", "a\u{202e}b", "a\u{a0}b", &"x".repeat(65)] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_email("Alice@Example.com").unwrap(), "alice@example.com");
        for bad in ["", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a\0@b", &format!("{}@example.com", "x".repeat(250))]
        {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_display_name(" Alice B. ").unwrap(), "Alice B.");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(101)] {
            assert!(check_display_name(bad).is_err(), "{bad:?}");
        }
    }
}
