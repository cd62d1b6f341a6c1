//! The session that a sign-in begins: by password (`login`), or by a link and the password just chosen (`register::finish`). Its id is
//! derived from the form, so that a form that is sent twice begins one session, at whichever process it arrives.

use actix_web::http::header;

use super::known_browser;
use crate::{
    app::App,
    protocol::{
        oidc::authentication::Amr,
        values::{id::Id, network, time::Timestamp},
    },
    random,
    store::{
        AnyConnection, Result,
        sessions::{self, Session, SignIn},
        users::User,
    },
    web::{
        cookies::{Cookie, Keep},
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
    /// Reads the session that this browser has, if any. `id` is that of the form.
    ///
    /// # Errors
    /// Database errors.
    pub fn read(
        app: &App,
        connection: &mut AnyConnection,
        request: &PageRequest,
        (user, id): (Id, Id),
        remember: bool,
    ) -> Result<Self> {
        // Not the time of the request, which may have waited for its turn: an operator who requires a new sign-in means this one.
        let now = app.clock.now();
        let before = session::unended(app, connection, request.session.as_deref())?;
        let before = match before {
            None => session::renewed(app, connection, request.session.as_deref(), now)?.filter(|one| one.user_id == user),
            before => before,
        };
        let known = known_browser::name(app, request.device.as_deref(), now);
        let lifetimes = &app.config.lifetimes;
        let lifetime = if remember { lifetimes.remembered_session_absolute } else { lifetimes.session_absolute };
        let new = Session {
            id,
            user_id: user,
            generation: 0,
            auth_time: now,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(lifetime),
            ended_at: None,
            origin: request.context.origin(),
            amr: Amr::password(),
            remembered: remember,
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

/// The response, with the cookies of a session that has just begun.
pub fn with_cookies(app: &App, reply: Reply, session: &Session, now: Timestamp) -> Reply {
    let reply = reply.with(header::SET_COOKIE, &session::cookie(app, session, now));
    let Some(device) = &session.device_id else { return reply };
    reply.with(header::SET_COOKIE, &Cookie::Device.set(&app.config.issuer, &known_browser::cookie(app, device, now), Keep::Long))
}
