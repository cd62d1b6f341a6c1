//! `symbolon key`: lists and creates the keys that sign tokens.

use clap::Subcommand;

use super::{
    Answer, Error, Work,
    client::settings::algorithm,
    note,
    output::{self, Format},
    refuse,
};
use crate::{
    jose,
    operations::keys::{self, CreatedKey, KeyView, Signing},
    protocol::values::algorithm::Algorithm,
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

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List(format) => list(work, format),
            Self::Add { algorithm, now, format } => created(&keys::add(work, algorithm, now)?, format),
            Self::Rotate { algorithm, now, format } => {
                let CreatedKey { key, upcoming } = keys::rotate(work, algorithm, now)?;
                if let Some(other) = upcoming {
                    note(&format!("note: key {} still signs from {}", other.kid, other.signs_from));
                }
                created(&key, format)
            }
        }
    }
}

fn list(work: &mut Work<'_>, format: Format) -> Answer {
    let keys = keys::list(work)?;
    let row = |key: &KeyView| {
        [key.kid.clone(), key.algorithm.to_owned(), key.state.to_owned(), key.created.to_string(), key.signs_from.to_string()]
    };
    let text =
        || output::table(["KEY", "ALGORITHM", "STATE", "CREATED", "SIGNS FROM"], &keys.iter().map(row).collect::<Vec<_>>());
    format.answer(&keys, text)
}

fn created(key: &KeyView, format: Format) -> Answer {
    let KeyView { kid, algorithm, signs_from, .. } = key;
    let when = || {
        let now = "signs now; running servers load it within 30 seconds";
        if key.is_upcoming() { format!("signs from {signs_from}") } else { now.to_owned() }
    };
    format.answer(key, || format!("{algorithm} key {kid} is published and {}\n", when()))
}

/// Refuses an algorithm without a signing key.
pub fn expect_signing(work: &mut Work<'_>, algorithm: Algorithm) -> Result<(), Error> {
    let name = algorithm.as_str();
    match keys::signing(work, algorithm)? {
        Signing::Now => Ok(()),
        Signing::From(time) => refuse(format!(
            "--signing-alg {name}: its first key signs only from {time} (create one that signs at once with symbolon key rotate --algorithm {name} --now)"
        )),
        Signing::Never => refuse(format!(
            "--signing-alg {name}: there is no key for this algorithm (create one with symbolon key add --algorithm {name})"
        )),
    }
}

impl From<jose::Error> for Error {
    fn from(error: jose::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
