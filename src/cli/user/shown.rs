//! A person as printed. Nothing of their password is part of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::output::{lines, time};
use crate::store::people::Person;

pub const HEADING: [&str; 5] = ["USER", "EMAIL", "NAME", "ACCOUNT", "CREATED"];

#[derive(Serialize)]
pub struct Shown<'a> {
    id: String,
    username: &'a str,
    email: &'a str,
    email_verified: bool,
    name: Option<&'a str>,
    roles: &'a [String],
    groups: &'a [String],
    attributes: &'a Map<String, Value>,
    disabled: bool,
    created: String,
    updated: String,
}

impl<'a> Shown<'a> {
    pub fn new(person: &'a Person) -> Self {
        let claims = &person.claims;
        Self {
            id: claims.id.to_string(),
            username: &claims.username,
            email: &claims.email,
            email_verified: claims.email_verified,
            name: claims.display_name.as_deref(),
            roles: &claims.roles,
            groups: &claims.groups,
            attributes: &claims.attributes,
            disabled: person.disabled_at.is_some(),
            created: time(person.created_at),
            updated: time(claims.updated_at),
        }
    }

    /// A row below [`HEADING`].
    pub fn row(&self) -> [String; 5] {
        let name = self.name.unwrap_or_default();
        [self.username.into(), self.email.into(), name.into(), self.account().into(), self.created.clone()]
    }

    /// Every field with its name.
    pub fn fields(&self) -> [(&'static str, String); 10] {
        let verified = if self.email_verified { "verified" } else { "not verified" };
        [
            ("user", self.username.into()),
            ("id", self.id.clone()),
            ("e-mail", format!("{} ({verified})", self.email)),
            ("name", self.name.unwrap_or("none").into()),
            ("account", self.account().into()),
            ("created", self.created.clone()),
            ("changed", self.updated.clone()),
            ("roles", lines(self.roles)),
            ("groups", lines(self.groups)),
            ("attributes", lines(self.attributes.iter().map(|(name, value)| format!("{name}={value}")))),
        ]
    }

    fn account(&self) -> &'static str {
        if self.disabled { "off" } else { "on" }
    }
}
