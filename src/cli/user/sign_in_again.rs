//! `symbolon user sign-in-again`: for one user, sessions and tokens are refused until a new sign-in; for everyone who signed in
//! before a given time, sessions and grants end, if an operator does not trust the state from before it (a restored backup).

use std::time::UNIX_EPOCH;

use clap::Args;

use super::{
    super::{Answer, Error, Work, output::Format, refuse},
    Who, find, operated, said,
};
use crate::{
    protocol::{
        account::activity::Activity,
        values::{id::Id, time::Timestamp},
    },
    store::{account, users},
};

/// The number of users read at once.
const PAGE: u32 = 500;

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
            (login, None) => one(work, &Who { login: login.unwrap_or_default(), format: self.format }),
        }
    }
}

fn one(work: &mut Work<'_>, who: &Who) -> Answer {
    let id = find(work, &who.login)?.claims.id;
    account::ask_to_sign_in_again(work.connection, &operated(work.now, id, Activity::SignInAgain))?;
    said(work, who, "must sign in again; until then their grants are rejected, but not revoked")
}

/// One user per transaction: a user who signs in meanwhile does so after that time.
fn everyone(work: &mut Work<'_>, before: Timestamp, format: Format) -> Answer {
    let (mut last, mut users, mut sessions, mut grants): (Option<Id>, _, _, _) = (None, 0, 0, 0);
    loop {
        let page = users::ids_after(work.connection, last, PAGE)?;
        let Some(end) = page.last() else { break };
        last = Some(*end);
        for id in page {
            let ended = account::end_before(work.connection, before, &operated(work.now, id, Activity::SignInAgain))?;
            users += usize::from(!ended.sessions.is_empty() || !ended.grants.is_empty());
            sessions += ended.sessions.len();
            grants += ended.grants.len();
        }
    }
    let value = serde_json::json!({ "users": users, "ended_sessions": sessions, "ended_grants": grants });
    format.answer(&value, || format!("users who must sign in again: {users}; ended: sessions {sessions}, grants {grants}\n"))
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
