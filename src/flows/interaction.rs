//! What a page on the way of an authorization request is about: the request, read afresh as `/authorize` does, and who
//! is asked. Without a good request, or a session, there is no question, and `/authorize` is where the user goes.

use std::sync::Arc;

use actix_web::web::Data;

use crate::{
    app::App,
    paths,
    protocol::{
        authorization::{self, AuthorizationRequest},
        client::Client,
        params::Params,
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

/// What someone is asked about.
pub struct Interaction {
    pub client: Arc<Client>,
    pub request: AuthorizationRequest,
    pub session: Session,
    pub cookie: String,
}

/// What a page does with its question, and with the form if it was sent.
pub type Handler = fn(&App, &mut AnyConnection, &PageRequest, &Interaction, Option<&Params>) -> Result<Reply, PageError>;

/// Answers a request to a page: reads the form and the question, and lets `handle` do the rest.
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

/// What the page is about.
///
/// # Errors
/// Where everyone goes for whom there is no question.
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

/// What a form on the page at this path is about: this very request.
pub fn about(request: &PageRequest, path: &str) -> String {
    format!("{path}?{}", returning::request_of(&request.query))
}

/// A path with the request and all stamps so far, and one of them put in anew.
pub fn path_with(request: &PageRequest, path: &str, stamp: &str, value: &str) -> String {
    format!("{path}?{}", request.query.to_query(&[stamp], &[(stamp, value)]))
}
