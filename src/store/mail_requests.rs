//! What someone asked for by a form that tells nothing, found out and answered by an e-mail: each in one transaction with the
//! end of the delivery that brought it here, so that it is answered once.

use super::{
    AnyConnection, Result, account,
    activity::{self, Event},
    deliveries::{self, Content, Delivery, MailRequest},
    devices, dialect,
    links::{self, Link},
    rate_limits,
    sessions::Session,
    users::{self, User},
};
use crate::protocol::{
    activity::Activity,
    email_address::EmailAddress,
    id::Id,
    link::{LinkContent, LinkKind},
    login_name::LoginName,
    notification::{Notification, NotificationKind},
    rate_limit::Backoff,
    secrets::SecretRing,
    time::{Span, Timestamp},
};

/// So many e-mails with a link for a new password are sent to one user in an hour, whoever asks for them.
const RESETS: i64 = 5;
const HOUR: Span = Span::from_seconds(3600);
/// And so many besides to whoever asks in a browser with which they have signed in before, or in which a link of a mail to them was
/// opened: no unknown caller can use those up.
const OWN_RESETS: Backoff = Backoff { free: RESETS, max_wait: HOUR, forget_after: HOUR, exhausted: Some((RESETS, HOUR)) };

/// The ids of what an answer makes.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The link.
    pub link: Id,
    /// The e-mail.
    pub message: Id,
    /// The event.
    pub event: Id,
}

/// A new password was asked for: whoever has an account with an address that is known to be theirs gets a link, and the links of
/// before are dead that work in the same browser; those of others are not, as anyone can ask. Nobody else gets anything, and
/// nobody more than a few in an hour. Says whether an e-mail goes out.
///
/// # Errors
/// The database's.
pub fn answer_reset(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    (delivery, mail_request): (&Delivery, &MailRequest),
    ids: Ids,
    now: Timestamp,
) -> Result<bool> {
    let browser = mail_request.browser.clone();
    dialect::together(connection, |connection| {
        let found = users::find_by_login(connection, &LoginName::parse(&mail_request.login))?.map(|found| found.claims.id);
        let user = found.map(|id| users::lock(connection, id)).transpose()?.flatten();
        if !deliveries::finish(connection, delivery)? {
            return Ok(false);
        }
        let Some(user) = user.filter(User::can_recover) else { return Ok(false) };
        let id = user.claims.id;
        if !is_within_limits(connection, secrets, mail_request, id, now)? {
            return Ok(false);
        }
        links::end_in(connection, id, (LinkKind::Reset, &browser), now)?;
        let link = Link {
            user_id: Some(id),
            email: Some(user.claims.email.clone()),
            browser: Some(browser),
            content: LinkContent::of_request(&mail_request.query),
            ..Link::new(ids.link, LinkKind::Reset, now)
        };
        links::insert(connection, &link)?;
        let activity = Activity::ResetRequested;
        activity::insert(
            connection,
            &Event { id: ids.event, user: id, activity, origin: &mail_request.origin, about: None, at: now },
        )?;
        let name = Some(user.shown_name().to_owned());
        let notice = notice(NotificationKind::Reset, user.claims.email, name, (mail_request, delivery), Some(link.id));
        deliveries::enqueue(connection, ids.message, &Content::Notification(notice), now)?;
        Ok(true)
    })
}

/// Whether one more e-mail is sent to this user. Part of a transaction.
fn is_within_limits(
    connection: &mut AnyConnection,
    secrets: &SecretRing,
    mail_request: &MailRequest,
    user: Id,
    now: Timestamp,
) -> Result<bool> {
    let own = match (&mail_request.device, mail_request.link) {
        (Some(device), _) if devices::is_known(connection, user, device)? => Some(device.clone()),
        (_, Some(link)) if links::find(connection, link)?.is_some_and(|link| link.went_to(user)) => Some(link.to_string()),
        _ => None,
    };
    let Some(own) = own else {
        let hour_ago = Timestamp::from_millis(now.millis() - HOUR.millis());
        return Ok(links::count_since(connection, user, LinkKind::Reset, hour_ago)? < RESETS);
    };
    let key = secrets.pseudonym("mail asked for by its owner", &format!("{user} {own}"));
    rate_limits::count_in_time_in(connection, &key, &OWN_RESETS, now)
}

/// Someone wants to register with an address: its owner gets a link, or hears that they have an account. Says whether they
/// had none.
///
/// # Errors
/// The database's.
pub fn answer_registration(
    connection: &mut AnyConnection,
    (delivery, mail_request): (&Delivery, &MailRequest),
    ids: Ids,
    now: Timestamp,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if !deliveries::finish(connection, delivery)? {
            return Ok(false);
        }
        let Some(email) = EmailAddress::parse(&mail_request.login).map(String::from) else { return Ok(false) };
        if users::find_by_login(connection, &LoginName::parse(&email))?.is_some() {
            let notice = notice(NotificationKind::AlreadyRegistered, email, None, (mail_request, delivery), None);
            deliveries::enqueue(connection, ids.message, &Content::Notification(notice), now)?;
            return Ok(false);
        }
        let link = Link {
            email: Some(email.clone()),
            content: LinkContent::of_request(&mail_request.query),
            ..Link::new(ids.link, LinkKind::Register, now)
        };
        links::insert(connection, &link)?;
        let notice = notice(NotificationKind::Register, email, None, (mail_request, delivery), Some(link.id));
        deliveries::enqueue(connection, ids.message, &Content::Notification(notice), now)?;
        Ok(true)
    })
}

/// A link of a user, and the e-mail that brings it, in one transaction: an address to confirm, which someone asked for who has
/// shown the password in a session. False where that was overtaken, and then nothing was done.
///
/// # Errors
/// The database's.
pub fn send_link(
    connection: &mut AnyConnection,
    proof: (&User, &Session),
    link: &Link,
    (id, notice): (Id, &Notification),
    event: &Event<'_>,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if link.user_id != Some(proof.0.claims.id) || !account::still_counts(connection, proof, event.at)? {
            return Ok(false);
        }
        links::end_kind(connection, event.user, link.kind, link.created_at)?; // the newest counts
        links::insert(connection, link)?;
        activity::insert(connection, event)?;
        deliveries::enqueue(connection, id, &Content::Notification(notice.clone()), link.created_at)?;
        Ok(true)
    })
}

/// An invitation, with the e-mail that brings it or without: the newest to an address counts. All in one transaction.
///
/// # Errors
/// The database's.
pub fn invite(connection: &mut AnyConnection, link: &Link, message: Option<(Id, &Notification)>) -> Result<()> {
    dialect::together(connection, |connection| {
        links::withdraw(connection, link.email.as_deref().unwrap_or_default(), link.created_at)?;
        links::insert(connection, link)?;
        let Some((id, notice)) = message else { return Ok(()) };
        deliveries::enqueue(connection, id, &Content::Notification(notice.clone()), link.created_at)
    })
}

fn notice(
    kind: NotificationKind,
    to: String,
    name: Option<String>,
    (mail_request, delivery): (&MailRequest, &Delivery),
    link: Option<Id>,
) -> Notification {
    Notification { kind, to, name, at: delivery.created_at, origin: mail_request.origin.clone(), about: None, link }
}
