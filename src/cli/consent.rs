//! `symbolon consent`: the consents that users gave to clients, and withdrawing them. The grants issued by a consent are `grant`.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer, Work, client,
    output::{self, Format, time},
    user,
};
use crate::{
    protocol::account::activity::Activity,
    store::{
        account,
        activity::Event,
        consents::{self, Consent},
    },
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List a user's consents, by client
    List {
        /// The user name or e-mail address
        #[arg(long)]
        user: String,
        #[command(flatten)]
        format: Format,
    },
    /// Withdraw a user's consent for a client: its grants are revoked, and it must ask again
    Withdraw {
        /// The user name or e-mail address
        #[arg(long)]
        user: String,
        /// The client ID
        #[arg(long)]
        client: String,
        #[command(flatten)]
        format: Format,
    },
}

/// A consent, as printed.
#[derive(Serialize)]
struct Shown<'a> {
    client_id: &'a str,
    scope: String,
    audiences: &'a [String],
    granted: String,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List { user, format } => list(work, &user, format),
            Self::Withdraw { user, client, format } => withdraw(work, &user, &client, format),
        }
    }
}

fn list(work: &mut Work<'_>, login: &str, format: Format) -> Answer {
    let user = user::find(work, login)?.claims.id;
    let listed = consents::of_user(work.connection, user)?;
    let shown: Vec<_> = listed.iter().map(shown).collect();
    let row = |consent: &Shown<'_>| {
        [consent.client_id.into(), consent.scope.clone(), consent.audiences.join(" "), consent.granted.clone()]
    };
    let text = || output::table(["CLIENT", "SCOPE", "APIS", "GRANTED"], &shown.iter().map(row).collect::<Vec<_>>());
    format.answer(&shown, text)
}

fn withdraw(work: &mut Work<'_>, login: &str, id: &str, format: Format) -> Answer {
    let user = user::find(work, login)?.claims;
    let client = client::find(work, id)?;
    let event = Event { about: Some(&client.settings.client_name), ..user::operated(work.now, user.id, Activity::AppEnded) };
    let ended = account::end_app(work.connection, &client.id, &event)?.unwrap_or_default();
    let text = || {
        let grants = output::count(ended, "grant");
        output::clean(&format!("withdrew the consent of {} for client {}; {grants} revoked", user.username, client.id)) + "\n"
    };
    let answer =
        serde_json::json!({ "username": user.username, "client_id": client.id, "withdrawn": true, "ended_grants": ended });
    format.answer(&answer, text)
}

fn shown(consent: &Consent) -> Shown<'_> {
    Shown {
        client_id: &consent.client_id,
        scope: consent.allowed.scopes.to_string(),
        audiences: &consent.allowed.audiences,
        granted: time(consent.granted_at),
    }
}
