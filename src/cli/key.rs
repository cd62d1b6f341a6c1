//! `symbolon key`: the keys that sign tokens. Which one signs when is `jose::keys`; this makes new ones, early
//! enough that everyone has seen a key before its first signature.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer, Error, Work, note,
    output::{self, Format, time},
    refuse,
};
use crate::{
    jose::{
        self,
        keys::{self, KeyRing, KeyState},
    },
    protocol::algorithm::Algorithm,
    store::{
        self,
        signing_keys::{self, SigningKeyRow},
    },
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the keys, by the time they sign from
    List(Format),
    #[command(about = "Make a new key: published at once, it signs after key_publish_lead")]
    Rotate {
        /// Sign with it at once: whoever checks tokens with keys fetched earlier refuses its tokens until they are fetched again
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        format: Format,
    },
}

/// A key, as printed.
#[derive(Serialize)]
struct Shown<'a> {
    kid: &'a str,
    algorithm: &'a str,
    state: &'static str,
    created: String,
    signs_from: String,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List(format) => list(work, format),
            Self::Rotate { now, format } => rotate(work, now, format),
        }
    }
}

fn list(work: &mut Work<'_>, format: Format) -> Answer {
    let rows = signing_keys::all(work.connection)?;
    let keys = shown(work, &rows);
    let row = |key: &Shown<'_>| {
        [key.kid.to_owned(), key.algorithm.to_owned(), key.state.to_owned(), key.created.clone(), key.signs_from.clone()]
    };
    let text =
        || output::table(["KEY", "ALGORITHM", "STATE", "CREATED", "SIGNS FROM"], &keys.iter().map(row).collect::<Vec<_>>());
    format.answer(&keys, text)
}

fn rotate(work: &mut Work<'_>, at_once: bool, format: Format) -> Answer {
    let rows = signing_keys::all(work.connection)?;
    // A key sealed under another secret than the server's would stop the server: so the one that signs must open.
    let ring = KeyRing::open(&rows, &work.config.secrets, &KeyRing::default()).map_err(|error| refused(&error))?;
    if !rows.is_empty() {
        ring.check(work.now).map_err(|error| refused(&error))?;
    }
    let upcoming = shown(work, &rows).into_iter().find(|key| key.state == KeyState::Upcoming.as_str());
    if let (Some(key), false) = (&upcoming, at_once) {
        return refuse(format!(
            "key {} is published already and signs from {}; a key that signs at once is made by --now",
            key.kid, key.signs_from
        ));
    }
    // The first key of all has nothing to follow.
    let signs_from = if at_once || rows.is_empty() { work.now } else { work.now.plus(work.config.lifetimes.key_publish_lead) };
    let made =
        keys::generate(&work.config.secrets, Algorithm::default(), work.now, signs_from).map_err(|error| refused(&error))?;
    let kid = made.kid.clone();
    if rows.is_empty() {
        signing_keys::insert_first(work.connection, Algorithm::default(), || Ok::<_, store::Error>(made))?;
    } else {
        signing_keys::insert(work.connection, &made)?;
    }
    if let Some(key) = upcoming {
        note(&format!("note: key {} still signs from {}", key.kid, key.signs_from));
    }
    let rows = signing_keys::all(work.connection)?;
    let Some(key) = shown(work, &rows).into_iter().find(|key| key.kid == kid) else {
        return refuse("a server that started meanwhile has made the first key; nothing was rotated");
    };
    format.answer(&key, || match key.state {
        "upcoming" => format!("key {kid} is published and signs from {}\n", key.signs_from),
        _ => format!("key {kid} is published and signs now; running servers read it within half a minute\n"),
    })
}

fn shown<'a>(work: &Work<'_>, rows: &'a [SigningKeyRow]) -> Vec<Shown<'a>> {
    let keep = work.config.lifetimes.access_token.max(work.config.lifetimes.id_token);
    let states = keys::states(rows, work.now, keep);
    let to_shown = |(row, state): (&'a SigningKeyRow, KeyState)| Shown {
        kid: &row.kid,
        algorithm: row.algorithm.as_str(),
        state: state.as_str(),
        created: time(row.created_at),
        signs_from: time(row.signs_from),
    };
    rows.iter().zip(states).map(to_shown).collect()
}

fn refused(error: &jose::Error) -> Error {
    Error::Refused(error.to_string())
}
