//! The context of a page within an authorization request: the request, parsed afresh as `/authorize` does, and the session of the
//! user. Without a valid request or a session, the user is sent back to `/authorize`.

pub mod consent;
pub mod select_account;

use std::sync::Arc;

use actix_web::web::Data;

use crate::{
    app::App,
    paths,
    protocol::{
        oauth::{
            authorization::{self, AuthorizationRequest},
            client::Client,
        },
        values::params::Params,
    },
    store::{AnyConnection, sessions::Session},
    web::{
        authorization_request::{self, Read},
        blocking::Priority,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        returning, session,
    },
};

/// The authorization request that a page is about.
pub struct Interaction {
    pub client: Arc<Client>,
    pub request: AuthorizationRequest,
    pub session: Session,
    pub cookie: String,
}

/// The request handler of such a page; with the form, if one was sent.
pub type Handler = fn(&App, &mut AnyConnection, &PageRequest, &Interaction, Option<&Params>) -> Result<Reply, PageError>;

/// Answers a request to a page: reads the form and the authorization request, and calls `handle`.
pub async fn ask(request: PageRequest, app: &Data<App>, handle: Handler) -> Reply {
    if let Err(error) = request.body(app) {
        return page_request::reply(app, &request.context, Err(error));
    }
    page_request::run(app, Priority::Browsers, request, move |app, connection, request| {
        let interaction = interaction(app, connection, &request)?;
        handle(app, connection, &request, &interaction, request.form(app)?)
    })
    .await
}

/// The authorization request that the page is about.
///
/// # Errors
/// The redirect to `/authorize` if there is nothing to ask the user, or the page that says what is wrong.
fn interaction(app: &App, connection: &mut AnyConnection, request: &PageRequest) -> Result<Interaction, PageError> {
    let base = app.config.issuer.base();
    let back = || Reply::see_other(&format!("{base}{}?{}", paths::AUTHORIZE, request.query.to_query(&returning::NAMES, &[])));
    let (cookie, context, query) = (request.session.clone(), &request.context, &request.query);
    let named = authorization::client_id(query).unwrap_or_default();
    let ahead = session::read_ahead(app, connection, cookie.as_deref(), named, context.now)?;
    let (client, request) = match authorization_request::read(app, context, connection, &ahead.registered, query)? {
        Read::Good(good) => *good,
        Read::Page(page) => return Err(page.into()),
        Read::Refused(..) => return Err(back().into()),
    };
    let (Some(session), Some(cookie)) = (ahead.session, cookie) else { return Err(back().into()) };
    Ok(Interaction { client, request, session, cookie })
}

/// What the stamp of a form on the page at this path is bound to: this authorization request.
pub fn about(request: &PageRequest, path: &str) -> String {
    format!("{path}?{}", returning::request_of(&request.query))
}

/// A path with the request and all its stamps, one of them replaced.
pub fn path_with(request: &PageRequest, path: &str, stamp: &str, value: &str) -> String {
    format!("{path}?{}", request.query.to_query(&[stamp], &[(stamp, value)]))
}
