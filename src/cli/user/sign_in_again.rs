//! `symbolon user sign-in-again`: for one user, sessions and tokens are refused until a new sign-in; for everyone who signed in
//! before a given time, sessions and grants end, if an operator does not trust the state from before it (a restored backup).

use std::time::UNIX_EPOCH;

use clap::Args;

use super::{
    super::{Answer, Error, Work, output::Format, refuse},
    said,
};
use crate::{
    operations::{
        Actor,
        recovery::{self, SignInsEnded},
    },
    protocol::values::time::Timestamp,
};

#[derive(Debug, Args)]
pub struct Options {
    /// The user name or e-mail address
    #[arg(value_name = "NAME", required_unless_present = "before", conflicts_with = "before")]
    login: Option<String>,
    /// All users: end the sessions and grants of sign-ins before this time, such as 2026-11-30T09:00:00Z
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    #[command(flatten)]
    format: Format,
}

impl Options {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match (self.login, self.before) {
            (_, Some(before)) => everyone(work, read(&before, work.now)?, self.format),
            (login, None) => one(work, &login.unwrap_or_default(), self.format),
        }
    }
}

fn one(work: &mut Work<'_>, login: &str, format: Format) -> Answer {
    let user = recovery::sign_in_again(work, Actor::OPERATOR, login)?;
    said(&user, "must sign in again; until then their grants are rejected, but not revoked", format)
}

fn everyone(work: &mut Work<'_>, before: Timestamp, format: Format) -> Answer {
    let ended = recovery::end_sign_ins_before(work, Actor::OPERATOR, before)?;
    let SignInsEnded { users, ended_sessions: sessions, ended_grants: grants } = ended;
    format.answer(&ended, || format!("users who must sign in again: {users}; ended: sessions {sessions}, grants {grants}\n"))
}

/// Parses a time that is not in the future.
fn read(text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let since = humantime::parse_rfc3339_weak(text).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let Some(entry) = since.and_then(|since| i64::try_from(since.as_millis()).ok()).map(Timestamp::from_millis) else {
        return refuse(format!("before: expected a time in UTC such as 2026-11-30T09:00:00Z, received '{text}'"));
    };
    if entry > now {
        return refuse(format!("before: expected a time in the past, received '{text}'"));
    }
    Ok(entry)
}
