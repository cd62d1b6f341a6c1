//! The claims that each scope grants (OpenID Connect Core §5.1, §5.4; `roles` and `groups` by RFC 9068 §2.2.3.1): the standard
//! scopes, and further ones by configuration.

use crate::protocol::oauth::scope::{ScopeClaims, Scopes};

/// The scopes whose claims are in ID tokens as well as at `/userinfo`: what apps identify users by. Addresses, telephone numbers and
/// the operator's own claims are in an ID token only if they are individually requested.
pub const IN_ID_TOKENS: [&str; 4] = ["profile", "email", "roles", "groups"];

/// The claims that each standard scope grants.
const OPENED: [(&str, &[&str]); 6] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    ("roles", &["roles"]),
    ("groups", &["groups"]),
];

/// Every claim about a user, standard ones first, as in the discovery document.
pub fn claims(custom: &ScopeClaims) -> impl Iterator<Item = &str> {
    let standard = OPENED.iter().flat_map(|(_, claims)| claims.iter().copied());
    standard.chain(custom.scopes().flat_map(|scope| custom.opened_by(scope).iter().map(String::as_str)))
}

/// The claims that a scope grants.
pub fn opened_by<'a>(scope: &str, custom: &'a ScopeClaims) -> impl Iterator<Item = &'a str> {
    let standard = OPENED.iter().filter(move |(name, _)| *name == scope).flat_map(|(_, claims)| claims.iter().copied());
    standard.collect::<Vec<_>>().into_iter().chain(custom.opened_by(scope).iter().map(String::as_str))
}

/// The claims that these scopes grant; one that several of them grant is repeated.
pub fn opened_by_any<'a>(scopes: &'a Scopes, custom: &'a ScopeClaims) -> impl Iterator<Item = &'a str> {
    scopes.iter().flat_map(|scope| opened_by(scope, custom))
}

/// The scopes that grant a claim.
pub fn scopes_of<'a>(claim: &str, custom: &'a ScopeClaims) -> impl Iterator<Item = &'a str> {
    let standard = OPENED.iter().filter(move |(_, claims)| claims.contains(&claim)).map(|(scope, _)| *scope);
    standard.chain(custom.scopes().filter(move |scope| custom.opened_by(scope).iter().any(|opened| opened == claim)))
}
