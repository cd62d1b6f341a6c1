//! Explains signed tokens: access tokens (RFC 9068), ID tokens, logout tokens and signed responses. Whether an access token is
//! active is decided by `inspection`.

use super::{
    super::{Error, Work, output::time},
    Explanation, username,
};
use crate::{
    caches::registrations::Registrations,
    inspection::Inspector,
    jose::{
        keys::KeyRing,
        verify::{self, Claims, Typ},
    },
    protocol::{
        account::subject::stored,
        oidc::claims::{grant_of_jti, text},
        values::{id::Id, time::Timestamp},
    },
    store::{grants, signing_keys, subjects},
};

/// Any text but a derived credential: a JWT, or nothing of ours.
pub fn signed(work: &mut Work<'_>, token: &str) -> Result<Explanation, Error> {
    let rows = signing_keys::all(work.connection)?;
    let ring = KeyRing::open(&rows, &work.config.secrets, &KeyRing::default()).map_err(|error| error.to_string())?;
    let Some((typ, claims)) = verify::look(&ring, token) else {
        let because = "expected a credential that starts with sym_ac_, sym_rt_, sym_se_ or sym_cs_, or a signed JWT";
        return Ok(Explanation::inactive("not a credential of this server", because));
    };
    let claims = match claims {
        Ok(claims) => claims,
        Err(refused) => return Ok(Explanation::inactive(kind(&typ, None), refused.0)),
    };
    let mut explanation =
        Explanation { is: kind(&typ, Some(&claims)), made_by: Some("a key of this server"), ..Explanation::default() };
    explanation.audiences = Some(verify::audiences(&claims).map(str::to_owned).collect());
    explanation.expires =
        claims.get("exp").and_then(serde_json::Value::as_i64).map(|at| time(Timestamp::from_millis(at.saturating_mul(1000))));
    match explanation.is {
        ACCESS_TOKEN => {
            explanation.typ = Some(if typ == "jwt" { AS_JWT } else { "at+jwt: no other kind of token has it" });
            access_token(work, &ring, token, (claims, explanation))
        }
        is => {
            explanation.client_id = verify::audiences(&claims).next().map(str::to_owned);
            explanation.username = user(work, &claims)?;
            explanation.session = claims.get("sid").and_then(|sid| sid.as_str()).map(str::to_owned);
            let flaw = flaw(work, &claims);
            explanation.active = flaw.is_none();
            explanation.because = flaw.unwrap_or(worth(is)).into();
            Ok(explanation)
        }
    }
}

const ACCESS_TOKEN: &str = "an access token";
const ID_TOKEN: &str = "an ID token";
const LOGOUT_TOKEN: &str = "a logout token";

/// What remains where an API asks for the `typ` of ID tokens.
const AS_JWT: &str = "JWT, which ID tokens have as well: the API distinguishes them by aud, which is a client ID in an ID token";

/// The kind by the `typ` of its header; three kinds have the same, and are distinguished by their claims, if they are ours.
fn kind(typ: &str, claims: Option<&Claims>) -> &'static str {
    match typ {
        "at+jwt" | "application/at+jwt" => ACCESS_TOKEN,
        "jwt" => match claims.map(|claims| (Typ::of(typ, claims), claims.contains_key("exp"))) {
            None => "an ID token, or an access token with the typ of one",
            Some((Some(Typ::AccessToken), _)) => ACCESS_TOKEN,
            Some((Some(Typ::IdToken), _)) => ID_TOKEN,
            Some((None, false)) => "a signed /userinfo response",
            Some((None, true)) => FOREIGN,
        },
        "logout+jwt" => LOGOUT_TOKEN,
        "token-introspection+jwt" => "a signed /introspect response",
        _ => FOREIGN,
    }
}

const FOREIGN: &str = "a signed JWT of a type that this server does not issue";

fn worth(is: &str) -> &'static str {
    match is {
        ID_TOKEN => "it tells its client about a sign-in; it grants no access",
        LOGOUT_TOKEN => "it tells its client that a session has ended",
        _ => "it is a response to its client; it grants no access",
    }
}

fn flaw(work: &Work<'_>, claims: &Claims) -> Option<&'static str> {
    if text(claims, "iss").ok() != Some(work.config.issuer.as_str()) {
        Some("iss names another issuer")
    } else if claims.contains_key("exp") && verify::is_expired(claims, work.now.seconds()) {
        Some("it has expired")
    } else {
        None
    }
}

fn access_token(
    work: &mut Work<'_>,
    ring: &KeyRing,
    token: &str,
    (claims, mut explanation): (Claims, Explanation),
) -> Result<Explanation, Error> {
    let scope = text(&claims, "scope").unwrap_or_default(); // absent where the token has no scope
    explanation.client_id = text(&claims, "client_id").ok().map(str::to_owned);
    explanation.scope = Some(scope.to_owned());
    if let Some(id) = text(&claims, "jti").ok().and_then(grant_of_jti) {
        explanation.grant = Some(id.to_string());
        explanation.username = user(work, &claims)?;
        explanation.current_generation = grants::find(work.connection, id)?.map(|found| found.grant.generation);
    }
    let registrations = Registrations::default();
    let registered = registrations.now(work.connection, work.now)?;
    let inspector = Inspector { config: work.config, ring, registered, now: work.now, shift: 0 };
    match inspector.access_token(work.connection, token, None)? {
        Err(inactive) => explanation.because = inactive.reason,
        Ok(found) => {
            let user = if found.found.is_some() { "on behalf of a user" } else { "for the client itself" };
            let left = if found.left.scopes.to_string() == scope {
                ""
            } else {
                "; some of its scopes have since been removed from the client"
            };
            (explanation.active, explanation.because) = (true, format!("it is valid until it expires, {user}{left}"));
            explanation.scope = Some(found.left.scopes.to_string());
        }
    }
    Ok(explanation)
}

/// The user whose subject it names.
fn user(work: &mut Work<'_>, claims: &Claims) -> Result<Option<String>, Error> {
    let Ok(sub) = text(claims, "sub") else { return Ok(None) };
    let id =
        if stored(sub).is_some() { subjects::find(work.connection, sub)?.map(|(user, _)| user) } else { Id::parse(sub).ok() };
    id.map(|id| username(work, id)).transpose()
}
