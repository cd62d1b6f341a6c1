//! HTML responses: a rendered page with the headers of every page, and the error page.

use actix_web::http::{StatusCode, header};

use super::{
    body::{BODY_LIMIT, BodyProblem},
    context::Context,
    fault::{Fault, RETRY_AFTER},
    headers,
    reply::Reply,
};
use crate::{
    pages::{self, Layout, Problem, Template},
    protocol::oauth::authorization_response::AuthorizationResponse,
};

/// Renders a page. `form_target` is where its form may lead in the end, besides this server.
#[must_use]
pub fn show(status: u16, page: &impl Template, form_target: Option<&str>) -> Reply {
    render(status, page, headers::page(form_target, false))
}

/// As [`show`], for a page whose script requests data of this server.
#[must_use]
pub fn show_asking(status: u16, page: &impl Template, form_target: Option<&str>) -> Reply {
    render(status, page, headers::page(form_target, true))
}

fn render(status: u16, page: &impl Template, headers: Vec<(header::HeaderName, header::HeaderValue)>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match page.render() {
        Ok(html) => Reply::html(status, html).with_all(headers),
        Err(error) => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered.").noting(error.to_string()),
    }
}

/// The error page.
#[must_use]
pub fn error(base: &str, context: &Context, status: u16, problem: Problem<'_>) -> Reply {
    let note = problem.to_string().chars().take(300).collect::<String>();
    let page = pages::Error { layout: Layout { base, request_id: &context.id }, status, problem };
    show(status, &page, None).noting(note)
}

/// The page for a form whose cookie is missing: it came from another site, whose POST carries no `SameSite=Lax` cookie, or the
/// browser has lost the cookie or keeps none. The response sets no cookie, as a POST from another site gets it too; the page at
/// `again`, which the user opens from there, does.
#[must_use]
pub fn cookie_missing(base: &str, context: &Context, again: &str) -> Reply {
    error(base, context, 400, Problem::CookieMissing { again })
}

/// The error page for a body that cannot be used.
#[must_use]
pub fn body_problem(base: &str, context: &Context, problem: &BodyProblem) -> Reply {
    match problem {
        BodyProblem::TooLarge => error(base, context, 413, Problem::TooLarge { limit: BODY_LIMIT }),
        problem => error(base, context, 400, Problem::MalformedRequest { detail: &problem.describe() }),
    }
}

/// The authorization response, on its way to the client: by redirect, or by a form post.
#[must_use]
pub fn authorization_response(base: &str, context: &Context, response: &AuthorizationResponse) -> Reply {
    match response {
        AuthorizationResponse::Redirect(location) => Reply::see_other(location),
        AuthorizationResponse::Form { action, source, fields } => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = pages::FormPost { layout: Layout { base, request_id: &context.id }, action, fields: &fields };
            show(200, &page, Some(source))
        }
    }
}

/// The error page of a fault.
#[must_use]
pub fn fault(base: &str, context: &Context, fault: &Fault) -> Reply {
    match fault {
        Fault::Unavailable(reason) | Fault::Busy(reason) => {
            error(base, context, 503, Problem::Unavailable).with(header::RETRY_AFTER, RETRY_AFTER).noting(reason)
        }
        Fault::Internal(reason) => error(base, context, 500, Problem::Internal).noting(reason),
    }
}
