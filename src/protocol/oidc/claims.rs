//! Token claims: those of the access token (RFC 9068 §2.2), the ID token (OpenID Connect Core §2), the logout token and a signed
//! `/userinfo` response. Claims about a user are `user`; signing is `jose`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use crate::protocol::{
    oauth::scope::{OPENID, Scopes},
    secrets::SecretRing,
    values::{algorithm::Algorithm, id::Id},
};

/// One audience as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Audience {
    /// A single audience.
    One(String),
    /// Several audiences.
    Several(Vec<String>),
}

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize)]
pub struct AccessToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The user, or the client acting on its own behalf (RFC 9068 §2.2).
    pub sub: &'a str,
    /// The resource servers it is meant for.
    pub aud: Audience,
    /// The client it was issued to.
    pub client_id: &'a str,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// Its unique id: the grant's id, a dot, and 96 random bits.
    pub jti: String,
    /// The granted scopes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The claims about a user; absent when a client acts on its own behalf.
    #[serde(flatten)]
    pub user: Option<OfUser<'a>>,
}

/// The claims of an access token about the user and their sign-in (RFC 9068 §2.2.1, §2.2.3.1; RFC 9470 §6.1).
#[derive(Clone, Debug, Serialize)]
pub struct OfUser<'a> {
    /// When the user last authenticated, in seconds.
    pub auth_time: i64,
    /// The authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'static str>,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<&'a str>,
    /// The session in which the grant was issued.
    pub sid: &'a str,
    /// The user's roles and groups, if the scopes were granted, and what the APIs ask for.
    #[serde(flatten)]
    pub claims: &'a Map<String, Value>,
}

/// The claims of an ID token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize)]
pub struct IdToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The user.
    pub sub: &'a str,
    /// The client.
    pub aud: &'a str,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When the user last authenticated, in seconds.
    pub auth_time: i64,
    /// The value sent in the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'static str>,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<&'a str>,
    /// The left half of the access token's hash (Core 3.1.3.6).
    pub at_hash: String,
    /// The session.
    pub sid: &'a str,
    /// The claims about the user: those of the granted scopes, if the client gets them here, and the individually requested ones
    /// (Core §5.4, §5.5).
    #[serde(flatten)]
    pub claims: &'a Map<String, Value>,
}

/// The claims of a signed `/userinfo` response (Core §5.3.2).
#[derive(Clone, Debug, Serialize)]
pub struct SignedUserInfo<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The client.
    pub aud: &'a str,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// The claims of the unsigned response.
    #[serde(flatten)]
    pub claims: Map<String, Value>,
}

/// The claims of a logout token (Back-Channel Logout §2.4).
#[derive(Clone, Debug, Serialize)]
pub struct LogoutToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The user, by the subject that the client knows.
    pub sub: &'a str,
    /// The client.
    pub aud: &'a str,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds: two minutes later.
    pub exp: i64,
    /// A unique id.
    pub jti: String,
    /// The session that has ended.
    pub sid: &'a str,
    /// The event that makes it a logout token.
    pub events: Value,
}

/// The member of `events` that makes a JWT a logout token (Back-Channel Logout §2.4).
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The claims of tokens themselves, which discovery lists before those about a user.
pub const OF_TOKENS: [&str; 10] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];

/// The audience of an access token: the resource servers, and the issuer if `openid` gives access to `/userinfo`. With neither, the
/// issuer: RFC 9068 §3 requires one.
#[must_use]
pub fn audience(resources: &[String], scopes: &Scopes, issuer: &str) -> Audience {
    let mut all = resources.to_vec();
    if scopes.contains(OPENID) || all.is_empty() {
        all.push(issuer.to_owned());
    }
    match <[String; 1]>::try_from(all) {
        Ok([one]) => Audience::One(one),
        Err(all) => Audience::Several(all),
    }
}

/// The claims of an access token that this server signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAccessToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The user, or the client acting on its own behalf.
    pub sub: &'a str,
    /// The client it was issued to.
    pub client_id: &'a str,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// Its unique id.
    pub jti: &'a str,
    /// The granted scopes; empty if the claim is absent.
    pub scopes: Scopes,
}

/// A claim that is missing, or whose value this server would not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its claim '{0}' is missing or malformed")]
pub struct BadClaim(pub &'static str);

impl<'a> ReadAccessToken<'a> {
    /// Parses the claims of a token.
    ///
    /// # Errors
    /// [`BadClaim`]: no claim has a value that could stand in for a missing one.
    pub fn read(claims: &'a Map<String, Value>) -> Result<Self, BadClaim> {
        let seconds = |name| claims.get(name).and_then(Value::as_i64).ok_or(BadClaim(name));
        let scopes = match claims.get("scope") {
            None => Scopes::default(),
            Some(scope) => scope.as_str().and_then(|scope| Scopes::parse(scope).ok()).ok_or(BadClaim("scope"))?,
        };
        Ok(Self {
            iss: text(claims, "iss")?,
            sub: text(claims, "sub")?,
            client_id: text(claims, "client_id")?,
            exp: seconds("exp")?,
            iat: seconds("iat")?,
            jti: text(claims, "jti")?,
            scopes,
        })
    }
}

/// A claim that is a non-empty string.
///
/// # Errors
/// [`BadClaim`] for any other value.
pub fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, BadClaim> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(BadClaim(name))
}

/// The `sid` claim of tokens: the session's id, or for a pairwise subject a value specific to the sector, so that apps cannot
/// correlate their users by it (OpenID Connect Core §8).
#[must_use]
pub fn sid(secrets: &SecretRing, pairwise: Option<&str>, session: Id) -> String {
    let Some(subject) = pairwise else { return session.to_string() };
    half(secrets.pseudonym("sid", &format!("{subject} {session}")))
}

/// Whether a received `sid` is that of this session, also if it was derived with another secret of the list.
#[must_use]
pub fn is_sid(secrets: &SecretRing, pairwise: Option<&str>, session: Id, value: &str) -> bool {
    let Some(subject) = pairwise else { return session.to_string() == value };
    secrets.pseudonyms("sid", &format!("{subject} {session}")).any(|pseudonym| half(pseudonym) == value)
}

fn half(pseudonym: [u8; 32]) -> String {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(pseudonym) {
        *to = from;
    }
    Id::from(half).to_string()
}

/// The `jti` of an access token. It names the grant, so that one lookup by primary key shows whether the token is active.
#[must_use]
pub fn jti(grant: Id, random: [u8; 12]) -> String {
    format!("{grant}.{}", URL_SAFE_NO_PAD.encode(random))
}

/// The `jti` of an access token that a client got on its own behalf: it names no grant.
#[must_use]
pub fn client_jti(random: [u8; 16]) -> String {
    format!("client.{}", URL_SAFE_NO_PAD.encode(random))
}

/// The grant named by a `jti`, if it has the form that [`jti`] makes; anyone may present it.
#[must_use]
pub fn grant_of_jti(jti: &str) -> Option<Id> {
    let (grant, chance) = jti.split_once('.')?;
    let is_ours = chance.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    Id::parse(grant).ok().filter(|_| is_ours)
}

/// The `at_hash` claim (Core 3.1.3.6): the left half of the hash used by the signature algorithm.
#[must_use]
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let digest = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => Sha256::digest(access_token).to_vec(),
        Algorithm::EdDsa => Sha512::digest(access_token).to_vec(), // RFC 8032 §5.1: Ed25519 uses SHA-512
    };
    URL_SAFE_NO_PAD.encode(digest.split_at(digest.len() / 2).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_the_resources_and_the_issuer_for_userinfo() {
        let openid = Scopes::parse("openid").unwrap();
        let none = Scopes::default();
        let api = ["https://api.example.com".to_owned()];
        assert_eq!(audience(&api, &none, "https://id"), Audience::One("https://api.example.com".into()));
        assert_eq!(
            audience(&api, &openid, "https://id"),
            Audience::Several(vec!["https://api.example.com".into(), "https://id".into()])
        );
        assert_eq!(audience(&[], &none, "https://id"), Audience::One("https://id".into()));
    }

    #[test]
    fn an_access_token_without_one_of_its_claims_is_not_read() {
        let whole = serde_json::json!({
            "iss": "https://id", "sub": "s", "client_id": "c", "exp": 2, "iat": 1, "jti": "j", "scope": "openid"
        });
        let whole = whole.as_object().unwrap();
        assert_eq!(ReadAccessToken::read(whole).unwrap().scopes, Scopes::parse("openid").unwrap());
        for name in ["iss", "sub", "client_id", "exp", "iat", "jti"] {
            for value in [None, Some(Value::Null), Some("".into()), Some(true.into())] {
                let mut claims = whole.clone();
                claims.remove(name);
                claims.extend(value.map(|value| (name.to_owned(), value)));
                assert_eq!(ReadAccessToken::read(&claims), Err(BadClaim(name)), "{claims:?}");
            }
        }
        let mut claims = whole.clone();
        claims.insert("scope".into(), 1.into());
        assert_eq!(ReadAccessToken::read(&claims), Err(BadClaim("scope")));
        claims.remove("scope");
        assert!(ReadAccessToken::read(&claims).unwrap().scopes.is_empty(), "a token may open nothing");
    }

    #[test]
    fn a_session_has_another_name_in_each_sector() {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let session = Id::from([4; 16]);
        let [one, two] = ["p.one", "p.two"].map(|subject| sid(&secrets, Some(subject), session));
        assert_eq!((one.len(), two.len()), (32, 32));
        assert!(one != two && one != session.to_string());
        assert_eq!(sid(&secrets, None, session), session.to_string());
    }

    #[test]
    fn a_jti_names_its_grant() {
        let grant = Id::from([3; 16]);
        assert_eq!(grant_of_jti(&jti(grant, [0; 12])), Some(grant));
        assert_eq!(grant_of_jti("x"), None);
        assert_eq!(grant_of_jti(&format!("{grant}.\0")), None, "what no database takes as text");
        assert_eq!(grant_of_jti(&client_jti([7; 16])), None, "a client's own token comes from no grant");
    }

    #[test]
    fn at_hash_is_the_example_of_the_specification() {
        // OpenID Connect Core A.3.
        assert_eq!(at_hash(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(Algorithm::EdDsa, "x").len(), 43, "half of SHA-512");
    }
}
