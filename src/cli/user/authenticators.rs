//! `symbolon user authenticators` and `user remove-authenticator`: what users can sign in with, of one user, or how many have what.

use clap::Args;

use super::super::{
    Answer, Work,
    output::{self, Format, Widths},
};
use crate::operations::{
    Actor,
    authenticators::{self, AuthenticatorCounts, AuthenticatorView, UserAuthenticators},
};

#[derive(Debug, Args)]
pub struct Options {
    /// The user name or e-mail address
    #[arg(value_name = "NAME", required_unless_present = "counts", conflicts_with = "counts")]
    login: Option<String>,
    /// Count the users who have a password, a passkey, an authenticator app, recovery codes
    #[arg(long)]
    counts: bool,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Removal {
    /// The user name or e-mail address
    #[arg(value_name = "NAME")]
    login: String,
    /// The authenticator's id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Options {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        let Some(login) = &self.login else {
            let counts = authenticators::counts(work)?;
            return self.format.answer(&counts, || output::fields(&fields(&counts)));
        };
        let shown = authenticators::list(work, login)?;
        self.format.answer(&shown, || text(&shown))
    }
}

impl Removal {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        let removed = authenticators::remove(work, Actor::OPERATOR, &self.login, &self.id)?;
        let what = removed.removed.kind.as_str().replace('_', " ");
        let line = format!("user {}: {what} removed, {} left", removed.username, removed.left);
        self.format.answer(&removed, || output::clean(&line) + "\n")
    }
}

fn fields(counts: &AuthenticatorCounts) -> [(&'static str, String); 6] {
    [
        ("users", counts.users),
        ("with a password", counts.with_password),
        ("with a passkey", counts.with_passkey),
        ("with an authenticator app", counts.with_totp),
        ("with recovery codes", counts.with_recovery_codes),
        ("without a second factor", counts.without_second_factor),
    ]
    .map(|(name, count)| (name, count.to_string()))
}

/// What a user can sign in with, as text.
pub fn text(shown: &UserAuthenticators) -> String {
    const HEADING: [&str; 7] = ["ID", "KIND", "NAME", "MODEL", "ADDED", "LAST USED", "NOTE"];
    let row = |one: &AuthenticatorView| {
        let note = match (one.synced, one.codes_left) {
            (Some(true), _) => "synced".to_owned(),
            (_, Some(left)) => output::count(left as usize, "code") + " left",
            _ => String::new(),
        };
        let used = one.last_used.as_ref().map_or_else(|| "never".to_owned(), ToString::to_string);
        let [name, model] = [&one.name, &one.model].map(|text| text.clone().unwrap_or_default());
        [one.id.clone(), one.kind.as_str().replace('_', " "), name, model, one.added.to_string(), used, note]
    };
    let rows: Vec<_> = shown.authenticators.iter().map(row).collect();
    let table = if rows.is_empty() { String::new() } else { Widths::of(HEADING).table(Some(HEADING), &rows) };
    let password = if shown.password { "has a password" } else { "has no password" };
    let waits = shown.removed_at.as_ref().map_or_else(String::new, |at| format!("; everything else is removed on {at}"));
    output::clean(&format!("user {} {password}{waits}", shown.username)) + "\n" + &table
}
