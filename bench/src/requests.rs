//! The requests: one kind of work per measured path. Each request takes the next of many grants, tokens or users, so that the load
//! spreads over the whole database and no two requests touch the same row.

use std::{
    cell::{Cell, RefCell},
    fmt::Write,
};

use serde::Deserialize;

use crate::{
    http::{self, Connection},
    load::{Outcome, Work, outcome},
    trouble::{Result, Trouble},
};

/// A round-robin index.
#[derive(Default)]
struct RoundRobin(Cell<usize>);

impl RoundRobin {
    fn next(&self, all: usize) -> usize {
        let at = self.0.get();
        self.0.set(at + 1);
        at % all.max(1)
    }
}

/// Refreshing: each request takes the next chain, and stores the successor in its place.
pub struct Refresh {
    chains: Vec<(String, RefCell<String>)>,
    round_robin: RoundRobin,
}

impl Refresh {
    /// Chains from these client ids and refresh tokens.
    pub fn new(tokens: Vec<(String, String)>) -> Self {
        let chains = tokens.into_iter().map(|(client, token)| (client, RefCell::new(token))).collect();
        Self { chains, round_robin: RoundRobin::default() }
    }

    /// The number of chains.
    pub const fn chains(&self) -> usize {
        self.chains.len()
    }

    /// Refreshes the next chain; returns the access token, or `None` when the server was overloaded.
    ///
    /// # Errors
    /// When the response is neither.
    pub async fn next(&self, connection: &mut Connection) -> Result<Option<String>> {
        let chain = self.chains.get(self.round_robin.next(self.chains.len()));
        let (client, token) = chain.ok_or_else(|| Trouble::new("there are no refresh tokens"))?;
        let form = format!("grant_type=refresh_token&client_id={client}&refresh_token={}", token.borrow());
        let answer = connection.send(&http::post("/token", "", &form)).await?;
        if outcome(&answer, 200)? == Outcome::Refused {
            return Ok(None);
        }
        let answer: Tokens = serde_json::from_slice(&answer.body)?;
        token.replace(answer.refresh_token);
        Ok(Some(answer.access_token))
    }
}

/// The members read from a `/token` response.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

impl Work for Refresh {
    async fn once(&self, connection: &mut Connection) -> Result<Outcome> {
        Ok(if self.next(connection).await?.is_some() { Outcome::Answered } else { Outcome::Refused })
    }
}

/// The same requests in turn, which are answered with 200 and a body that contains a word.
pub struct Same {
    requests: Vec<String>,
    word: &'static str,
    round_robin: RoundRobin,
}

impl Same {
    /// These requests, and the word that each response must contain.
    pub fn new(requests: Vec<String>, word: &'static str) -> Self {
        Self { requests, word, round_robin: RoundRobin::default() }
    }
}

impl Work for Same {
    async fn once(&self, connection: &mut Connection) -> Result<Outcome> {
        let request = self.requests.get(self.round_robin.next(self.requests.len())).map_or("", String::as_str);
        let answer = connection.send(request).await?;
        let outcome = outcome(&answer, 200)?;
        let holds = answer.body.windows(self.word.len()).any(|part| part == self.word.as_bytes());
        if outcome == Outcome::Answered && !holds { Err(answer.unexpected()) } else { Ok(outcome) }
    }
}

/// A signed-in browser opens `/authorize`, and its app redeems the code.
pub struct Authorize {
    browsers: Vec<(String, String)>,
    redirect_uri: &'static str,
    scope: &'static str,
    round_robin: RoundRobin,
}

/// The verifier of RFC 7636, Appendix B, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Authorize {
    /// Browsers with these client ids and session cookies.
    pub fn new(browsers: Vec<(String, String)>, redirect_uri: &'static str, scope: &'static str) -> Self {
        Self { browsers, redirect_uri, scope, round_robin: RoundRobin::default() }
    }
}

impl Work for Authorize {
    async fn once(&self, connection: &mut Connection) -> Result<Outcome> {
        let browser = self.browsers.get(self.round_robin.next(self.browsers.len()));
        let (client, cookie) = browser.ok_or_else(|| Trouble::new("there are no sessions"))?;
        let redirect_uri = encode(self.redirect_uri);
        let query = format!(
            "response_type=code&client_id={client}&redirect_uri={redirect_uri}&scope={}&state=s&code_challenge={CHALLENGE}&code_challenge_method=S256",
            encode(self.scope)
        );
        let cookie = format!("Cookie: __Host-symbolon_session={cookie}\r\n");
        let answer = connection.send(&http::get(&format!("/authorize?{query}"), &cookie)).await?;
        if outcome(&answer, 303)? == Outcome::Refused {
            return Ok(Outcome::Refused);
        }
        let location = answer.header("location").unwrap_or_default();
        let code = location.split(['?', '&', '#']).find_map(|part| part.strip_prefix("code="));
        let code =
            code.ok_or_else(|| Trouble::new(format!("no code: sent to {}", location.split('?').next().unwrap_or_default())))?;
        let form = format!(
            "grant_type=authorization_code&client_id={client}&redirect_uri={redirect_uri}&code={code}&code_verifier={VERIFIER}"
        );
        outcome(&connection.send(&http::post("/token", "", &form)).await?, 200)
    }
}

/// Users sign in by name and password, each from an address of their own, as reported by a proxy.
pub struct SignIn {
    users: Vec<String>,
    password: &'static str,
    round_robin: RoundRobin,
}

impl SignIn {
    /// These users, all with this password.
    pub fn new(users: Vec<String>, password: &'static str) -> Self {
        Self { users, password, round_robin: RoundRobin::default() }
    }
}

impl Work for SignIn {
    async fn once(&self, connection: &mut Connection) -> Result<Outcome> {
        let at = self.round_robin.next(self.users.len());
        let user = self.users.get(at).map_or("", String::as_str);
        let from =
            format!("X-Forwarded-For: 10.{}.{}.{}\r\nX-Forwarded-Proto: https\r\n", at >> 16 & 255, at >> 8 & 255, at & 255);
        let page = connection.send(&http::get("/login", &from)).await?;
        if outcome(&page, 200)? == Outcome::Refused {
            return Ok(Outcome::Refused);
        }
        let cookie = page.all("set-cookie").find(|cookie| cookie.starts_with("__Host-symbolon_browser="));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default();
        let text = page.text();
        let csrf = text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let form = format!("csrf={}&username={user}&password={}", encode(csrf), encode(self.password));
        outcome(&connection.send(&http::post("/login", &format!("{from}Cookie: {cookie}\r\n"), &form)).await?, 303)
    }
}

/// A percent-encoded value of a form or a query.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // writing to a String never fails
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        assert_eq!(encode("https://a.example/b c~"), "https%3A%2F%2Fa.example%2Fb%20c~");
    }

    #[test]
    fn requests_are_repeated() {
        let round_robin = RoundRobin::default();
        assert_eq!([(); 5].map(|()| round_robin.next(3)), [0, 1, 2, 0, 1]);
        assert_eq!(RoundRobin::default().next(0), 0);
    }
}
