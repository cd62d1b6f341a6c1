//! `symbolon user`: the users who sign in. Their rows are `store::users`; the syntax of their details is `details`.

mod activity;
mod details;
mod end_links;
mod import;
mod invite;
mod recovery;
mod set;
mod shown;
mod sign_in_again;

use std::path::PathBuf;

use clap::Subcommand;

use super::{
    Answer, Error, Work, new_password,
    output::{self, Format},
    refuse,
};
use crate::{
    flows::sign_in::throttle,
    passwords::{PasswordError, Passwords, rules::Rules},
    protocol::{
        account::{
            activity::{Activity, UNKNOWN_ORIGIN},
            login_name::LoginName,
            user,
        },
        secrets::sensitive::Sensitive,
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{
        self, account,
        activity::Event,
        users::{self, User},
    },
};
use details::{Details, check_display_name, check_email, check_username};
use shown::Shown;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user; asks for their password
    Add {
        /// The user name: 1 to 64 characters, stored in lower case
        #[arg(value_name = "NAME")]
        username: String,
        /// The e-mail address; they can also sign in with it
        #[arg(long)]
        email: String,
        /// Mark the address as verified; apps see this
        #[arg(long)]
        email_verified: bool,
        /// The display name
        #[arg(long = "name", value_name = "DISPLAY")]
        display_name: Option<String>,
        #[command(flatten)]
        details: Details,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Import users from a file, with password hashes from another system: all of them, or none
    Import {
        /// JSON objects, one per line, with username, email and optional fields; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        format: Format,
    },
    /// List all users
    List(Format),
    /// Show a user's data, active sessions and grants, and unused links sent by e-mail
    Show(Who),
    /// Show a user's activity, newest first
    Activity {
        #[command(flatten)]
        who: Who,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Change a user's details; lists are replaced as a whole
    Set {
        #[command(flatten)]
        options: set::Options,
        #[command(flatten)]
        format: Format,
    },
    /// Disable a user: ends their sessions and revokes their grants
    Disable(Who),
    /// Enable a user again; ended sessions and grants stay ended
    Enable(Who),
    /// Set a new password: ends the user's sessions and revokes their grants
    SetPassword {
        #[command(flatten)]
        who: Who,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Require a new sign-in from one user, or from everyone who signed in before a given time
    SignInAgain(sign_in_again::Options),
    /// Remove a user's password, end their sessions and revoke their grants; only they can set a new one, by e-mail
    Reset(Who),
    /// Revoke all unused links sent to a user by e-mail (password reset, address confirmation, "this was not me")
    EndLinks(Who),
    /// Invite the owner of an e-mail address to create an account
    Invite {
        #[command(flatten)]
        options: invite::Options,
        #[command(flatten)]
        format: Format,
    },
    /// List open invitations, newest first
    Invitations(Format),
    /// Withdraw an invitation
    Uninvite {
        /// The e-mail address
        #[arg(value_name = "EMAIL")]
        email: String,
        #[command(flatten)]
        format: Format,
    },
    /// Delete a user: ends their sessions and revokes their grants; the subject identifier is never reused
    Delete(Who),
}

#[derive(Debug, clap::Args)]
pub struct Who {
    /// The user name or e-mail address
    #[arg(value_name = "NAME")]
    login: String,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { username, email, email_verified, display_name, details, password_stdin, format } => {
                let mut claims = user::User {
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
                details.give(&mut claims, &work.config.scope_claims)?;
                add(work, claims, password_stdin, format)
            }
            Self::Import { file, format } => import::run(work, &file, format),
            Self::List(format) => list(&users::all(work.connection)?, format),
            Self::Show(who) => {
                let user = find(work, &who.login)?;
                let shown = shown::Whole::read(work, &user)?;
                who.format.answer(&shown, || output::fields(&shown.fields()))
            }
            Self::Activity { who, limit } => activity::run(work, &who, limit),
            Self::SignInAgain(options) => options.run(work),
            Self::Reset(who) => recovery::run(work, &who),
            Self::EndLinks(who) => end_links::run(work, &who),
            Self::Invite { options, format } => options.run(work, format),
            Self::Invitations(format) => invite::list(work, format),
            Self::Uninvite { email, format } => invite::withdraw(work, &email, format),
            Self::Set { options, format } => options.run(work, format),
            Self::Delete(who) => delete(work, &who),
            Self::Disable(who) => {
                let id = find(work, &who.login)?.claims.id;
                account::disable(work.connection, &operated(work.now, id, Activity::Disabled))?;
                said(work, &who, "was disabled; their sessions and grants have ended")
            }
            Self::Enable(who) => {
                let id = find(work, &who.login)?.claims.id;
                account::enable(work.connection, &operated(work.now, id, Activity::Enabled))?;
                forget_failures(work, id)?;
                said(work, &who, "was enabled")
            }
            Self::SetPassword { who, password_stdin } => {
                let user = find(work, &who.login)?;
                let hash = hash(work, &new_password::read(&Rules::new(work.config), &user.claims, password_stdin)?)?;
                let event = operated(work.now, user.claims.id, Activity::PasswordReset);
                account::reset_password(work.connection, &hash, &event)?;
                forget_failures(work, user.claims.id)?;
                said(work, &who, "has a new password; their sessions and grants have ended")
            }
        }
    }
}

fn add(work: &mut Work<'_>, claims: user::User, password_stdin: bool, format: Format) -> Answer {
    if users::find_by_login(work.connection, &LoginName::parse(&claims.username))?.is_some() {
        return taken("user name", &claims.username);
    }
    if users::find_by_login(work.connection, &LoginName::parse(&claims.email))?.is_some() {
        return taken("e-mail address", &claims.email);
    }
    let hash = hash(work, &new_password::read(&Rules::new(work.config), &claims, password_stdin)?)?;
    let user = User {
        claims,
        password_hash: Some(hash),
        disabled_at: None,
        created_at: work.now,
        signed_in_at: None,
        sign_in_again_at: None,
    };
    match account::add(work.connection, &user, random::id(work.now)) {
        // Another operator added them while the password was typed.
        Err(store::Error::Conflict(_)) => {
            taken("user name or e-mail address", &format!("{}', '{}", user.claims.username, user.claims.email))
        }
        inserted => {
            inserted?;
            format.answer(&Shown::new(&user), || output::clean(&format!("user {} was added", user.claims.username)) + "\n")
        }
    }
}

fn list(everyone: &[User], format: Format) -> Answer {
    let shown: Vec<_> = everyone.iter().map(Shown::new).collect();
    let text = || output::table(shown::HEADING, &shown.iter().map(Shown::row).collect::<Vec<_>>());
    format.answer(&shown, text)
}

fn delete(work: &mut Work<'_>, who: &Who) -> Answer {
    let user = find(work, &who.login)?.claims;
    account::delete(work.connection, user.id, work.now)?;
    forget_failures(work, user.id)?;
    let text = || output::clean(&format!("user {} was deleted; their sessions and grants have ended", user.username)) + "\n";
    who.format.answer(&serde_json::json!({ "id": user.id.to_string(), "username": user.username, "deleted": true }), text)
}

fn taken<T>(what: &str, value: &str) -> Result<T, Error> {
    refuse(format!("{what} '{value}' is already taken"))
}

/// An operator's action on an account, on the command line, for its activity.
pub fn operated(now: Timestamp, user: Id, activity: Activity) -> Event<'static> {
    Event { id: random::id(now), user, activity, origin: &UNKNOWN_ORIGIN, about: None, at: now }
}

/// Resets the counters of failed attempts, so that others' guesses do not slow down the user's next sign-in.
fn forget_failures(work: &mut Work<'_>, user: Id) -> Result<(), Error> {
    Ok(throttle::forget(work.connection, &work.config.secrets, user)?)
}

/// The user with this user name or e-mail address.
pub fn find(work: &mut Work<'_>, login: &str) -> Result<User, Error> {
    match users::find_by_login(work.connection, &LoginName::parse(login))? {
        Some(user) => Ok(user),
        None => refuse(format!("user '{login}': no user has this name or e-mail address (list all with symbolon user list)")),
    }
}

fn said(work: &mut Work<'_>, who: &Who, what: &str) -> Answer {
    let user = find(work, &who.login)?;
    who.format.answer(&Shown::new(&user), || output::clean(&format!("user {} {what}", user.claims.username)) + "\n")
}

fn hash(work: &Work<'_>, password: &Sensitive<String>) -> Result<String, Error> {
    let hashed = Passwords::new(&work.config.passwords).and_then(|passwords| passwords.hash(password.expose()));
    hashed.map_err(|error| match error {
        PasswordError::Failed(why) => Error::Refused(format!("password: {why}")),
        PasswordError::Busy => Error::Refused("password: too many passwords are being hashed; try again".into()),
    })
}
