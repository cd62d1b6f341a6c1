//! The options that set the details of a user besides the password. Which details are valid is `operations::details`.

use clap::Args;
use serde_json::Value;

use super::super::{Error, refuse};
use crate::{
    operations::details::DetailChanges,
    protocol::{account::user::check_attribute, oauth::scope::ScopeClaims},
};

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
    /// The requested changes; an attribute without value is removed.
    pub fn read(self, custom: &ScopeClaims) -> Result<DetailChanges, Error> {
        let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let attribute = |text: &String| match text.split_once('=') {
            None => refuse(format!("attribute '{text}': expected NAME=VALUE")),
            Some((name, "")) => Ok((name.to_owned(), None)),
            Some((name, value)) => Ok((name.to_owned(), Some(read(name, value, custom)?))),
        };
        let attributes = self.attributes.iter().map(attribute).collect::<Result<_, Error>>()?;
        Ok(DetailChanges { roles: given(self.roles), groups: given(self.groups), attributes })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::{
        account::user::User,
        values::{id::Id, time::Timestamp},
    };

    fn alice() -> User {
        User {
            id: Id::from([1; 16]),
            subject: None,
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
        let changes = details.read(&custom).map_err(|error| error.to_string())?;
        changes.apply(&mut user, &custom).map(|()| user).map_err(|error| error.to_string())
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
}
