//! Requests made by forms that reveal nothing, resolved and answered by e-mail: each in one transaction with the removal of its
//! delivery, so that it is answered once.

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
    account::{
        activity::Activity,
        email_address::EmailAddress,
        link::{LinkContent, LinkKind},
        login_name::LoginName,
        notification::{Notification, NotificationKind},
        rate_limit::Backoff,
    },
    secrets::SecretRing,
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// The maximum number of password reset e-mails to one user in an hour, regardless of who requests them.
const RESETS: i64 = 5;
const HOUR: Span = Span::from_seconds(3600);
/// The same number in addition for requests from a browser in which the user has signed in before, or in which an e-mail link of
/// theirs was opened: an attacker cannot use these up.
const OWN_RESETS: Backoff = Backoff { free: RESETS, max_wait: HOUR, forget_after: HOUR, exhausted: Some((RESETS, HOUR)) };

/// The ids of the rows that an answer creates.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The link.
    pub link: Id,
    /// The e-mail.
    pub message: Id,
    /// The activity event.
    pub event: Id,
}

/// Answers a password reset request: a user with a verified address gets a link, which ends their earlier links for the same
/// browser; those for other browsers stay valid, as anyone can make a request. Nobody else gets anything, and each user at most a
/// few e-mails an hour. Returns whether an e-mail is sent.
///
/// # Errors
/// Database errors.
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
            &Event { id: ids.event, user: id, activity, origin: &mail_request.origin, about: None, grant: None, at: now },
        )?;
        let name = Some(user.shown_name().to_owned());
        let notice = notice(NotificationKind::Reset, user.claims.email, name, (mail_request, delivery), Some(link.id));
        deliveries::enqueue(connection, ids.message, &Content::Notification(notice), now)?;
        Ok(true)
    })
}

/// Whether one more e-mail may be sent to this user. Part of a transaction.
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

/// Answers a registration request: the owner of the address gets a link, or is told that they have an account. Returns whether they
/// had none.
///
/// # Errors
/// Database errors.
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

/// Inserts a link of a user and its e-mail in one transaction: to confirm an address, as requested by a user who has entered the
/// password in a session. False if password, account or session changed meanwhile: then nothing was done.
///
/// # Errors
/// Database errors.
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
        links::end_kind(connection, event.user, link.kind, link.created_at)?; // only the newest is valid
        links::insert(connection, link)?;
        activity::insert(connection, event)?;
        deliveries::enqueue(connection, id, &Content::Notification(notice.clone()), link.created_at)?;
        Ok(true)
    })
}

/// Inserts the link by which a user confirms the address that an operator gave them, with its e-mail, in one transaction.
///
/// # Errors
/// Database errors.
pub fn ask_to_confirm(connection: &mut AnyConnection, user: Id, link: &Link, (id, notice): (Id, &Notification)) -> Result<()> {
    dialect::together(connection, |connection| {
        links::end_kind(connection, user, link.kind, link.created_at)?; // only the newest is valid
        links::insert(connection, link)?;
        deliveries::enqueue(connection, id, &Content::Notification(notice.clone()), link.created_at)
    })
}

/// Inserts an invitation, with or without its e-mail, in one transaction: only the newest to an address is valid.
///
/// # Errors
/// Database errors.
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
    Notification { kind, to, name, at: delivery.created_at, origin: mail_request.origin.clone(), about: None, link, grant: None }
}
