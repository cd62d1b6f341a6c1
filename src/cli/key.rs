//! `symbolon key`: the keys that sign tokens. Which key signs when is decided by `jose::keys`; this module creates new ones, early
//! enough that every verifier has seen a key before its first signature.

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
        self, first_keys,
        keys::{self, KeyRing, KeyState},
    },
    protocol::values::{algorithm::Algorithm, time::Timestamp},
    store::signing_keys::{self, SigningKeyRow},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the keys, by activation time
    List(Format),
    #[command(
        about = "Create the first key for an algorithm: published at once, used for signing after signing_key_activation_delay"
    )]
    Add {
        /// The signature algorithm; clients can use it once the key is active
        #[arg(long, value_name = "ALG", value_parser = algorithm())]
        algorithm: Algorithm,
        /// Use it for signing at once; verifiers reject its tokens until they fetch the keys again
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        format: Format,
    },
    #[command(
        about = "Create a new key for an algorithm: published at once, used for signing after signing_key_activation_delay"
    )]
    Rotate {
        /// The signature algorithm
        #[arg(long, value_name = "ALG", value_parser = algorithm(), default_value = Algorithm::default().as_str())]
        algorithm: Algorithm,
        /// Use it for signing at once; verifiers reject its tokens until they fetch the keys again
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
            Self::Add { algorithm, now, format } => add(work, algorithm, now, format),
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

fn add(work: &mut Work<'_>, algorithm: Algorithm, at_once: bool, format: Format) -> Answer {
    let is_known = |rows: &[SigningKeyRow]| rows.iter().any(|row| row.algorithm == algorithm);
    let before = openable(work)?;
    if before.is_empty() {
        make_initial(work)?;
    }
    if is_known(&before) {
        let name = algorithm.as_str();
        return refuse(format!(
            "there is already a key for {name} (create a new one with symbolon key rotate --algorithm {name})"
        ));
    }
    // Without any key there is no server yet that publishes others.
    let signs_from = if at_once || before.is_empty() { work.now } else { lead_from(work) };
    let (secrets, now) = (&work.config.secrets, work.now);
    signing_keys::insert_missing(work.connection, |rows| -> Result<Vec<SigningKeyRow>, Error> {
        if is_known(rows) {
            return Ok(Vec::new()); // another process was first, or every installation has it
        }
        Ok(vec![keys::generate(secrets, algorithm, now, signs_from)?])
    })?;
    let rows = signing_keys::all(work.connection)?;
    let Some(key) = rows.iter().find(|row| row.algorithm == algorithm) else {
        return refuse(format!("the key for {} was deleted by another process", algorithm.as_str()));
    };
    made(work, &key.kid, format)
}

fn rotate(work: &mut Work<'_>, algorithm: Algorithm, at_once: bool, format: Format) -> Answer {
    let rows = openable(work)?;
    if !rows.iter().any(|row| row.algorithm == algorithm) {
        let name = algorithm.as_str();
        return refuse(format!("there is no key for {name} yet (create the first with symbolon key add --algorithm {name})"));
    }
    let upcoming = shown(work, &rows)
        .into_iter()
        .find(|key| key.state == KeyState::Upcoming.as_str() && key.algorithm == algorithm.as_str());
    if let (Some(key), false) = (&upcoming, at_once) {
        return refuse(format!(
            "key {} is already published and signs from {}; use --now to create one that signs at once",
            key.kid, key.signs_from
        ));
    }
    let signs_from = if at_once { work.now } else { lead_from(work) };
    let key = keys::generate(&work.config.secrets, algorithm, work.now, signs_from)?;
    signing_keys::insert(work.connection, &key)?;
    if let Some(key) = upcoming {
        note(&format!("note: key {} still signs from {}", key.kid, key.signs_from));
    }
    made(work, &key.kid, format)
}

/// The time from which a key created now signs.
fn lead_from(work: &Work<'_>) -> Timestamp {
    work.now.plus(work.config.lifetimes.signing_key_activation_delay)
}

/// Creates the keys of every installation, if this is the first command on a fresh database.
fn make_initial(work: &mut Work<'_>) -> Result<(), Error> {
    let lead = work.config.lifetimes.signing_key_activation_delay;
    first_keys::make(work.connection, &work.config.secrets, work.now, lead)
}

/// Refuses an algorithm without a signing key: resource servers that have not seen the key would refuse its tokens.
pub fn expect_signing(work: &mut Work<'_>, algorithm: Algorithm) -> Result<(), Error> {
    if openable(work)?.is_empty() {
        make_initial(work)?;
    }
    let (rows, name) = (signing_keys::all(work.connection)?, algorithm.as_str());
    if first_keys::signs_yet(&rows, algorithm, work.now) {
        return Ok(());
    }
    match rows.iter().find(|row| row.algorithm == algorithm) {
        Some(key) => refuse(format!(
            "--signing-alg {name}: its first key signs only from {} (create one that signs at once with symbolon key rotate --algorithm {name} --now)",
            time(key.signs_from)
        )),
        None => refuse(format!(
            "--signing-alg {name}: there is no key for this algorithm (create one with symbolon key add --algorithm {name})"
        )),
    }
}

/// Every key. A key sealed under a secret that the server does not have would stop the server: those that sign must be readable.
fn openable(work: &mut Work<'_>) -> Result<Vec<SigningKeyRow>, Error> {
    let rows = signing_keys::all(work.connection)?;
    let ring = KeyRing::open(&rows, &work.config.secrets, &KeyRing::default())?;
    match ring.check(work.now) {
        // The server creates a key for the default algorithm when it starts.
        Ok(()) | Err(jose::Error::NoKey(_)) => Ok(rows),
        Err(error) => Err(error.into()),
    }
}

fn made(work: &mut Work<'_>, kid: &str, format: Format) -> Answer {
    let rows = signing_keys::all(work.connection)?;
    let Some(key) = shown(work, &rows).into_iter().find(|key| key.kid == kid) else {
        return refuse(format!("key {kid} was deleted by another process"));
    };
    format.answer(&key, || match key.state {
        "upcoming" => format!("{} key {kid} is published and signs from {}\n", key.algorithm, key.signs_from),
        _ => format!("{} key {kid} is published and signs now; running servers load it within 30 seconds\n", key.algorithm),
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

impl From<jose::Error> for Error {
    fn from(error: jose::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
