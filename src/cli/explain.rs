//! `symbolon explain`: what a token or another credential is, and whether it would be accepted now. Derived credentials and secrets
//! are `credentials`, signed tokens `tokens`. Nothing is changed, and the credential itself is never printed.

mod credentials;
mod tokens;

use std::io::{BufRead, IsTerminal};

use clap::Args;
use serde::Serialize;

use super::{
    Answer, Error, Work, note,
    output::{self, Format, lines},
    refuse,
};
use crate::{
    protocol::{grant::credential::Kind, values::id::Id},
    store::users,
};

pub const ABOUT: &str = "Explain what a token or other credential is, and whether it is valid now";
pub const LONG_ABOUT: &str = "Explain what a token or other credential is: whose it is, which grant it belongs to, whether it is valid now, and \
if not, why.\n\nWithout a token, or with -, it is read from the first line of standard input: that keeps it out of the shell's \
history and the process list. It is never printed.";

/// The maximum length of a line, in bytes.
const MAX_LENGTH: u64 = 64 * 1024;

/// The prefix that identifies a client secret of this server.
const CLIENT_SECRET: &str = "sym_cs_";

#[derive(Debug, Args)]
pub struct Options {
    /// The token; read from standard input if omitted or -
    #[arg(value_name = "TOKEN")]
    tokens: Vec<Secret>,
    #[command(flatten)]
    format: Format,
}

/// The credential to explain; never printed.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The explanation of a credential.
#[derive(Default, Serialize)]
struct Explanation {
    /// The kind of credential.
    is: &'static str,
    /// Whether it would be accepted now, from its legitimate holder.
    active: bool,
    /// The reason why it is active or not.
    because: String,
    /// The row of the verdict's table that decides (`docs/decisions/0001-one-row-is-a-whole-authorization.md`).
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u8>,
    /// The secret or key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_generation: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audiences: Option<Vec<String>>,
    /// The `typ` of an access token, and what distinguishes the token from an ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl Options {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        let text = match self.tokens.as_slice() {
            [] => from_stdin()?,
            [Secret(text)] if text == "-" => from_stdin()?,
            [Secret(text)] => text.clone(),
            several => return refuse(format!("expected one token, received {}", several.len())),
        };
        let explanation = explain(work, text.trim())?;
        self.format.answer(&explanation, || explanation.text())
    }
}

fn explain(work: &mut Work<'_>, text: &str) -> Result<Explanation, Error> {
    let begins = |kind: Kind| text.starts_with(kind.prefix());
    if begins(Kind::Code) {
        credentials::of_grant(work, Kind::Code, text)
    } else if begins(Kind::Refresh) {
        credentials::of_grant(work, Kind::Refresh, text)
    } else if begins(Kind::Session) {
        credentials::session(work, text)
    } else if text.starts_with(CLIENT_SECRET) {
        credentials::client_secret(work, text)
    } else {
        tokens::signed(work, text)
    }
}

fn from_stdin() -> Result<String, Error> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        note("Enter the token:");
    }
    first_line(stdin.lock())
}

fn first_line(input: impl BufRead) -> Result<String, Error> {
    let mut line = Vec::new();
    input.take(MAX_LENGTH + 1).read_until(b'\n', &mut line).map_err(|error| format!("standard input: {error}"))?;
    if line.len() as u64 > MAX_LENGTH {
        return refuse("standard input: expected a token of at most 64 KiB on one line");
    }
    match String::from_utf8(line) {
        Ok(text) if !text.trim().is_empty() => Ok(text),
        _ => refuse("standard input: expected a token on the first line"),
    }
}

/// The user name, if the user still exists.
fn username(work: &mut Work<'_>, user: Id) -> Result<String, Error> {
    Ok(users::find(work.connection, user)?.map_or_else(|| format!("{user} (deleted)"), |user| user.claims.username))
}

impl Explanation {
    /// An inactive credential, and the reason.
    fn inactive(is: &'static str, because: impl Into<String>) -> Self {
        Self { is, because: because.into(), ..Self::default() }
    }

    fn text(&self) -> String {
        let mut fields = vec![("type", self.is.to_owned())];
        let verdict = if self.active { "yes" } else { "no" };
        let row = self.row.map(|row| format!(" (row {row} of the decision table)")).unwrap_or_default();
        fields.push(("active", format!("{verdict}: {}{row}", self.because)));
        let generation = match (self.generation, self.current_generation) {
            (Some(presented), Some(current)) => Some(format!("{presented} (current: {current})")),
            (one, other) => one.or(other).map(|generation| generation.to_string()),
        };
        let rest = [
            ("issued with", self.made_by.map(str::to_owned)),
            ("grant", self.grant.clone()),
            ("session", self.session.clone()),
            ("client", self.client_id.clone()),
            ("user", self.username.clone()),
            ("generation", generation),
            ("scope", self.scope.clone()),
            ("audiences", self.audiences.as_ref().map(lines)),
            ("typ", self.typ.map(str::to_owned)),
            ("expires", self.expires.clone()),
        ];
        fields.extend(rest.into_iter().filter_map(|(name, value)| Some((name, value?))));
        output::fields(&fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_token() {
        let read = |bytes: &[u8]| first_line(bytes).map_err(|error| error.to_string());
        assert_eq!(read(b"a.b.c\nmore\n").as_deref(), Ok("a.b.c\n"));
        for bad in [&b""[..], b"\n", b"\xff\n"] {
            assert!(read(bad).unwrap_err().contains("first line"));
        }
        assert!(read(&vec![b'x'; 64 * 1024 + 1]).unwrap_err().contains("64 KiB"));
    }

    #[test]
    fn nothing_shows_the_token() {
        let options = Options { tokens: vec![Secret("sym_rt_x".into())], format: Format::default() };
        assert!(!format!("{options:?}").contains("sym_rt_x"));
    }
}
