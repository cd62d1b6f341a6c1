//! The state of a grant as operators see it. `protocol::grant` decides whether it is still active.

use super::Context;
use crate::{
    protocol::{
        grant::{self, end_reason::Inactive},
        oauth::client::Client,
    },
    store::grants::Found,
};

/// The state of a grant, and the reason if it has ended.
pub(super) fn state(context: &Context<'_>, found: &Found, client: Option<&Client>) -> (&'static str, Option<Inactive>) {
    let Some(client) = client else { return ("ended", Some(Inactive::ClientDeleted)) };
    let (grant, status) = (&found.grant, found.status(context.now, found.read_at));
    let policy = context.config.lifetimes.policy(client, grant);
    if let Some(inactive) = grant::inactive(grant, client, &policy, &status) {
        ("ended", Some(inactive))
    } else if grant.generation > 0 {
        ("active", None)
    } else if !grant::is_code_fresh(grant, &policy, status.now) {
        ("ended", Some(Inactive::CodeExpired))
    } else {
        ("code", None)
    }
}
