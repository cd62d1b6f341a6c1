//! What tokens and `/userinfo` say: the claims of the access token (RFC 9068 §2.2), of the ID token
//! (OpenID Connect Core §2) and about the person (§5.1, §5.4). Signing them is `jose`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    id::Id,
    scope::{OPENID, Scopes},
    time::Timestamp,
};

/// One audience as text, several as a list (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize)]
pub struct AccessToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The person.
    pub sub: String,
    /// The resource servers it is for.
    pub aud: Audience,
    /// The client it was issued to.
    pub client_id: &'a str,
    /// When it ends, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// Its own name: the grant's id, a dot, and 96 random bits.
    pub jti: String,
    /// What it opens.
    pub scope: String,
    /// When the person last proved who they are, in seconds.
    pub auth_time: i64,
    /// The session in which the grant was given.
    pub sid: String,
}

/// The claims of an ID token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize)]
pub struct IdToken<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The person.
    pub sub: String,
    /// The client.
    pub aud: &'a str,
    /// When it ends, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When the person last proved who they are, in seconds.
    pub auth_time: i64,
    /// As it came in the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The left half of the access token's hash (Core 3.1.3.6).
    pub at_hash: String,
    /// The session.
    pub sid: String,
}

/// The claims about a person that the scopes open.
#[derive(Clone, Debug, Serialize)]
pub struct UserInfo {
    /// The person; the same as in their tokens.
    pub sub: String,
    /// `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// `profile`: seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

/// Every claim above, as discovery lists them.
pub const SUPPORTED: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "sid",
    "name",
    "preferred_username",
    "updated_at",
    "email",
    "email_verified",
];

/// A person, as far as claims tell of one.
#[derive(Clone, Debug)]
pub struct Person {
    /// `sub`; never given to anyone else.
    pub id: Id,
    /// The name typed to sign in.
    pub username: String,
    /// The name shown.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: String,
    /// Whether it was shown to be theirs.
    pub email_verified: bool,
    /// When one of these last changed.
    pub updated_at: Timestamp,
}

impl Person {
    /// What the granted scopes open of this person (Core §5.4).
    #[must_use]
    pub fn user_info(&self, scopes: &Scopes) -> UserInfo {
        let (profile, email) = (scopes.contains("profile"), scopes.contains("email"));
        UserInfo {
            sub: self.id.to_string(),
            name: profile.then(|| self.display_name.clone()).flatten(),
            preferred_username: profile.then(|| self.username.clone()),
            updated_at: profile.then(|| self.updated_at.seconds()),
            email: email.then(|| self.email.clone()),
            email_verified: email.then_some(self.email_verified),
        }
    }
}

/// The audience of an access token: the resource servers, and the issuer where `openid` opens `/userinfo`.
/// With neither, the issuer: RFC 9068 §3 asks for one.
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

/// `jti` of an access token: names its grant, so that one row by key tells whether it still lives.
#[must_use]
pub fn jti(grant: Id, random: [u8; 12]) -> String {
    format!("{grant}.{}", URL_SAFE_NO_PAD.encode(random))
}

/// The grant that a `jti` names.
#[must_use]
pub fn grant_of_jti(jti: &str) -> Option<Id> {
    Id::parse(jti.split_once('.')?.0).ok()
}

/// `at_hash` for algorithms that hash with SHA-256 (Core 3.1.3.6).
#[must_use]
pub fn at_hash(access_token: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(access_token).into();
    let half = digest.split_first_chunk::<16>().map(|(half, _)| half.as_slice()).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_claims_are_told() {
        let person = Person {
            id: Id::from([1; 16]),
            username: "alice".into(),
            display_name: Some("Alice".into()),
            email: "alice@example.com".into(),
            email_verified: true,
            updated_at: Timestamp::from_millis(5_000),
        };
        let told = |scopes: &str| serde_json::to_value(person.user_info(&Scopes::parse(scopes).unwrap())).unwrap();
        assert_eq!(told("openid"), serde_json::json!({"sub": "01".repeat(16)}));
        assert_eq!(told("openid email")["email"], "alice@example.com");
        assert_eq!(told("openid email").get("name"), None);
        assert_eq!(told("openid profile")["updated_at"], 5);
        assert_eq!(told("openid profile").get("email"), None);
    }

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
    fn a_jti_names_its_grant() {
        let grant = Id::from([3; 16]);
        assert_eq!(grant_of_jti(&jti(grant, [0; 12])), Some(grant));
        assert_eq!(grant_of_jti("x"), None);
    }

    #[test]
    fn at_hash_is_the_example_of_the_specification() {
        // OpenID Connect Core A.3.
        assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
