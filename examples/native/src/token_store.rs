//! Where the tokens are kept between two runs: in a file that only this user can read. On a desktop, the system's keyring is the
//! better place: with the crate `keyring`, only the bodies of `load`, `save` and `remove` change (`get_password`, `set_password`,
//! `delete_credential`). A file remains for machines that have no keyring, such as servers.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

/// What an app has of a user who is signed in. It has no `Debug`: tokens do not belong in a log.
#[derive(Deserialize, Serialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    /// When it is renewed, and when it ends: seconds since 1970.
    pub refresh_at: u64,
    pub expires_at: u64,
}

/// The tokens, if somebody is signed in. A file that cannot be understood is as none.
pub fn load() -> io::Result<Option<Tokens>> {
    match fs::read(path()) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts them into a new file, which takes the place of the old one as a whole: a refresh token must not get lost half-way.
pub fn save(tokens: &Tokens) -> io::Result<()> {
    let path = path();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(serde_json::to_string(tokens)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

pub fn remove() -> io::Result<()> {
    match fs::remove_file(path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `TOKEN_FILE`, or a file in the place for what programs remember.
fn path() -> PathBuf {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let in_home = || variable("HOME").or_else(|| variable("LOCALAPPDATA")).unwrap_or_default().join(".local/state");
    variable("TOKEN_FILE")
        .unwrap_or_else(|| variable("XDG_STATE_HOME").unwrap_or_else(in_home).join("symbolon-example-native/tokens.json"))
}
