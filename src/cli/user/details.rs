//! The details of a user besides the password: the options that set them, and the messages where they are refused. Their syntax is
//! `protocol::account::profile`, the possible attributes `protocol::account::user`.

use clap::Args;
use serde_json::Value;

use super::super::{Error, refuse};
use crate::protocol::{
    account::{
        email_address::{EMAIL_LIMIT, EmailAddress},
        profile::{self, DISPLAY_NAME_LIMIT, USERNAME_LIMIT},
        user::{User, check_attribute},
    },
    oauth::scope::ScopeClaims,
    values::plain_text::check_text,
};

/// The maximum number of roles, and of groups: they are in every token with their scope.
const MAX_NAMES: usize = 100;

/// What apps and APIs are told of a user, where they may know it.
#[derive(Debug, Args)]
pub struct Details {
    /// A role; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A group; can be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A claim that a scope grants, as text or JSON; NAME= removes it; can be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
}

impl Details {
    /// Applies the requested details to the user; a list replaces the former one, an attribute without value is removed.
    pub fn give(&self, user: &mut User, custom: &ScopeClaims) -> Result<(), Error> {
        for (what, given, list) in [("role", &self.roles, &mut user.roles), ("group", &self.groups, &mut user.groups)] {
            if !given.is_empty() {
                *list = names(what, given)?;
            }
        }
        for text in &self.attributes {
            match text.split_once('=') {
                None => return refuse(format!("attribute '{text}': expected NAME=VALUE")),
                Some((name, "")) => {
                    if user.attributes.remove(name).is_none() {
                        return refuse(format!("attribute '{name}': expected a value, or an attribute that the user has"));
                    }
                }
                Some((name, value)) => {
                    user.attributes.insert(name.to_owned(), read(name, value, custom)?);
                }
            }
        }
        Ok(())
    }
}

/// The value as JSON if it is valid JSON of the claim's type; as text otherwise. So a number in a text claim stays text.
fn read(name: &str, value: &str, custom: &ScopeClaims) -> Result<Value, Error> {
    let text = Value::from(value);
    let Ok(json) = serde_json::from_str::<Value>(value) else {
        check_attribute(name, &text, custom)?;
        return Ok(text);
    };
    let Err(why) = check_attribute(name, &json, custom) else { return Ok(json) };
    if check_attribute(name, &text, custom).is_ok() && json.is_number() { Ok(text) } else { Err(why.into()) }
}

/// Roles or groups as they are stored: each once.
pub fn names(what: &str, given: &[String]) -> Result<Vec<String>, Error> {
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for name in given.iter().map(|name| name.trim()) {
        check_text(&format!("{what} '{name}'"), name)?;
        if !kept.iter().any(|other| other == name) {
            kept.push(name.to_owned());
        }
    }
    if kept.len() > MAX_NAMES {
        return refuse(format!("{what}s: expected at most {MAX_NAMES}, received {}", kept.len()));
    }
    Ok(kept)
}

pub fn check_username(name: &str) -> Result<String, Error> {
    profile::username(name).or_else(|_| {
        let name = name.to_lowercase();
        refuse(format!("user name '{name}': expected 1 to {USERNAME_LIMIT} characters without spaces, control characters or '@'"))
    })
}

pub fn check_email(email: &str) -> Result<String, Error> {
    EmailAddress::parse(email).map_or_else(
        || refuse(format!("e-mail address '{email}': expected name@host of at most {EMAIL_LIMIT} characters, without spaces")),
        |address| Ok(address.into()),
    )
}

pub fn check_display_name(name: &str) -> Result<String, Error> {
    profile::display_name(name).or_else(|_| {
        let name = name.trim();
        refuse(format!("name '{name}': expected 1 to {DISPLAY_NAME_LIMIT} characters, without control characters"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::values::{id::Id, time::Timestamp};

    fn alice() -> User {
        User {
            id: Id::from([1; 16]),
            username: "alice".into(),
            display_name: None,
            email: "alice@example.com".into(),
            email_verified: false,
            roles: vec!["old".into()],
            groups: vec!["staff".into()],
            attributes: json!({"given_name": "Alice"}).as_object().unwrap().clone(),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn given(roles: &[&str], attributes: &[&str]) -> Result<User, String> {
        let custom = ScopeClaims::new([("employee".to_owned(), vec!["number".to_owned()])].into()).unwrap();
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let details = Details { roles: owned(roles), groups: vec![], attributes: owned(attributes) };
        let mut user = alice();
        details.give(&mut user, &custom).map(|()| user).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_are_replaced_and_attributes_one_by_one() {
        let user = given(&["editor", "admin", " editor"], &["given_name=", "number=7", "birthdate=1980", "locale=fr"]).unwrap();
        assert_eq!((user.roles, user.groups), (vec!["editor".to_owned(), "admin".into()], vec!["staff".to_owned()]));
        let kept = json!({"number": 7, "birthdate": "1980", "locale": "fr"});
        assert_eq!(Value::Object(user.attributes), kept, "JSON where the claim may be that, text where it must be");
        let user = given(&[], &["address={\"locality\":\"Paris\"}", "number=a=b", "phone_number_verified=true"]).unwrap();
        assert_eq!(user.roles, ["old"]);
        let kept =
            json!({"given_name": "Alice", "address": {"locality": "Paris"}, "number": "a=b", "phone_number_verified": true});
        assert_eq!(Value::Object(user.attributes), kept);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (role, attribute, words) in [
            ("", "locale=fr", "1 to 100"),
            ("a\nb", "locale=fr", "control"),
            ("a", "locale", "NAME=VALUE"),
            ("a", "nickname=", "the user has"),
            ("a", "email=x", "dedicated option"),
            ("a", "unknown=x", "a scope grants"),
            ("a", "address=Paris", "an object"),
            ("a", "given_name={\"a\":1}", "a string"),
        ] {
            let refused = given(&[role], &[attribute]).unwrap_err();
            assert!(refused.contains(words), "{role} {attribute}: {refused}");
        }
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(given(&many, &[]).unwrap_err().contains("at most 100") && given(&many[1..], &[]).is_ok());
    }

    #[test]
    fn names_and_addresses_are_checked_and_kept_in_lower_case() {
        for (good, kept) in
            [("alice", "alice"), ("Alice.B-1", "alice.b-1"), ("ÉMILE", "émile"), (&"x".repeat(64), &"x".repeat(64))]
        {
            assert_eq!(check_username(good).unwrap(), kept);
        }
        for bad in ["", " ", "a b", "a@b", "a\tb", "a\u{1b}[2J", "a\u{202e}b", "a\u{a0}b", &"x".repeat(65)] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_email("Alice@Example.com").unwrap(), "alice@example.com");
        for bad in ["", "alice", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b", "a\0@b", &format!("{}@example.com", "x".repeat(250))]
        {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_display_name(" Alice B. ").unwrap(), "Alice B.");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(101)] {
            assert!(check_display_name(bad).is_err(), "{bad:?}");
        }
    }
}
