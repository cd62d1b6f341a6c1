//! The account's activity, newest first and grouped by day, and the report "this was not me". Where a new password can be set by
//! e-mail, the report ends all sessions and grants and removes the password; otherwise it ends everything but this session and
//! asks for a password change.

use actix_web::web::Data;

use super::{SignedIn, answer, ending::ended_page, url};
use crate::{
    app::App,
    flows::{
        account::overview::AccountOverview,
        formatting::{self, ShownTime},
    },
    pages::{ActivityDay, ActivityEntry, ActivityPage, ActivityProblem, AfterEnd, Form as Target, NotMeEffect},
    paths,
    protocol::{
        account::activity::{Activity, Entry},
        values::id::Id,
    },
    store::{AnyConnection, account, activity, grants, resets},
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The number of events on a page.
const EVENTS: u32 = 50;

/// An event, with its texts.
struct ShownEntry {
    entry: Entry,
    day: String,
    iso: String,
    clock: String,
    program: Option<String>,
    grant: Option<String>,
}

/// `GET /account/activity`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| show(app, connection, signed_in, None);
    answer(request, &app, paths::ACCOUNT_ACTIVITY, handle).await
}

/// `POST /account/not-me`.
pub async fn post_not_me(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_ACTIVITY, not_me).await
}

/// `POST /account/cancel-reset`.
pub async fn post_cancel_reset(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_ACTIVITY, cancel_reset).await
}

/// What an operator was told, that everything was lost, is not so: whoever is signed in has not lost it.
fn cancel_reset(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_CANCEL_RESET) {
        return show(app, connection, signed_in, Some(ActivityProblem::FormExpired));
    }
    if account::cancel_reset(connection, &signed_in.event(Activity::ResetCancelled, None))? {
        app.delivery_waker.wake();
    }
    let note = format!("cancelled the reset: user {}", signed_in.user.claims.id);
    Ok(signed_in.done_at(app, paths::ACCOUNT_ACTIVITY, "reset-cancelled", None).noting(note))
}

fn not_me(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_NOT_ME) {
        return show(app, connection, signed_in, Some(ActivityProblem::FormExpired));
    }
    let event = signed_in.event(Activity::NotMe, None);
    let reply = match effect(app, signed_in) {
        NotMeEffect::ResetByMail => {
            let account_overview = AccountOverview::read(app, connection, &signed_in.user, signed_in.context.now)?;
            let ended = account::report_not_me(connection, None, &event)?;
            let next = if ended.password_taken { AfterEnd::SetPassword } else { AfterEnd::SignIn };
            ended_page(app, signed_in, &account_overview.ended(&ended), next)
        }
        NotMeEffect::ChangePassword => {
            account::report_not_me(connection, Some(&signed_in.session), &event)?;
            signed_in.done_at(app, paths::ACCOUNT_PASSWORD, "not-me", None)
        }
    };
    app.delivery_waker.wake();
    Ok(reply.noting(format!("this was not me: user {}", signed_in.user.claims.id)))
}

/// The password is removed only if the user can set a new one: by e-mail to a verified address.
fn effect(app: &App, signed_in: &SignedIn) -> NotMeEffect {
    if app.mailer.is_on() && signed_in.user.claims.email_verified {
        NotMeEffect::ResetByMail
    } else {
        NotMeEffect::ChangePassword
    }
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<ActivityProblem>,
) -> Result<Reply, PageError> {
    app.history.settle(connection);
    let before = signed_in.query.get("before").and_then(|id| Id::parse(id).ok());
    let mut found = activity::of(connection, signed_in.user.claims.id, before, EVENTS + 1)?;
    let has_more = found.len() > EVENTS as usize;
    found.truncate(EVENTS as usize);
    let own = url(app, paths::ACCOUNT_ACTIVITY);
    let older = found.last().filter(|_| has_more).map(|(id, _)| format!("{own}?before={id}"));
    let grants: Vec<_> = found.iter().filter_map(|(_, entry)| entry.grant).collect();
    let grants = grants::among(connection, signed_in.user.claims.id, &grants)?;
    let mut entries: Vec<_> = found.into_iter().map(|(_, entry)| ShownEntry::of(entry, &grants)).collect();
    entries.sort_by_key(|shown_entry| std::cmp::Reverse(shown_entry.entry.at)); // of several failures, the last one counts
    let days: Vec<_> = entries.chunk_by(|one, other| one.day == other.day).collect();
    let days: Vec<(&str, Vec<ActivityEntry<'_>>)> = days
        .into_iter()
        .filter_map(|day| Some((day.first()?.day.as_str(), day.iter().map(ShownEntry::shown).collect())))
        .collect();
    let days: Vec<_> = days.iter().map(|(name, entries)| ActivityDay { name, entries }).collect();
    let reset = resets::find(connection, signed_in.user.claims.id)?;
    let reset = reset.map(|reset| ShownTime::of(reset.due_at, signed_in.context.now));
    let cancels = (url(app, paths::ACCOUNT_CANCEL_RESET), signed_in.stamp(app, paths::ACCOUNT_CANCEL_RESET));
    let page = ActivityPage {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        days: &days,
        older: older.as_deref(),
        newest: before.is_some().then_some(own.as_str()),
        not_me: Target { action: &url(app, paths::ACCOUNT_NOT_ME), csrf: &signed_in.stamp(app, paths::ACCOUNT_NOT_ME) },
        effect: effect(app, signed_in),
        is_reset_cancelled: signed_in.done(app) == "reset-cancelled",
        reset: reset.as_ref().map(|at| (at.when(), Target { action: &cancels.0, csrf: &cancels.1 })),
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(ActivityProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
    })
}

impl ShownEntry {
    /// `grants` are those whose history is still there.
    fn of(entry: Entry, grants: &[Id]) -> Self {
        Self {
            grant: entry.grant.filter(|grant| grants.contains(grant)).map(|grant| grant.to_string()),
            day: formatting::day(entry.at),
            iso: formatting::iso(entry.at),
            clock: formatting::clock(entry.at),
            program: formatting::program(&entry.origin),
            entry,
        }
    }

    fn shown(&self) -> ActivityEntry<'_> {
        ActivityEntry {
            kind: self.entry.activity,
            iso: &self.iso,
            clock: &self.clock,
            origin: formatting::origin(&self.entry.origin, self.program.as_deref()),
            about: self.entry.about.as_deref(),
            grant: self.grant.as_deref(),
            count: self.entry.count,
        }
    }
}
