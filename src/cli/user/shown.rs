//! A user as text, with nothing of the password.

use super::super::output::lines;
use crate::operations::users::{LinkView, UserDetails, UserView};

pub const HEADING: [&str; 5] = ["USER", "EMAIL", "NAME", "ACCOUNT", "CREATED"];

/// A table row below [`HEADING`].
pub fn row(user: &UserView) -> [String; 5] {
    let name = user.name.clone().unwrap_or_default();
    [user.username.clone(), user.email.clone().unwrap_or_default(), name, account(user).into(), user.created.to_string()]
}

/// Every field of a user with its name.
pub fn fields(user: &UserView) -> [(&'static str, String); 13] {
    let verified = if user.email_verified { "verified" } else { "not verified" };
    [
        ("user", user.username.clone()),
        ("id", user.id.clone()),
        ("subject", user.sub.clone()),
        ("e-mail", user.email.as_ref().map_or_else(|| "none".into(), |email| format!("{email} ({verified})"))),
        ("name", user.name.clone().unwrap_or_else(|| "none".into())),
        ("account", account(user).into()),
        ("created", user.created.to_string()),
        ("changed", user.updated.to_string()),
        ("last sign-in", user.signed_in.map_or_else(|| "never".into(), |at| at.to_string())),
        ("sign in again", user.sign_in_again_since.map_or_else(|| "no".into(), |since| format!("since {since}"))),
        ("roles", lines(&user.roles)),
        ("groups", lines(&user.groups)),
        ("attributes", lines(user.attributes.iter().map(|(name, value)| format!("{name}={value}")))),
    ]
}

/// These, and what is active of theirs.
pub fn all_fields(details: &UserDetails) -> Vec<(&'static str, String)> {
    let counts = [("active sessions", details.active_sessions), ("active grants", details.active_grants)];
    let links = ("unused links", lines(details.open_links.iter().map(line)));
    fields(&details.user).into_iter().chain(counts.map(|(name, count)| (name, count.to_string()))).chain([links]).collect()
}

fn line(link: &LinkView) -> String {
    let to = link.to.as_deref().unwrap_or("an unknown address");
    format!("{} to {to}, created {}, expires {}", link.kind.replace('_', " "), link.created, link.expires)
}

fn account(user: &UserView) -> &'static str {
    if user.disabled { "disabled" } else { "enabled" }
}
