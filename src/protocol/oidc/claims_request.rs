//! The `claims` parameter (OpenID Connect Core §5.5): individually requested claims, at `/userinfo` or in the ID token, and the
//! `sub` and `acr` values that the client requires. Unknown members are ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{authentication::Class, standard_claims};
use crate::protocol::{
    error::Invalid,
    oauth::scope::{ScopeClaims, Scopes},
};

/// The maximum number of claims per place.
const LIMIT: usize = 100;

/// The parsed `claims` parameter. Only the two lists are stored with the grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Requested at `/userinfo`.
    #[serde(default)]
    pub userinfo: Vec<String>,
    /// Requested in the ID token.
    #[serde(default)]
    pub id_token: Vec<String>,
    /// The subject that must be signed in (Core §5.5.1).
    #[serde(skip)]
    pub sub: Option<String>,
    /// The acceptable classes of an essential `acr` (Core §5.5.1.1); if empty, any class is.
    #[serde(skip)]
    pub essential_acr: Option<Vec<String>>,
    /// The classes of an `acr` that is requested and not essential, in order of preference.
    #[serde(skip)]
    pub wished_acr: Vec<String>,
    /// The class that tokens tell, where it is another than that of the sign-in: one that was requested, and that it includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_acr: Option<Class>,
}

/// An essential `acr` of which this server knows none of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchClass;

impl ClaimsRequest {
    /// Parses the parameter.
    ///
    /// # Errors
    /// The expected form, for an `invalid_request`: JSON as in Core §5.5.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = |what: &str| Invalid::from(format!("claims: expected {what} (OpenID Connect Core 5.5)"));
        let all: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed("a JSON object"))?;
        let mut request = Self::default();
        for (place, requested) in &all {
            let names = match place.as_str() {
                "userinfo" => &mut request.userinfo,
                "id_token" => &mut request.id_token,
                _ => continue,
            };
            let Value::Object(requested) = requested else { return Err(malformed(&format!("an object as '{place}'"))) };
            if requested.len() > LIMIT {
                return Err(malformed(&format!("at most {LIMIT} claims in '{place}'")));
            }
            for (name, wish) in requested {
                let wish = match wish {
                    Value::Null => &Map::new(),
                    Value::Object(wish) => wish,
                    _ => return Err(malformed(&format!("null or an object for '{name}'"))),
                };
                match name.as_str() {
                    "sub" => {
                        let wanted = values(wish).ok_or_else(|| malformed("a string as the value of 'sub'"))?;
                        let wanted = match wanted.as_slice() {
                            [] => continue,
                            [one] => one,
                            _ => return Err(malformed("a single value of 'sub'")),
                        };
                        if request.sub.as_deref().is_some_and(|before| *before != **wanted) {
                            return Err(malformed("a single value of 'sub'"));
                        }
                        request.sub = Some(wanted.clone());
                    }
                    // Core §5.5.1.1: only in the ID token; `/userinfo` says nothing about the sign-in.
                    "acr" if place == "id_token" => {
                        let wanted = values(wish).ok_or_else(|| malformed("strings as the values of 'acr'"))?;
                        if wish.get("essential") == Some(&Value::Bool(true)) {
                            request.essential_acr = Some(wanted);
                        } else {
                            request.wished_acr = wanted;
                        }
                    }
                    _ => names.push(name.clone()),
                }
            }
        }
        Ok(request)
    }

    /// The part of it that a client may have: claims of the scopes it is registered for.
    #[must_use]
    pub fn allowed(mut self, client: &Scopes, custom: &ScopeClaims) -> Self {
        let is_allowed = |name: &String| standard_claims::scopes_of(name, custom).any(|scope| client.contains(scope));
        self.userinfo.retain(is_allowed);
        self.id_token.retain(is_allowed);
        self
    }

    /// The client's scopes that these claims belong to, which the user has to consent to.
    pub fn scopes<'a>(&self, client: &Scopes, custom: &'a ScopeClaims) -> impl Iterator<Item = &'a str> {
        let opening = |name: &String| standard_claims::scopes_of(name, custom).find(|scope| client.contains(scope));
        self.userinfo.iter().chain(&self.id_token).filter_map(opening)
    }

    /// Whether no claim is requested.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// The weakest class that satisfies an essential `acr`: each stronger one includes it. `None` if `acr` is not essential.
    ///
    /// # Errors
    /// No class of this server satisfies it.
    pub fn essential_class(&self) -> Result<Option<Class>, NoSuchClass> {
        let Some(wanted) = &self.essential_acr else { return Ok(None) };
        if wanted.is_empty() {
            return Ok(Some(Class::Password));
        }
        wanted.iter().filter_map(|name| Class::from_name(name)).min().map(Some).ok_or(NoSuchClass)
    }
}

/// `value` and `values` of a requested claim; `None` unless all of them are strings.
fn values(wish: &Map<String, Value>) -> Option<Vec<String>> {
    let several = wish.get("values").map_or(Some([].as_slice()), |values| values.as_array().map(Vec::as_slice))?;
    wish.get("value").into_iter().chain(several).map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom() -> ScopeClaims {
        ScopeClaims::new([("employee".to_owned(), vec!["department".to_owned()])].into()).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        // Core §5.5, with acr and sub by value.
        let request = ClaimsRequest::parse(
            r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true}, "http://example.info/claims/groups": null},
                "id_token": {"auth_time": {"essential": true}, "acr": {"essential": true, "values": ["urn:mace:incommon:iap:silver"]}, "sub": {"value": "248289761001"}},
                "else": 7}"#,
        )
        .unwrap();
        assert_eq!(request.userinfo, ["given_name", "nickname", "email", "http://example.info/claims/groups"]);
        assert_eq!(request.id_token, ["auth_time"]);
        assert_eq!(request.sub.as_deref(), Some("248289761001"));
        assert_eq!(request.essential_class(), Err(NoSuchClass), "no class of this server");
        let client = Scopes::parse("openid profile").unwrap();
        let allowed = request.allowed(&client, &custom());
        assert_eq!((allowed.userinfo.as_slice(), allowed.id_token.len()), (&["given_name".to_owned(), "nickname".into()][..], 0));
        assert_eq!(allowed.scopes(&client, &custom()).collect::<Vec<_>>(), ["profile", "profile"]);
    }

    #[test]
    fn what_is_malformed_is_refused_and_what_is_unknown_is_not() {
        for bad in [
            "",
            "x",
            "[]",
            "7",
            r#"{"userinfo": 7}"#,
            r#"{"id_token": {"email": "x"}}"#,
            r#"{"userinfo": []}"#,
            r#"{"id_token": {"sub": {"value": 7}}}"#,
            r#"{"id_token": {"sub": {"values": ["a", "b"]}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "value": 7}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "values": "x"}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "values": ["x", null]}}}"#,
        ] {
            assert!(ClaimsRequest::parse(bad).unwrap_err().as_ref().starts_with("claims: expected"), "{bad}");
        }
        assert!(ClaimsRequest::parse(r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#).is_err());
        for good in ["{}", r#"{"x": 1}"#, r#"{"userinfo": {"x": {"y": 1}}}"#, r#"{"id_token": {"acr": {"values": ["x"]}}}"#] {
            assert_eq!(ClaimsRequest::parse(good).unwrap().essential_class(), Ok(None), "{good}");
        }
        assert!(ClaimsRequest::parse(&"[".repeat(5000)).is_err(), "depth is bounded");
    }

    #[test]
    fn an_essential_acr_is_met_by_the_weakest_of_its_classes() {
        let wants = |text: &str| ClaimsRequest::parse(&format!(r#"{{"id_token": {{"acr": {text}}}}}"#)).unwrap();
        let [two, hardware] = [Class::TwoFactors, Class::Hardware].map(Class::as_str);
        let cases = [
            (format!(r#"{{"essential": true, "value": "{two}"}}"#), Ok(Some(Class::TwoFactors))),
            (format!(r#"{{"essential": true, "values": ["other", "{hardware}", "{two}"]}}"#), Ok(Some(Class::TwoFactors))),
            (r#"{"essential": true}"#.into(), Ok(Some(Class::Password))),
            (r#"{"essential": true, "values": ["other"]}"#.into(), Err(NoSuchClass)),
            (r#"{"essential": false, "values": ["other"]}"#.into(), Ok(None)),
        ];
        for (text, weakest) in cases {
            assert_eq!(wants(&text).essential_class(), weakest, "{text}");
        }
        assert_eq!(wants(&format!(r#"{{"values": ["{two}", "x"]}}"#)).wished_acr, [two, "x"], "a wish is not a condition");
        let elsewhere = r#"{"userinfo": {"acr": {"essential": true, "value": "other"}}}"#;
        assert_eq!(ClaimsRequest::parse(elsewhere).unwrap().essential_class(), Ok(None), "of the ID token alone");
    }

    #[test]
    fn a_claim_that_several_scopes_open_is_allowed_by_each() {
        let claims = |scope: &str| (scope.to_owned(), vec!["department".to_owned()]);
        let custom = ScopeClaims::new([claims("employee"), claims("staff")].into()).unwrap();
        let client = Scopes::parse("openid staff").unwrap();
        let request = ClaimsRequest::parse(r#"{"userinfo": {"department": null}}"#).unwrap().allowed(&client, &custom);
        assert_eq!(request.userinfo, ["department"]);
        assert_eq!(request.scopes(&client, &custom).collect::<Vec<_>>(), ["staff"]);
    }
}
