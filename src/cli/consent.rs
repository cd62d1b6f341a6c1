//! `symbolon consent`: the consents that users gave to clients, and withdrawing them. The grants issued by a consent are `grant`.

use clap::Subcommand;

use super::{
    Answer, Work,
    listing::Part,
    output::{self, Format},
};
use crate::operations::{
    Actor,
    consents::{self, ConsentView},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List a user's consents, by client
    List {
        /// The user name or e-mail address
        #[arg(long)]
        user: String,
        #[command(flatten)]
        part: Part,
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

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List { user, part } => {
                let heading = ["CLIENT", "SCOPE", "APIS", "GIVEN BY", "GRANTED"];
                part.print(work, (heading, row), |work, slice| consents::list(work, &user, slice))
            }
            Self::Withdraw { user, client, format } => withdraw(work, &user, &client, format),
        }
    }
}

fn row(consent: &ConsentView) -> [String; 5] {
    let (client, scope, given_by) = (consent.client_id.clone(), consent.scope.clone(), consent.given_by.to_owned());
    [client, scope, consent.audiences.join(" "), given_by, consent.granted.to_string()]
}

fn withdraw(work: &mut Work<'_>, login: &str, client: &str, format: Format) -> Answer {
    let withdrawn = consents::withdraw(work, Actor::OPERATOR, login, client)?;
    let text = || {
        let grants = output::count(withdrawn.ended_grants, "grant");
        let (user, client) = (&withdrawn.username, &withdrawn.client_id);
        output::clean(&format!("withdrew the consent of {user} for client {client}; {grants} revoked")) + "\n"
    };
    format.answer(&withdrawn, text)
}
