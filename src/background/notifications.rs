//! E-mail to users: notifications in the queue are rendered and sent, and requests from forms that disclose nothing about an
//! account are looked up and answered. When the mail server is down, delivery is retried for a day, with growing delays.

use std::sync::Arc;

use super::{LOOK_EVERY, Panicked, next_try, pause, stored, take_each, trust};
use crate::{
    app::App,
    display::{calendar::Calendar, user_agent},
    mail::{Message, SendError},
    pages::{self, CalendarTime, MessageFacts},
    paths,
    protocol::{
        account::{
            link::LinkKind,
            notification::{Notification, NotificationKind},
        },
        grant::credential::{Credential, Kind},
        values::{id::Id, time::Span},
    },
    random,
    store::{
        AnyConnection, Result,
        deliveries::{self, Content, Delivery, MailRequest},
        links,
        mail_requests::{self, Ids},
        users,
    },
    workers::{blocking_pool::PoolError, supervisor::caught},
};

/// How long one process holds an e-mail: well beyond the time that sending may take.
const IN_HAND: Span = Span::from_seconds(600);

/// The outcome of an attempt.
enum Outcome {
    /// It was sent.
    Sent,
    /// Nothing is to be sent, for this reason.
    Unwanted(&'static str),
    /// It will never be sent, for this reason.
    Rejected(String),
    /// It will be retried.
    Failed(String),
}

/// The state of an e-mail's link when the e-mail is rendered.
enum LinkState {
    /// The link is valid.
    Open(LinkKind),
    /// The link is not valid, and the e-mail is sent without it.
    LeftOut,
    /// The link is not valid, and the e-mail has no other purpose.
    Ended,
    /// The link has expired by a clock that is not trusted.
    Doubtful,
}

/// Runs until it is dropped, or a job of it panics.
pub async fn run(app: &Arc<App>) {
    while round(app).await.is_ok() {
        let _ = tokio::time::timeout(LOOK_EVERY, app.delivery_waker.for_users()).await;
    }
}

/// Starts the due deliveries, as far as there is capacity.
async fn round(app: &Arc<App>) -> std::result::Result<(), Panicked> {
    let room = app.messages.available_permits();
    let taking = app.clone();
    let taken = match stored(app, move |connection| take(&taking, connection, room)).await {
        Ok(Ok(taken)) => taken,
        Ok(Err(error)) => {
            pause(&error).await;
            return Ok(());
        }
        Err(PoolError::Panicked) => return Err(Panicked),
        Err(error) => {
            pause(&error).await;
            return Ok(());
        }
    };
    for delivery in taken {
        let Ok(permit) = app.messages.clone().acquire_owned().await else { return Ok(()) };
        let app = app.clone();
        tokio::spawn(async move {
            deal_with(&app, delivery).await;
            drop(permit);
            app.delivery_waker.wake();
        });
    }
    Ok(())
}

fn take(app: &App, connection: &mut AnyConnection, room: usize) -> Result<Vec<Delivery>> {
    let now = app.clock.now();
    let due = deliveries::due_to_users(connection, now, room)?;
    take_each(connection, due, now.plus(IN_HAND))
}

async fn deal_with(app: &Arc<App>, delivery: Delivery) {
    let outcome = match delivery.content.clone() {
        Content::Notification(notice) => {
            let sent = caught(send(app, &delivery, notice)).await;
            sent.unwrap_or_else(|| Outcome::Failed("sending panicked".into())) // given up in the end, like any other failure
        }
        Content::ResetRequested(mail_request) | Content::RegistrationRequested(mail_request) => {
            let (answering, requested) = (app.clone(), delivery.clone());
            match stored(app, move |connection| answer(&answering, connection, &requested, &mail_request)).await {
                Ok(Ok(())) => return, // the answer has removed the delivery
                Ok(Err(error)) => Outcome::Failed(error.to_string()),
                Err(error) => Outcome::Failed(error.to_string()),
            }
        }
        Content::Logout(_) => return, // addressed to a client
    };
    let settling = app.clone();
    match stored(app, move |connection| settle(&settling, connection, &delivery, &outcome)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the result of an e-mail could not be saved: will retry"),
        Err(error) => tracing::error!(%error, "an e-mail task failed"),
    }
}

/// Answers a form's request: looks up the account, and queues the e-mail if there is one to send.
fn answer(app: &App, connection: &mut AnyConnection, delivery: &Delivery, mail_request: &MailRequest) -> Result<()> {
    let now = app.clock.now();
    let ids = Ids { link: random::id(now), message: random::id(now), event: random::id(now) };
    let (what, is_sent) = match delivery.content {
        Content::RegistrationRequested(_) => {
            ("registration", mail_requests::answer_registration(connection, (delivery, mail_request), ids, now)?)
        }
        _ => {
            ("password reset", mail_requests::answer_reset(connection, &app.config.secrets, (delivery, mail_request), ids, now)?)
        }
    };
    tracing::info!(what, is_sent, "requested by a form");
    Ok(())
}

async fn send(app: &Arc<App>, delivery: &Delivery, notice: Notification) -> Outcome {
    if !app.mailer.is_on() {
        return Outcome::Unwanted("mail is off");
    }
    let link = match notice.link {
        None => None,
        Some(id) => {
            let (looking, requested) = (app.clone(), notice.clone());
            match stored(app, move |connection| link_of(&looking, connection, &requested, id)).await {
                Ok(Ok(LinkState::Open(kind))) => Some(kind),
                Ok(Ok(LinkState::LeftOut)) => None,
                Ok(Ok(LinkState::Ended)) => return Outcome::Unwanted("its link has expired or was revoked"),
                Ok(Ok(LinkState::Doubtful)) => {
                    return Outcome::Failed("its link has expired according to a clock that is not trusted".into());
                }
                Ok(Err(error)) => return Outcome::Failed(error.to_string()),
                Err(error) => return Outcome::Failed(error.to_string()),
            }
        }
    };
    let message = match write(app, delivery, &notice, link) {
        Ok(message) => message,
        Err(error) => return Outcome::Rejected(error.to_string()),
    };
    let mailer = app.mailer.clone();
    match tokio::task::spawn_blocking(move || mailer.send(&message)).await {
        Ok(Ok(())) => Outcome::Sent,
        Ok(Err(SendError::Permanent(why))) => Outcome::Rejected(why),
        Ok(Err(SendError::Later(why))) => Outcome::Failed(why),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// The state of an e-mail's link after the e-mail has waited. If the link is no longer valid, an e-mail that only carries it is
/// dropped; an e-mail that reports an event is sent without it, to the user's current address, or the former one after a change.
fn link_of(app: &App, connection: &mut AnyConnection, notice: &Notification, id: Id) -> Result<LinkState> {
    let now = app.clock.now();
    let Some(link) = links::find(connection, id)? else { return Ok(LinkState::Ended) };
    if link.is_open(now) {
        return Ok(LinkState::Open(link.kind));
    }
    if link.used_at.is_none() && link.ended_at.is_none() && !trust::is_trusted(app, connection, now)? {
        return Ok(LinkState::Doubtful);
    }
    let user = link.user_id.map(|user| users::find(connection, user)).transpose()?.flatten();
    let is_theirs = user.is_some_and(|user| user.claims.email == notice.to && user.claims.email_verified);
    let is_wanted = notice.kind.describes() && (is_theirs || notice.kind == NotificationKind::EmailChanged);
    Ok(if is_wanted { LinkState::LeftOut } else { LinkState::Ended })
}

/// Renders the e-mail. Its link is derived here, and stored nowhere.
fn write(
    app: &App,
    delivery: &Delivery,
    notice: &Notification,
    link: Option<LinkKind>,
) -> std::result::Result<Message, pages::MessageError> {
    let issuer = &app.config.issuer;
    let url = notice.link.zip(link).map(|(id, kind)| {
        let credential = Credential { kind: Kind::Link, id, generation: 0 }.derive(&app.config.secrets);
        issuer.url(&format!("{}?link={credential}", paths::of_link(kind)))
    });
    // The e-mail after a password was taken only links to a public page: another reader of it gains nothing.
    let url = url.or_else(|| (notice.kind == NotificationKind::PasswordTaken).then(|| issuer.url(paths::RECOVER)));
    let lasts = link.map(|kind| pages::span_text(kind.lifetime().seconds()));
    let browser = notice.origin.user_agent.as_deref().map(user_agent::words);
    let Calendar { year, month, day, hour, minute } = Calendar::of(notice.at);
    let history = notice.grant.map(|grant| issuer.url(&paths::of_grant(grant)));
    let facts = MessageFacts {
        kind: notice.kind,
        site: issuer.host(),
        name: notice.name.as_deref(),
        when: CalendarTime { year, month, day, hour, minute },
        browser: browser.as_deref(),
        place: notice.origin.place.as_deref(),
        address: notice.origin.address.as_deref(),
        about: notice.about.as_deref(),
        link: url.as_deref(),
        lasts: lasts.as_deref(),
        history: history.as_deref(),
    };
    let (subject, text) = pages::message(&facts)?;
    let id = name(delivery);
    Ok(Message { id, to: notice.to.clone(), subject, text, at: delivery.created_at })
}

/// The e-mail's name, in the log and in its Message-ID.
fn name(delivery: &Delivery) -> String {
    delivery.id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn settle(app: &App, connection: &mut AnyConnection, delivery: &Delivery, outcome: &Outcome) -> Result<()> {
    let what = match &delivery.content {
        Content::Notification(notice) => pages::kebab(&notice.kind),
        _ => "a form request".to_owned(),
    };
    let (id, attempt) = (name(delivery), delivery.attempts);
    match outcome {
        Outcome::Failed(why) => {
            if let Some(next) = next_try(app, connection, delivery, app.clock.now())? {
                tracing::warn!(what, id, attempt, why, "e-mail not sent: will retry");
                return deliveries::put_off(connection, delivery, next);
            }
            tracing::error!(what, id, attempt, why, "e-mail not sent: given up");
        }
        Outcome::Rejected(why) => tracing::warn!(what, id, attempt, why, "e-mail rejected permanently"),
        Outcome::Unwanted(why) => tracing::debug!(what, id, why, "e-mail no longer needed"),
        Outcome::Sent => tracing::info!(what, id, attempt, "e-mail sent"),
    }
    deliveries::remove(connection, delivery)
}
