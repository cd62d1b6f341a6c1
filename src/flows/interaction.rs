//! The context of a page within an authorization request: the request, parsed afresh as `/authorize` does, and the session of the
//! user. Without a valid request or a session, the user is sent back to `/authorize`.

pub mod consent;
pub mod select_account;

use std::sync::Arc;

use actix_web::web::Data;

use crate::{
    app::App,
    pages::Template,
    paths,
    protocol::{
        oauth::{
            authorization::{self, AuthorizationRequest},
            client::Client,
        },
        values::params::Params,
    },
    store::{
        AnyConnection,
        sessions::Session,
        users::{self, User},
    },
    web::{
        authorization_request::{self, Read},
        blocking::Priority,
        fault::Fault,
        forms, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        returning, session,
    },
};

/// A page within an authorization request.
pub struct InteractionPage {
    /// Its path, below the path of the issuer.
    pub path: &'static str,
    /// Shows it; again, if the form has expired.
    pub show: fn(&App, &mut AnyConnection, &Interaction, is_expired: bool) -> Result<Reply, PageError>,
    /// Handles its form, whose CSRF token is valid.
    pub submit: fn(&App, &mut AnyConnection, &Interaction, &Params) -> Result<Reply, PageError>,
}

/// A request to such a page, and the authorization request it is about.
pub struct Interaction {
    /// The request to the page.
    pub request: PageRequest,
    /// The client.
    pub client: Arc<Client>,
    /// The authorization request.
    pub authorization: AuthorizationRequest,
    /// The user's session.
    pub session: Session,
    cookie: String,
    path: &'static str,
}

/// Answers a request to a page: reads the authorization request and the form, and checks its CSRF token.
pub async fn answer(request: PageRequest, app: &Data<App>, page: &'static InteractionPage) -> Reply {
    if let Err(error) = request.body(app) {
        return page_request::reply(app, &request.context, Err(error));
    }
    page_request::run(app, Priority::Browsers, request, move |app, connection, request| {
        let interaction = Interaction::read(app, connection, request, page.path)?;
        let Some(form) = interaction.request.form(app)? else { return (page.show)(app, connection, &interaction, false) };
        let (path, now) = (interaction.path_with_request(), interaction.request.context.now);
        match forms::check(app, &interaction.cookie, &path, form, now) {
            Ok(()) => (page.submit)(app, connection, &interaction, form),
            Err(_) => (page.show)(app, connection, &interaction, true),
        }
    })
    .await
}

impl Interaction {
    /// Reads the authorization request that a page is about.
    ///
    /// # Errors
    /// The redirect to `/authorize` if there is nothing to ask the user, or the page that says what is wrong.
    fn read(app: &App, connection: &mut AnyConnection, request: PageRequest, path: &'static str) -> Result<Self, PageError> {
        let base = app.config.issuer.base();
        let (cookie, context, query) = (request.session.clone(), &request.context, &request.query);
        let back = || Reply::see_other(&format!("{base}{}?{}", paths::AUTHORIZE, query.to_query(&returning::NAMES, &[])));
        let named = authorization::client_id(query).unwrap_or_default();
        let ahead = session::read_ahead(app, connection, cookie.as_deref(), named, context.now)?;
        let (client, authorization) = match authorization_request::read(app, context, connection, &ahead.registered, query)? {
            Read::Good(good) => *good,
            Read::Page(page) => return Err(page.into()),
            Read::Refused(..) => return Err(back().into()),
        };
        let (Some(session), Some(cookie)) = (ahead.session, cookie) else { return Err(back().into()) };
        Ok(Self { request, client, authorization, session, cookie, path })
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// Database errors.
    pub fn user(&self, connection: &mut AnyConnection) -> Result<User, Fault> {
        let Session { id, user_id, .. } = &self.session;
        users::find(connection, *user_id)?
            .ok_or_else(|| Fault::Internal(format!("session {id} belongs to a user who does not exist")))
    }

    /// The action of the page's form.
    pub fn action(&self, app: &App) -> String {
        format!("{}{}?{}", app.config.issuer.base(), self.path, self.request.query.to_query(&[], &[]))
    }

    /// The CSRF token of the page's form: bound to the browser and to this authorization request.
    pub fn csrf(&self, app: &App) -> String {
        forms::stamp(app, &self.cookie, &self.path_with_request(), self.request.context.now)
    }

    fn path_with_request(&self) -> String {
        format!("{}?{}", self.path, returning::request_of(&self.request.query))
    }

    /// The redirect to a path with the request and all its stamps, one of them replaced.
    pub fn redirect(&self, app: &App, path: &str, stamp: &str, value: &str) -> Reply {
        let query = self.request.query.to_query(&[stamp], &[(stamp, value)]);
        Reply::see_other(&format!("{}{path}?{query}", app.config.issuer.base()))
    }

    /// The page as a response; its form may lead to the client.
    pub fn show(&self, page: &impl Template, is_expired: bool) -> Reply {
        let target = self.authorization.address.form_action_source();
        if is_expired {
            page::show(400, page, Some(&target)).noting("form expired or forged")
        } else {
            page::show(200, page, Some(&target))
        }
    }
}
