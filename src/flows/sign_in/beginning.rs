//! The session that a sign-in begins, once what was shown is enough for the account. `login` begins with a password, or a link with
//! the password just chosen (`register::finish`); where more is needed, the next page asks for it. A session's id is
//! derived from the form, so that a form that is sent twice begins one session, at whichever process it arrives.

use actix_web::http::header;

use super::{
    known_browser,
    progress::{self, Progress},
    trusted_browser,
};
use crate::{
    app::App,
    operations::authenticators,
    paths,
    protocol::values::{id::Id, network, time::Timestamp},
    random,
    store::{
        AnyConnection, Result,
        error::Error,
        sessions::{self, Session, SignIn},
        users::User,
    },
    web::{
        cookies::{Cookie, Keep},
        fault::Fault,
        page_request::PageRequest,
        reply::Reply,
        session,
    },
};

/// The purpose for which ids are derived.
const FORM: &str = "form that signs in";

/// What a sign-in needs besides the user.
pub struct Beginning {
    before: Option<Session>,
    new: Session,
    network: String,
    now: Timestamp,
}

/// The id of the session that a form begins. `stamp` is the form's CSRF token.
pub fn id(app: &App, stamp: &str, shown_at: Timestamp) -> Id {
    let hash = app.config.secrets.pseudonym(FORM, stamp);
    let mut bytes = [0; 10];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    Id::new(shown_at, bytes)
}

impl Beginning {
    /// Reads the session that this browser has, if any.
    ///
    /// # Errors
    /// Database errors.
    pub fn read(app: &App, connection: &mut AnyConnection, request: &PageRequest, progress: &Progress) -> Result<Self> {
        let user = progress.user;
        let Some(amr) = progress.proofs.amr() else { return Err(Error::Failed("a sign-in without a proof".into())) };
        // Not the time of the request, which may have waited for its turn: an operator who requires a new sign-in means this one.
        let now = app.clock.now();
        let before = session::unended(app, connection, request.session.as_deref())?;
        let before = match before {
            None => session::renewed(app, connection, request.session.as_deref(), now)?.filter(|one| one.user_id == user),
            before => before,
        };
        let known = known_browser::name(app, request.device.as_deref(), now);
        let lifetimes = &app.config.lifetimes;
        let lifetime = if progress.remember { lifetimes.remembered_session_absolute } else { lifetimes.session_absolute };
        let new = Session {
            id: progress.session,
            user_id: user,
            generation: 0,
            auth_time: now,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(lifetime),
            ended_at: None,
            origin: request.context.origin(),
            amr,
            proofs: progress.proofs.clone(),
            remembered: progress.remember,
            device_id: Some(known.map_or_else(random::text, str::to_owned)),
            sign_in_again_at: None,
            subject: None,
        };
        Ok(Self { before, new, network: network::range(request.context.address), now })
    }

    /// Begins the session, in a transaction of its own. A session of the same user gets a new generation, even if it was idle for too
    /// long: its grants may still be active, and end with it. A session of another user ends, and a new one begins. `None` if the
    /// password was changed, or the account disabled, while this one was hashed.
    ///
    /// # Errors
    /// Database errors.
    pub fn begin(&self, connection: &mut AnyConnection, user: &User) -> Result<Option<Session>> {
        sessions::begin(connection, self.sign_in(user), self.now)
    }

    /// As [`Beginning::begin`], as part of a transaction.
    ///
    /// # Errors
    /// Database errors.
    pub fn begin_in(&self, connection: &mut AnyConnection, user: &User) -> Result<Option<Session>> {
        sessions::begin_in(connection, self.sign_in(user), self.now)
    }

    /// When the sign-in happens.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    fn sign_in<'a>(&'a self, user: &'a User) -> SignIn<'a> {
        SignIn {
            user,
            before: self.before.as_ref(),
            new: self.new.clone(),
            spare: random::id(self.now),
            network: &self.network,
            event: random::id(self.now),
        }
    }
}

/// What follows something that was shown.
pub enum Next {
    /// The session has begun.
    Begun {
        /// The redirect, with the session's cookies.
        reply: Reply,
        /// The session.
        session: Box<Session>,
    },
    /// The redirect to the page that asks for the next factor.
    Factor(Reply),
}

/// As [`continued`], where the response is all that matters.
///
/// # Errors
/// Database errors.
pub fn go_on(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    of: (&User, &Progress),
    way_on: &str,
) -> std::result::Result<Option<Reply>, Fault> {
    let next = continued(app, connection, request, of, way_on)?;
    Ok(next.map(|(Next::Begun { reply, .. } | Next::Factor(reply))| reply))
}

/// Continues a sign-in after something was shown: begins the session if that is enough for the account, and redirects to `way_on`;
/// leads to the page that asks for the next factor otherwise. `None` if the password was changed, or the account disabled, meanwhile.
///
/// # Errors
/// Database errors.
pub fn continued(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    (user, progress): (&User, &Progress),
    way_on: &str,
) -> std::result::Result<Option<Next>, Fault> {
    let owned = authenticators::owned(connection, user)?;
    let is_complete = owned.is_signed_in_by(&progress.proofs, false)
        || owned.is_signed_in_by(&progress.proofs, true) && trusted_browser::is_trusted(app, connection, request, user)?;
    if !is_complete {
        let cookie = progress.cookie(app, request.browser.as_deref().unwrap_or_default());
        let cookie = cookie.ok_or_else(|| Fault::Internal("a sign-in in progress could not be sealed".into()))?;
        let to = format!("{}{}?{}", app.config.issuer.base(), paths::SECOND_FACTOR, request.query.to_query(&[], &[]));
        let note = format!("second factor needed: user {}", user.claims.id);
        return Ok(Some(Next::Factor(Reply::see_other(to.trim_end_matches('?')).with(header::SET_COOKIE, &cookie).noting(note))));
    }
    let beginning = Beginning::read(app, connection, request, progress)?;
    let Some(session) = beginning.begin(connection, user)? else { return Ok(None) };
    app.delivery_waker.wake();
    let reply = Reply::see_other(way_on).noting(format!("signed in: user {} session {}", user.claims.id, session.id));
    let reply = with_cookies(app, reply, &session, beginning.now());
    let is_over = request.progress.is_some();
    let reply = if is_over { reply.with(header::SET_COOKIE, &progress::forget(app)) } else { reply };
    Ok(Some(Next::Begun { reply, session: Box::new(session) }))
}

/// The response, with the cookies of a session that has just begun.
pub fn with_cookies(app: &App, reply: Reply, session: &Session, now: Timestamp) -> Reply {
    let reply = reply.with(header::SET_COOKIE, &session::cookie(app, session, now));
    let Some(device) = &session.device_id else { return reply };
    reply.with(header::SET_COOKIE, &Cookie::Device.set(&app.config.issuer, &known_browser::cookie(app, device, now), Keep::Long))
}
