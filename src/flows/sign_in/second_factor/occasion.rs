//! Why the page asks: for a sign-in in progress, or for a session, which confirms that it is the user (`then` names the account page)
//! or has to reach a class for an app. And where the user goes afterwards.

use std::borrow::Cow;

use super::{USE, own_names};
use crate::{
    app::App,
    flows::sign_in::{
        login::{self, THEN},
        progress::Progress,
        sign_in_redirect,
    },
    operations::authenticators,
    paths,
    protocol::{
        account::{
            authenticator::{Goal, Missing, Owned},
            proof::Proofs,
        },
        oauth::required_class::Strength,
        oidc::authentication::Class,
    },
    store::{
        AnyConnection,
        sessions::{self, Session},
        users::{self, User},
    },
    web::{
        fault::Fault,
        forms,
        page_request::{PageError, PageRequest},
        required_class::{self, Shown},
        session,
    },
};

/// The user who is asked, and why.
pub struct Occasion {
    /// The user.
    pub user: User,
    /// What they have.
    pub owned: Owned,
    /// What they have shown.
    pub proofs: Proofs,
    /// What for.
    pub goal: Goal,
    /// In what.
    pub kind: Kind,
    /// The cookie that the form is bound to.
    bound_to: String,
}

/// What goes on afterwards.
pub enum Kind {
    /// A sign-in in progress.
    SignIn(Progress),
    /// A session.
    Session {
        /// The session, as it was when the form was shown.
        session: Box<Session>,
        /// The session as it is now, if the same form has renewed it a moment ago.
        renewed: Option<Box<Session>>,
        /// The account page to return to.
        then: Option<Cow<'static, str>>,
    },
}

impl Occasion {
    /// Reads what is in progress in this browser: a sign-in first; who leads a signed-in user here ends one that was abandoned.
    ///
    /// # Errors
    /// The redirect to the sign-in page if nothing is, or no longer.
    pub fn read(app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<Self, PageError> {
        let now = request.context.now;
        if let Some(progress) = Progress::read(app, request)
            && let Some(user) = users::find(connection, progress.user)?.filter(|user| progress.is_of(app, user))
        {
            let (owned, proofs) = (authenticators::owned(connection, &user)?, progress.proofs.clone());
            let bound_to = request.browser.clone().unwrap_or_default();
            return Ok(Self { user, owned, proofs, goal: Goal::SignIn, kind: Kind::SignIn(progress), bound_to });
        }
        let cookie = request.session.as_deref();
        let (current, renewed) = match session::current(app, connection, cookie, now)? {
            Some(session) => (Some(session), None),
            None if request.readable().is_some() => session::stepped_up(app, connection, cookie, now)?.unzip(),
            None => (None, None),
        };
        let user = match &current {
            Some(session) => users::find(connection, session.user_id)?.filter(|user| user.disabled_at.is_none()),
            None => None,
        };
        let (Some(session), Some(user), Some(bound_to)) = (current, user, request.session.clone()) else {
            let is_late = request.progress.is_some() || request.readable().is_some();
            let notice = is_late.then_some(sign_in_redirect::TOOK_TOO_LONG);
            return Err(sign_in_redirect::to_begin_again(app, request, notice, own_names(&request.query)).into());
        };
        let owned = authenticators::owned(connection, &user)?;
        let then = request.query.get(THEN).and_then(paths::account_page);
        let shown = Shown { user: user.claims.id, row: Some(&user), class: session.class() };
        let goal = match required_class::of_query(app, connection, shown, &request.query, now)? {
            Strength::StepUp { class, .. } => Goal::Class(class),
            _ if then.is_some() => Goal::Confirm,
            _ => Goal::Class(session.class().unwrap_or(Class::Password)), // nothing more is needed, or can be shown
        };
        let proofs = session.proofs.clone();
        let kind = Kind::Session { session: Box::new(session), renewed: renewed.map(Box::new), then };
        Ok(Self { user, owned, proofs, goal, kind, bound_to })
    }

    /// What is asked for.
    pub fn missing(&self, app: &App) -> Missing {
        self.owned.missing(self.goal, &self.proofs, app.clock.now())
    }

    /// Whether nothing has to be shown any more.
    pub fn is_reached(&self, app: &App) -> bool {
        self.owned.reaches(self.goal, &self.proofs, app.clock.now())
    }

    /// The cookie that the form is bound to.
    pub fn owner(&self) -> &str {
        &self.bound_to
    }

    /// What the form is about: this sign-in, or this page of the session.
    fn about(&self) -> String {
        match &self.kind {
            Kind::SignIn(progress) => format!("{} {}", paths::SECOND_FACTOR, progress.session),
            Kind::Session { .. } => paths::SECOND_FACTOR.to_owned(),
        }
    }

    /// The stamp of the form.
    pub fn stamp(&self, app: &App, request: &PageRequest) -> String {
        forms::stamp(app, &self.bound_to, &self.about(), request.context.now)
    }

    /// Whether the form was shown in this browser for this.
    pub fn sent(&self, app: &App, request: &PageRequest) -> bool {
        let check = |form| forms::check(app, &self.bound_to, &self.about(), form, request.context.now).is_ok();
        request.readable().is_some_and(check)
    }

    /// Whether the same form was sent a moment ago, and has done what it is for.
    ///
    /// # Errors
    /// Database errors.
    pub fn is_repeated(&self, app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<bool, Fault> {
        let user = self.user.claims.id;
        match &self.kind {
            Kind::Session { renewed, .. } => Ok(renewed.is_some()),
            Kind::SignIn(progress) => {
                let now = app.clock.now();
                let begun = match sessions::just_begun(connection, progress.session, now)? {
                    None => session::renewed(app, connection, request.session.as_deref(), now)?,
                    begun => begun,
                };
                Ok(begun.is_some_and(|session| session.user_id == user))
            }
        }
    }

    /// Where the user goes afterwards: for a change of their account back to its page, with the rest of the query, which is that page's
    /// own; otherwise on with the authorization request, as from the sign-in page.
    pub fn way_on(&self, app: &App, request: &PageRequest) -> String {
        if let Kind::Session { then: Some(page), .. } = &self.kind {
            let query = request.query.to_query(&[&[THEN][..], own_names(&request.query)].concat(), &[]);
            let to = format!("{}{page}?{query}", app.config.issuer.base());
            return to.trim_end_matches('?').to_owned();
        }
        login::way_on(app, request)
    }

    /// The URL of this page with the field for a recovery code, or with the other one.
    pub fn url(app: &App, request: &PageRequest, with_recovery_code: bool) -> String {
        let with: &[(&str, &str)] = if with_recovery_code { &[USE] } else { &[] };
        let query = request.query.to_query(own_names(&request.query), with);
        let to = format!("{}{}?{query}", app.config.issuer.base(), paths::SECOND_FACTOR);
        to.trim_end_matches('?').to_owned()
    }
}
