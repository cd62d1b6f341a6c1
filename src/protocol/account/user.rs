//! A user's claims and their values (OpenID Connect Core §5.1). Which claims each scope grants is `standard_claims`.

use serde_json::{Map, Value};

use crate::protocol::{
    error::Invalid,
    oauth::scope::{ScopeClaims, Scopes},
    oidc::{
        claims_request::ClaimsRequest,
        standard_claims::{claims, opened_by_any, scopes_of},
    },
    values::{id::Id, time::Timestamp},
};

/// A user, as described by claims.
#[derive(Clone, Debug)]
pub struct User {
    /// Never reassigned; the `sub` claim unless there is another subject, or it is pairwise.
    pub id: Id,
    /// The subject that another provider gave them: the `sub` claim unless it is pairwise.
    pub subject: Option<String>,
    /// The user name, typed to sign in.
    pub username: String,
    /// The display name.
    pub display_name: Option<String>,
    /// The e-mail address; empty if they have none.
    pub email: String,
    /// Whether the address is verified.
    pub email_verified: bool,
    /// Their roles, in the terms of the APIs.
    pub roles: Vec<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// Further claims by name: those of the scopes `profile`, `address` and `phone`, and of configured scopes.
    pub attributes: Map<String, Value>,
    /// When any of these last changed.
    pub updated_at: Timestamp,
}

/// The claims with columns of their own, which are never attributes.
const OWN: [&str; 7] = ["name", "preferred_username", "updated_at", "email", "email_verified", "roles", "groups"];
/// The members of `address` (Core §5.1.1).
const ADDRESS: [&str; 6] = ["formatted", "street_address", "locality", "region", "postal_code", "country"];
/// The maximum length of an attribute, as JSON.
const ATTRIBUTE_LIMIT: usize = 2000;

/// Validates an attribute before it is stored.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_attribute(name: &str, value: &Value, custom: &ScopeClaims) -> Result<(), Invalid> {
    if OWN.contains(&name) {
        return Err(format!("attribute '{name}': expected another name; use the dedicated option for this one").into());
    }
    if scopes_of(name, custom).next().is_none() {
        return Err(
            format!("attribute '{name}': expected a claim that a scope grants (see scope_claims in the configuration)").into()
        );
    }
    if value.to_string().len() > ATTRIBUTE_LIMIT {
        return Err(format!("attribute '{name}': expected at most {ATTRIBUTE_LIMIT} bytes as JSON").into());
    }
    let is_right = match (name, value) {
        ("phone_number_verified", value) => value.is_boolean(),
        ("address", Value::Object(address)) => {
            address.iter().all(|(name, value)| ADDRESS.contains(&name.as_str()) && value.is_string())
        }
        ("address", _) => false,
        (name, value) if custom.scope_of(name).is_none() => value.as_str().is_some_and(|text| !text.trim().is_empty()),
        (_, value) => !value.is_null(),
    };
    let expected = match name {
        "phone_number_verified" => "true or false".to_owned(),
        "address" => format!("an object with strings for any of {}", ADDRESS.join(", ")),
        _ => "a string".to_owned(),
    };
    if is_right { Ok(()) } else { Err(format!("attribute '{name}': expected {expected}").into()) }
}

impl User {
    /// The e-mail address, if they have one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        Some(self.email.as_str()).filter(|email| !email.is_empty())
    }

    /// The `sub` claim, unless it is pairwise.
    #[must_use]
    pub fn sub(&self) -> String {
        self.subject.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// The value of a claim, if the user has one.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Value> {
        match name {
            "name" => self.display_name.clone().map(Value::from),
            "preferred_username" => Some(self.username.clone().into()),
            "updated_at" => Some(self.updated_at.seconds().into()),
            "email" => self.address().map(Value::from),
            "email_verified" => self.address().map(|_| self.email_verified.into()),
            "roles" => Some(self.roles.clone().into()),
            "groups" => Some(self.groups.clone().into()),
            other => self.attributes.get(other).cloned(),
        }
    }

    /// The claims of a `/userinfo` response besides `sub`: those the scopes grant, and the individually requested ones that the
    /// client may have (Core §5.4, §5.5).
    #[must_use]
    pub fn user_info(&self, scopes: &Scopes, requested: &ClaimsRequest, custom: &ScopeClaims) -> Map<String, Value> {
        let is_opened = |name: &&str| opened_by_any(scopes, custom).any(|opened| opened == *name);
        let is_requested = |name: &&str| requested.userinfo.iter().any(|requested| requested == name);
        self.select(claims(custom).filter(|name| is_opened(name) || is_requested(name)))
    }

    /// The claims of an ID token about the user: those that these scopes grant, and the individually requested ones.
    #[must_use]
    pub fn id_token(&self, scopes: &Scopes, requested: &ClaimsRequest, custom: &ScopeClaims) -> Map<String, Value> {
        let is_known = |name: &&str| claims(custom).any(|claim| claim == *name);
        self.select(opened_by_any(scopes, custom).chain(requested.id_token.iter().map(String::as_str).filter(is_known)))
    }

    /// The claims of an access token about the user: those of `names` that its scopes grant.
    #[must_use]
    pub fn access_token(&self, scopes: &Scopes, names: &[&str], custom: &ScopeClaims) -> Map<String, Value> {
        self.select(opened_by_any(scopes, custom).filter(|name| names.contains(name)))
    }

    fn select<'a>(&self, names: impl Iterator<Item = &'a str>) -> Map<String, Value> {
        names.filter_map(|name| Some((name.to_owned(), self.claim(name)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alice() -> User {
        let attributes = json!({
            "given_name": "Alice", "address": {"locality": "Paris"}, "phone_number": "+33 1", "department": "books", "secret": 1,
        });
        User {
            id: Id::from([1; 16]),
            subject: None,
            username: "alice".into(),
            display_name: Some("Alice".into()),
            email: "alice@example.com".into(),
            email_verified: true,
            roles: vec!["editor".into()],
            groups: vec![],
            attributes: attributes.as_object().unwrap().clone(),
            updated_at: Timestamp::from_millis(5_000),
        }
    }

    fn custom() -> ScopeClaims {
        ScopeClaims::new([("employee".to_owned(), vec!["department".to_owned()])].into()).unwrap()
    }

    #[test]
    fn only_granted_claims_are_told() {
        let select = |scopes: &str, requested: &ClaimsRequest| {
            Value::Object(alice().user_info(&Scopes::parse(scopes).unwrap(), requested, &custom()))
        };
        let nothing = ClaimsRequest::default();
        assert_eq!(select("openid", &nothing), json!({}));
        assert_eq!(select("openid email", &nothing), json!({"email": "alice@example.com", "email_verified": true}));
        assert_eq!(
            select("openid profile", &nothing),
            json!({"name": "Alice", "given_name": "Alice", "preferred_username": "alice", "updated_at": 5})
        );
        assert_eq!(select("address phone", &nothing), json!({"address": {"locality": "Paris"}, "phone_number": "+33 1"}));
        assert_eq!(select("roles groups employee", &nothing), json!({"roles": ["editor"], "groups": [], "department": "books"}));
        let requested = ClaimsRequest { userinfo: vec!["email".into(), "secret".into()], ..ClaimsRequest::default() };
        assert_eq!(
            select("openid", &requested),
            json!({"email": "alice@example.com"}),
            "one by one, and nothing that no scope opens"
        );
        assert!(alice().id_token(&Scopes::default(), &requested, &custom()).is_empty());
    }

    #[test]
    fn a_token_has_the_claims_of_its_scopes() {
        let scopes = Scopes::parse("openid email roles employee").unwrap();
        let requested = ClaimsRequest { id_token: vec!["name".into(), "email".into()], ..ClaimsRequest::default() };
        assert_eq!(
            Value::Object(alice().id_token(&Scopes::parse("openid email").unwrap(), &requested, &custom())),
            json!({"email": "alice@example.com", "email_verified": true, "name": "Alice"})
        );
        assert_eq!(
            Value::Object(alice().access_token(&scopes, &["email", "name", "department", "groups"], &custom())),
            json!({"email": "alice@example.com", "department": "books"}),
            "no name without the scope profile"
        );
    }

    #[test]
    fn attributes_are_claims_of_a_scope_and_of_their_type() {
        for (name, value, good) in [
            ("given_name", json!("Alice"), true),
            ("given_name", json!(""), false),
            ("given_name", json!(7), false),
            ("phone_number_verified", json!(true), true),
            ("phone_number_verified", json!("yes"), false),
            ("address", json!({"country": "FR"}), true),
            ("address", json!({"planet": "Earth"}), false),
            ("address", json!("Paris"), false),
            ("department", json!(["a", 1]), true),
            ("department", json!(null), false),
            ("department", json!("x".repeat(2000)), false),
            ("email_verified", json!(true), false),
            ("roles", json!([]), false),
            ("unknown", json!("x"), false),
            ("sub", json!("x"), false),
        ] {
            assert_eq!(check_attribute(name, &value, &custom()).is_ok(), good, "{name}={value}");
        }
    }
}
