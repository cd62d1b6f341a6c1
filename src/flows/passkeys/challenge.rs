//! The challenge of a page with a passkey: its state is kept by the page, sealed under the server secret for one purpose and the cookie
//! of one browser or session, for five minutes, and is used up by the first answer that is verified (Web Authentication Level 3
//! §13.4.3). Nothing is stored for a challenge that is not used.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::internal;
use crate::{
    app::App,
    jose::seal,
    passkeys::CHALLENGE_TIME,
    protocol::{
        secrets::sensitive::Sensitive,
        values::{id::Id, time::Timestamp},
    },
    store::{AnyConnection, Result, used_assertions},
    web::fault::Fault,
};

/// What a challenge is for: an answer counts for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A sign-in of anyone.
    SignIn,
    /// Another factor of this user, or the confirmation that it is them.
    Confirm(Id),
    /// A new passkey of this user.
    Register(Id),
    /// As [`Purpose::Register`], which the browser may make without asking the user, who has just signed in.
    Offer(Id),
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => f.write_str("sign in"),
            Self::Confirm(user) => write!(f, "confirm {user}"),
            Self::Register(user) => write!(f, "register {user}"),
            Self::Offer(user) => write!(f, "offer {user}"),
        }
    }
}

/// A challenge that was opened: not yet used.
pub struct Challenge {
    state: Sensitive<Vec<u8>>,
    key: [u8; 32],
    expires_at: Timestamp,
}

impl Challenge {
    /// Seals a challenge for a page.
    ///
    /// # Errors
    /// If the encryption fails.
    pub fn seal(app: &App, purpose: Purpose, owner: &str, state: &[u8], now: Timestamp) -> std::result::Result<String, Fault> {
        let plain = Sensitive::new([now.millis().to_be_bytes().as_slice(), state].concat());
        let sealed = seal::seal(&app.config.secrets, &name(purpose, owner), &plain).map_err(internal)?;
        Ok(text(&sealed))
    }

    /// Opens one that a form has sent. `None` if it is for something or somebody else, or too old.
    #[must_use]
    pub fn open(app: &App, purpose: Purpose, owner: &str, sealed: &str, now: Timestamp) -> Option<Self> {
        if owner.is_empty() {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = seal::open(&app.config.secrets, &name(purpose, owner), &sealed).ok()?;
        let (made, state) = plain.expose().split_first_chunk::<8>()?;
        let made = Timestamp::from_millis(i64::from_be_bytes(*made));
        if !now.age_of(made).is_at_most(CHALLENGE_TIME) {
            return None;
        }
        let key = Sha256::new().chain_update("challenge of a passkey").chain_update(plain.expose()).finalize();
        Some(Self { key: key.into(), state: Sensitive::new(state.to_vec()), expires_at: made.plus(CHALLENGE_TIME) })
    }

    /// The state of the ceremony.
    #[must_use]
    pub const fn state(&self) -> &Sensitive<Vec<u8>> {
        &self.state
    }

    /// Uses it up; false if it was used before.
    ///
    /// # Errors
    /// Database errors.
    pub fn use_up(&self, connection: &mut AnyConnection) -> Result<bool> {
        used_assertions::use_up(connection, &self.key, self.expires_at)
    }
}

/// Bytes as text, as in everything that concerns passkeys.
pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn name(purpose: Purpose, owner: &str) -> String {
    format!("challenge to {purpose} in {owner}")
}
