//! A user as printed, with nothing of the password.

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{
    Error, Work,
    output::{lines, time},
};
use crate::{
    protocol::grant,
    store::{
        clients, grants,
        links::{self, Link},
        sessions,
        users::User,
    },
};

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
    /// The last sign-in.
    signed_in: Option<String>,
    /// The time since when a new sign-in is required; `None` if it is not.
    sign_in_again_since: Option<String>,
}

/// A user with their sessions, grants and links.
#[derive(Serialize)]
pub struct Whole<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    active_sessions: usize,
    active_grants: usize,
    open_links: Vec<ShownLink>,
}

/// An open link in an e-mail, as printed. Its token is not included: whoever has it can use the link.
#[derive(Serialize)]
pub struct ShownLink {
    kind: &'static str,
    /// The address it was sent to.
    to: Option<String>,
    created: String,
    expires: String,
}

impl<'a> Whole<'a> {
    /// Counts the user's active sessions and grants; lists the open links.
    pub fn read(work: &mut Work<'_>, user: &'a User) -> Result<Self, Error> {
        let (id, now, lifetimes) = (user.claims.id, work.now, &work.config.lifetimes);
        let mut sessions = sessions::unended_of(work.connection, id)?;
        sessions.retain(|session| !session.is_over(now, lifetimes.idle(session.remembered)) && user.disabled_at.is_none());
        let clients = clients::all(work.connection)?;
        let mut active_grants = 0;
        for listed in grants::active_of(work.connection, id, now)? {
            let Some(found) = grants::find(work.connection, listed.id)? else { continue };
            let Some(client) = clients.iter().find(|client| client.id == found.grant.client_id) else { continue };
            let policy = lifetimes.policy(client, &found.grant);
            let is_waiting = found.grant.generation > 0 || grant::is_code_fresh(&found.grant, &policy, now);
            if is_waiting && grant::inactive(&found.grant, client, &policy, &found.status(now, found.read_at)).is_none() {
                active_grants += 1;
            }
        }
        let open_links = if user.disabled_at.is_none() { links::open_of(work.connection, id, now)? } else { vec![] };
        let open_links = open_links.iter().map(ShownLink::new).collect();
        Ok(Self { shown: Shown::new(user), active_sessions: sessions.len(), active_grants, open_links })
    }

    /// Every field with its name.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let counts = [("active sessions", self.active_sessions), ("active grants", self.active_grants)];
        let links = ("unused links", lines(self.open_links.iter().map(ShownLink::line)));
        self.shown.fields().into_iter().chain(counts.map(|(name, count)| (name, count.to_string()))).chain([links]).collect()
    }
}

impl ShownLink {
    pub fn new(link: &Link) -> Self {
        Self { kind: link.kind.name(), to: link.email.clone(), created: time(link.created_at), expires: time(link.expires_at) }
    }

    fn line(&self) -> String {
        let to = self.to.as_deref().unwrap_or("an unknown address");
        format!("{} to {to}, created {}, expires {}", self.kind.replace('_', " "), self.created, self.expires)
    }
}

impl<'a> Shown<'a> {
    pub fn new(user: &'a User) -> Self {
        let claims = &user.claims;
        Self {
            id: claims.id.to_string(),
            username: &claims.username,
            email: &claims.email,
            email_verified: claims.email_verified,
            name: claims.display_name.as_deref(),
            roles: &claims.roles,
            groups: &claims.groups,
            attributes: &claims.attributes,
            disabled: user.disabled_at.is_some(),
            created: time(user.created_at),
            updated: time(claims.updated_at),
            signed_in: user.signed_in_at.map(time),
            sign_in_again_since: user.must_sign_in_since().map(time),
        }
    }

    /// A table row below [`HEADING`].
    pub fn row(&self) -> [String; 5] {
        let name = self.name.unwrap_or_default();
        [self.username.into(), self.email.into(), name.into(), self.account().into(), self.created.clone()]
    }

    /// Every field with its name.
    pub fn fields(&self) -> [(&'static str, String); 12] {
        let verified = if self.email_verified { "verified" } else { "not verified" };
        [
            ("user", self.username.into()),
            ("id", self.id.clone()),
            ("e-mail", format!("{} ({verified})", self.email)),
            ("name", self.name.unwrap_or("none").into()),
            ("account", self.account().into()),
            ("created", self.created.clone()),
            ("changed", self.updated.clone()),
            ("last sign-in", self.signed_in.clone().unwrap_or_else(|| "never".into())),
            ("sign in again", self.sign_in_again_since.as_ref().map_or_else(|| "no".into(), |since| format!("since {since}"))),
            ("roles", lines(self.roles)),
            ("groups", lines(self.groups)),
            ("attributes", lines(self.attributes.iter().map(|(name, value)| format!("{name}={value}")))),
        ]
    }

    fn account(&self) -> &'static str {
        if self.disabled { "disabled" } else { "enabled" }
    }
}
