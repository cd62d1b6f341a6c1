//! Access that has ended, as the page of devices and apps lists it: for how long, when it ended, and why. It is read by `listing`.

use crate::{
    app::App,
    config::Lifetimes,
    flows::{
        account::overview::AccountOverview,
        formatting::{self, ShownTime},
    },
    pages::ShownEnded,
    protocol::{
        grant::{
            Grant,
            end_reason::{EndReason, Inactive},
        },
        values::time::{Span, Timestamp},
    },
};

/// For how long ended grants are listed at most; they may be purged before.
const ENDED_WITHIN: Span = Span::from_seconds(30 * 86_400);

/// For how long ended grants are listed: until they are purged, if that is earlier.
pub fn ended_within(app: &App) -> Span {
    ENDED_WITHIN.min(app.config.lifetimes.purge_after)
}

/// Access that has ended, with its texts.
pub struct Ended<'a> {
    id: String,
    grant: &'a Grant,
    program: Option<String>,
    at: ShownTime,
    why: Inactive,
}

impl<'a> Ended<'a> {
    pub fn of(app: &App, grant: &'a Grant, now: Timestamp) -> Self {
        let (at, why) = end_of(&app.config.lifetimes, grant, now);
        let program = formatting::program(&grant.seen);
        Self { id: grant.id.to_string(), grant, program, at: ShownTime::of(at, now), why }
    }

    pub fn shown(&'a self, account_overview: &'a AccountOverview) -> ShownEnded<'a> {
        ShownEnded {
            id: &self.id,
            name: account_overview.device_name(self.grant),
            origin: formatting::origin(&self.grant.seen, self.program.as_deref()),
            ended: self.at.when(),
            why: self.why,
        }
    }
}

/// When a grant ended, and why: it was revoked, has expired, or was not used for too long.
fn end_of(lifetimes: &Lifetimes, grant: &Grant, now: Timestamp) -> (Timestamp, Inactive) {
    let reason = grant.end_reason.unwrap_or(EndReason::Other);
    let idle_end = grant.rotated_at.unwrap_or(grant.created_at).plus(lifetimes.refresh_idle);
    match grant.revoked_at {
        Some(at) => (at, Inactive::Revoked(reason)),
        None if grant.session_id.is_none() && idle_end <= now && idle_end < grant.expires_at => (idle_end, Inactive::Idle),
        None => (grant.expires_at, Inactive::Expired),
    }
}
