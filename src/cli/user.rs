//! `symbolon user`: the users who sign in. What a command does is `operations`; how a user is printed is `shown`.

mod activity;
mod authenticators;
mod details;
mod import;
mod invite;
mod set;
mod shown;
mod sign_in_again;

use std::path::PathBuf;

use clap::Subcommand;

use super::{
    Answer, Error, Work,
    listing::Part,
    new_password,
    output::{self, Format},
    refusal::note_pending,
    refuse,
};
use crate::{
    operations::{
        Actor, NewPassword, authenticators as authenticators_of, deletions, links, recovery,
        user_changes::{self, NewUser},
        users::{self, UserView},
    },
    passwords::{Passwords, rules::Rules},
    protocol::{error::Invalid, values::time::Span},
};
use details::Details;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user; asks for their password
    Add {
        /// The user name: 1 to 64 characters, stored in lower case
        #[arg(value_name = "NAME")]
        username: String,
        /// The e-mail address; they can also sign in with it
        #[arg(long, required_unless_present = "no_email")]
        email: Option<String>,
        /// They have no e-mail address: apps get none, and a forgotten password is for you to replace
        #[arg(long, conflicts_with_all = ["email", "email_verified", "email_unverified"])]
        no_email: bool,
        /// You know that the address is theirs; apps see this
        #[arg(long)]
        email_verified: bool,
        /// You do not know whether the address is theirs, as without --email-verified. If mail is set up, they get a link to confirm it
        #[arg(long, conflicts_with = "email_verified")]
        email_unverified: bool,
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
        /// Accept users without an e-mail address, who have "email": null
        #[arg(long)]
        allow_no_email: bool,
        #[command(flatten)]
        format: Format,
    },
    /// List users, by name
    List(Part),
    /// Show a user's data, active sessions and grants, and unused links sent by e-mail
    Show(Who),
    /// Show a user's activity, newest first
    Activity {
        #[command(flatten)]
        who: Who,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only entries before the one with this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
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
    /// Show what a user can sign in with, or count who has what
    Authenticators(authenticators::Options),
    /// Remove a passkey, an authenticator app or the recovery codes of a user, who is told by e-mail
    RemoveAuthenticator(authenticators::Removal),
    /// Remove a user's password, end their sessions and revoke their grants; only they can set a new one, by e-mail. Passkeys,
    /// authenticator apps and recovery codes are removed as well, after a time in which the user can object
    Reset(Reset),
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
pub struct Reset {
    #[command(flatten)]
    who: Who,
    /// When passkeys, authenticator apps and recovery codes are removed; 0s is at once, at most 7days [default: 1day]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    after: Option<Span>,
    /// Cancel the removal of passkeys, authenticator apps and recovery codes, and do nothing else
    #[arg(long, conflicts_with = "after")]
    cancel: bool,
}

/// Parses a duration.
fn span(text: &str) -> Result<Span, Invalid> {
    Span::parse(text).ok_or_else(|| "expected a duration such as 24h, or 0s".into())
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
        let actor = Actor::OPERATOR;
        match self {
            Self::Add { username, email, email_verified, display_name, details, password_stdin, format, .. } => {
                let details = details.read(&work.config.scope_claims)?;
                add(work, &NewUser { username, display_name, email, email_verified, details }, password_stdin, format)
            }
            Self::Import { file, allow_no_email, format } => import::run(work, &file, allow_no_email, format),
            Self::List(part) => part.print(work, (shown::HEADING, shown::row), users::list),
            Self::Show(who) => {
                let user = users::show(work, &who.login)?;
                who.format.answer(&user, || output::fields(&shown::all_fields(&user)))
            }
            Self::Activity { who, limit, after } => activity::run(work, &who.login, &Part::new(limit, after, who.format)),
            Self::SignInAgain(options) => options.run(work),
            Self::Authenticators(options) => options.run(work),
            Self::RemoveAuthenticator(removal) => removal.run(work),
            Self::Reset(options) => reset(work, &options),
            Self::EndLinks(who) => end_links(work, &who),
            Self::Invite { options, format } => options.run(work, format),
            Self::Invitations(format) => invite::list(work, format),
            Self::Uninvite { email, format } => invite::withdraw(work, &email, format),
            Self::Set { options, format } => options.run(work, format),
            Self::Delete(who) => delete(work, &who),
            Self::Disable(who) => {
                let user = user_changes::disable(work, actor, &who.login)?;
                said(&user, "was disabled; their sessions and grants have ended", who.format)
            }
            Self::Enable(who) => said(&user_changes::enable(work, actor, &who.login)?, "was enabled", who.format),
            Self::SetPassword { who, password_stdin } => {
                let rules = Rules::new(work.config);
                let text = new_password::read(&rules, &users::claims(work, &who.login)?, password_stdin)?;
                let password = NewPassword { passwords: &hashing(work)?, text: &text };
                let user = recovery::set_password(work, actor, &who.login, &password)?;
                said(&user, "has a new password; their sessions and grants have ended", who.format)
            }
        }
    }
}

fn add(work: &mut Work<'_>, new: &NewUser, password_stdin: bool, format: Format) -> Answer {
    let claims = user_changes::check_new(work, new)?;
    let text = new_password::read(&Rules::new(work.config), &claims, password_stdin)?;
    let password = NewPassword { passwords: &hashing(work)?, text: &text };
    let user = user_changes::add(work, Actor::OPERATOR, claims, &password)?;
    let is_sent = user_changes::ask_to_confirm(work, Actor::OPERATOR, &user)?;
    format.answer(&user, || format!("{}{}", line(&user, "was added"), unverified(&user, is_sent)))
}

/// What it says for a user that their address is not verified; nothing if it is, or there is none.
pub fn unverified(user: &UserView, is_sent: bool) -> String {
    let Some(email) = user.email.as_ref().filter(|_| !user.email_verified) else { return String::new() };
    let next = if is_sent {
        "; an e-mail to it has a link that confirms it".to_owned()
    } else {
        format!(". If you know that it is theirs: symbolon user set {} --email-verified", user.username)
    };
    output::clean(&format!(
        "the address {email} is not verified: many apps refuse a user with such an address, and a forgotten password cannot be reset by e-mail{next}"
    )) + "\n"
}

fn delete(work: &mut Work<'_>, who: &Who) -> Answer {
    let deleted = deletions::user(work, &who.login)?;
    note_pending(&deleted.purge);
    let text = || output::clean(&format!("user {} was deleted; their sessions and grants have ended", deleted.username)) + "\n";
    who.format.answer(&deleted, text)
}

fn end_links(work: &mut Work<'_>, who: &Who) -> Answer {
    let ended = links::end(work, Actor::OPERATOR, &who.login)?;
    let count = output::count(ended.count, "unused link");
    who.format.answer(&ended, || output::clean(&format!("user {}: {count} revoked", ended.username)) + "\n")
}

fn reset(work: &mut Work<'_>, Reset { who, after, cancel }: &Reset) -> Answer {
    if *cancel {
        let kept = authenticators_of::cancel_reset(work, Actor::OPERATOR, &who.login)?;
        return who.format.answer(&kept, || authenticators::text(&kept));
    }
    let begun = recovery::reset(work, Actor::OPERATOR, &who.login, after.unwrap_or(recovery::TIME_TO_OBJECT))?;
    let others = match &begun.authenticators_removed_at {
        Some(at) => format!("passkeys, authenticator apps and recovery codes are removed on {at}, unless the user objects\n"),
        None if begun.authenticators_removed => "passkeys, authenticator apps and recovery codes were removed\n".to_owned(),
        None => String::new(),
    };
    let text = || {
        output::clean_lines(&format!(
            "removed the password of user {}; {} and {} ended\n{others}an e-mail to {} says how to set a new one at {}\n",
            begun.username,
            output::count(begun.ended_sessions, "session"),
            output::count(begun.ended_grants, "grant"),
            begun.notified,
            begun.url,
        ))
    };
    who.format.answer(&begun, text)
}

/// Prints a user as changed, or says what was done.
fn said(user: &UserView, what: &str, format: Format) -> Answer {
    format.answer(user, || line(user, what))
}

fn line(user: &UserView, what: &str) -> String {
    output::clean(&format!("user {} {what}", user.username)) + "\n"
}

fn hashing(work: &Work<'_>) -> Result<Passwords, Error> {
    Passwords::new(&work.config.passwords).or_else(|error| refuse(format!("password: {error}")))
}
