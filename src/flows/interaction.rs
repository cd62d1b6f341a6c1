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
        blocking::{Priority, run_blocking},
        body::Form,
        cookies,
        fault::Fault,
        page,
        reply::Reply,
        request::{Context, Request},
        returning, session,
    },
};

/// What a request to the page brings.
pub struct Visit {
    pub context: Context,
    pub query: Params,
    cookie: Option<String>,
}

/// What someone is asked about.
pub struct Interaction {
    pub client: Arc<Client>,
    pub request: AuthorizationRequest,
    pub session: Session,
    pub cookie: String,
}

/// What a page does with its question, and with the form if it was sent.
pub type Handler = fn(&App, &mut AnyConnection, &Visit, &Interaction, Option<&Params>) -> Result<Reply, Fault>;

/// Answers a request to a page: reads the form and the question, and lets `handle` do the rest.
pub async fn ask(request: &Request, app: &Data<App>, form: Option<Form>, handle: Handler) -> Reply {
    let visit = Visit::of(request);
    let (context, base) = (visit.context.clone(), app.config.issuer.base());
    let form = match form.map(|form| form.0).transpose() {
        Ok(form) => form,
        Err(problem) => return page::body_problem(base, &context, &problem),
    };
    let answer = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Reply, Fault> {
        match visit.interaction(app, connection)? {
            Ok(interaction) => handle(app, connection, &visit, &interaction, form.as_ref()),
            Err(reply) => Ok(reply),
        }
    });
    answer.await.unwrap_or_else(|fault| page::fault(base, &context, &fault))
}

impl Visit {
    fn of(request: &Request) -> Self {
        Self {
            context: request.context.clone(),
            query: Params::parse(request.query_string()),
            cookie: cookies::get(request, cookies::SESSION),
        }
    }

    fn interaction(&self, app: &App, connection: &mut AnyConnection) -> Result<Result<Interaction, Reply>, Fault> {
        let base = app.config.issuer.base();
        let back = || Reply::see_other(&format!("{base}{}?{}", paths::AUTHORIZE, self.query.to_query(&returning::NAMES, &[])));
        let (cookie, now) = (self.cookie.as_deref(), self.context.now);
        let named = authorization::client_id(&self.query).unwrap_or_default();
        let ahead = session::read_ahead(app, connection, cookie, named, now)?;
        let (client, request) = match authorization_request::read(app, &self.context, connection, &ahead.registered, &self.query)?
        {
            Read::Good(good) => *good,
            Read::Page(page) => return Ok(Err(page)),
            Read::Refused(..) => return Ok(Err(back())),
        };
        match (ahead.session, self.cookie.clone()) {
            (Some(session), Some(cookie)) => Ok(Ok(Interaction { client, request, session, cookie })),
            _ => Ok(Err(back())),
        }
    }

    /// What a form on the page at this path is about: this very request.
    pub fn about(&self, path: &str) -> String {
        format!("{path}?{}", returning::request_of(&self.query))
    }

    /// A path with the request and all stamps so far, and one of them put in anew.
    pub fn path_with(&self, path: &str, stamp: &str, value: &str) -> String {
        format!("{path}?{}", self.query.to_query(&[stamp], &[(stamp, value)]))
    }
}
