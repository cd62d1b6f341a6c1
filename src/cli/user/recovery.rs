//! `symbolon user reset`: a password reset that an operator begins and cannot finish (ASVS 6.4.6). All sessions and grants end, the
//! password is removed, and an e-mail tells the user where to request a new one. There is no link to pass on: a reset link works
//! only for ten minutes and in the browser that requested it, and an operator who had one could choose the password.

use super::{
    super::{Answer, Work, output, refuse},
    Who, find, forget_failures, operated,
};
use crate::{config::MailTransport, paths, protocol::account::activity::Activity, store::account};

pub fn run(work: &mut Work<'_>, who: &Who) -> Answer {
    let user = find(work, &who.login)?;
    let name = &user.claims.username;
    if matches!(work.config.mail.transport, MailTransport::Off) {
        return refuse(format!(
            "mail is not configured, and user '{name}' can set a new password only by e-mail (set one with symbolon user set-password, or disable the user with symbolon user disable)"
        ));
    }
    let id = user.claims.id;
    let events = [Activity::EverythingEnded, Activity::ResetRequested].map(|activity| operated(work.now, id, activity));
    let Some(ended) = account::take_password(work.connection, (&events[1], &events[0]))? else {
        return refuse(format!(
            "user '{name}' must be enabled and have a verified e-mail address (symbolon user enable, symbolon user set --email-verified)"
        ));
    };
    forget_failures(work, id)?;
    let url = work.config.issuer.url(paths::RECOVER);
    let (sessions, grants) = (ended.sessions.len(), ended.grants.len());
    let text = || {
        output::clean_lines(&format!(
            "removed the password of user {name}; {} and {} ended\nan e-mail to {} says how to set a new one at {url}\n",
            output::count(sessions, "session"),
            output::count(grants, "grant"),
            user.claims.email,
        ))
    };
    let value = serde_json::json!({
        "id": id.to_string(), "username": name, "ended_sessions": sessions, "ended_grants": grants, "told": user.claims.email, "url": url,
    });
    who.format.answer(&value, text)
}
