//! `symbolon key`: the keys that sign tokens. Which one signs when is `jose::keys`; this makes new ones, early
//! enough that everyone has seen a key before its first signature.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer, Error, Work,
    client::settings::algorithm,
    note,
    output::{self, Format, time},
    refuse,
};
use crate::{
    jose::{
        self,
        keys::{self, KeyRing, KeyState},
    },
    protocol::algorithm::Algorithm,
    store::signing_keys::{self, SigningKeyRow},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the keys, by the time they sign from
    List(Format),
    #[command(about = "Make a new key of an algorithm: published at once, it signs after key_publish_lead")]
    Rotate {
        /// The algorithm it signs by; the first key of one signs at once
        #[arg(long, value_name = "ALG", value_parser = algorithm(), default_value = Algorithm::default().as_str())]
        algorithm: Algorithm,
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
            Self::Rotate { algorithm, now, format } => rotate(work, algorithm, now, format),
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

fn rotate(work: &mut Work<'_>, algorithm: Algorithm, at_once: bool, format: Format) -> Answer {
    let rows = openable(work)?;
    if !rows.iter().any(|row| row.algorithm == algorithm) {
        let Some(kid) = make_first(work, algorithm)? else {
            return refuse("another process has made the first key of this algorithm meanwhile; nothing was rotated");
        };
        return made(work, &kid, format);
    }
    let upcoming = shown(work, &rows)
        .into_iter()
        .find(|key| key.state == KeyState::Upcoming.as_str() && key.algorithm == algorithm.as_str());
    if let (Some(key), false) = (&upcoming, at_once) {
        return refuse(format!(
            "key {} is published already and signs from {}; a key that signs at once is made by --now",
            key.kid, key.signs_from
        ));
    }
    let signs_from = if at_once { work.now } else { work.now.plus(work.config.lifetimes.key_publish_lead) };
    let key = keys::generate(&work.config.secrets, algorithm, work.now, signs_from).map_err(|error| refused(&error))?;
    signing_keys::insert(work.connection, &key)?;
    if let Some(key) = upcoming {
        note(&format!("note: key {} still signs from {}", key.kid, key.signs_from));
    }
    made(work, &key.kid, format)
}

/// Makes the first key of an algorithm, which has nothing to follow and signs at once; its id, or none where there is one.
pub fn make_first(work: &mut Work<'_>, algorithm: Algorithm) -> Result<Option<String>, Error> {
    if openable(work)?.iter().any(|row| row.algorithm == algorithm) {
        return Ok(None);
    }
    let (secrets, now, mut kid) = (&work.config.secrets, work.now, None);
    signing_keys::insert_first(work.connection, algorithm, || -> Result<SigningKeyRow, Error> {
        let key = keys::generate(secrets, algorithm, now, now).map_err(|error| refused(&error))?;
        kid = Some(key.kid.clone());
        Ok(key)
    })?;
    Ok(kid)
}

/// Every key. One sealed under another secret than the server's would stop the server: so those that sign must open.
fn openable(work: &mut Work<'_>) -> Result<Vec<SigningKeyRow>, Error> {
    let rows = signing_keys::all(work.connection)?;
    let ring = KeyRing::open(&rows, &work.config.secrets, &KeyRing::default()).map_err(|error| refused(&error))?;
    match ring.check(work.now) {
        // Of the default algorithm the server makes one when it starts.
        Ok(()) | Err(jose::Error::NoKey(_)) => Ok(rows),
        Err(error) => Err(refused(&error)),
    }
}

fn made(work: &mut Work<'_>, kid: &str, format: Format) -> Answer {
    let rows = signing_keys::all(work.connection)?;
    let Some(key) = shown(work, &rows).into_iter().find(|key| key.kid == kid) else {
        return refuse(format!("key {kid}: someone has deleted it meanwhile"));
    };
    format.answer(&key, || match key.state {
        "upcoming" => format!("{} key {kid} is published and signs from {}\n", key.algorithm, key.signs_from),
        _ => format!("{} key {kid} is published and signs now; running servers read it within half a minute\n", key.algorithm),
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
