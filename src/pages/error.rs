//! The error page, `templates/error.html` with the words in `templates/error_words.html`, for requests that cannot be answered by
//! a redirect (RFC 6749 4.1.2.1) and for internal errors. It holds which problem it is; the caller determines it.

use std::fmt;

use askama::Template;

use super::Layout;

/// A page that says what is wrong, what was expected and received, and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct Error<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The HTTP status of the response.
    pub status: u16,
    /// What happened.
    pub problem: Problem<'a>,
}

/// The problem. Texts may be untrusted: the template escapes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem<'a> {
    /// `client_id` belongs to no registered client.
    UnknownClient {
        /// The `client_id`.
        received: &'a str,
    },
    /// `client_id` is missing.
    MissingClient,
    /// `redirect_uri` is missing.
    RedirectUriMissing {
        /// The number of redirect URIs that the client has registered.
        registered_count: usize,
    },
    /// `redirect_uri` is not one that the client has registered.
    RedirectUriMismatch {
        /// The `redirect_uri`.
        received: &'a str,
        /// The client's name.
        client_name: &'a str,
        /// How it differs from a registered one, if it is similar.
        hint: Option<RedirectHint>,
    },
    /// A parameter occurs more than once.
    RepeatedParameter {
        /// Its name.
        name: &'a str,
    },
    /// The request is malformed.
    MalformedRequest {
        /// What is wrong with it.
        detail: &'a str,
    },
    /// The request is too long.
    TooLarge {
        /// The maximum number of bytes.
        limit: usize,
    },
    /// A form's CSRF token has expired or belongs to another session, and the page of the form cannot be shown again.
    FormExpired,
    /// A form was submitted without the cookie of the browser that it is bound to.
    CookieMissing {
        /// The URL of the form's page.
        again: &'a str,
    },
    /// There is nothing at this path.
    NotFound {
        /// The path.
        path: &'a str,
    },
    /// The path exists, but not with this method. The response has an `Allow` header.
    MethodNotAllowed {
        /// The method.
        method: &'a str,
    },
    /// The request used plain HTTP from an address from which that is not allowed.
    InsecureTransport,
    /// Something that is needed is unavailable: the user should retry soon.
    Unavailable,
    /// An internal error.
    Internal,
    /// The client is disabled.
    ClientDisabled {
        /// The client's name.
        client_name: &'a str,
    },
}

impl fmt::Display for Problem<'_> {
    /// For the log, in plain text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClient { received } => write!(f, "client_id '{received}' is not registered"),
            Self::MissingClient => f.write_str("client_id is missing"),
            Self::RedirectUriMissing { registered_count } => {
                write!(f, "redirect_uri is missing, and the client has {registered_count}")
            }
            Self::RedirectUriMismatch { received, client_name, hint } => {
                write!(f, "redirect_uri '{received}' is not registered for '{client_name}'")?;
                hint.map_or(Ok(()), |hint| write!(f, ": only {hint} from one that is"))
            }
            Self::RepeatedParameter { name } => write!(f, "parameter '{name}' occurs more than once"),
            Self::MalformedRequest { detail } => write!(f, "malformed request: {detail}"),
            Self::TooLarge { limit } => write!(f, "request too long: expected at most {limit} bytes"),
            Self::FormExpired => f.write_str("form expired or forged"),
            Self::CookieMissing { .. } => f.write_str("form sent without the cookie of its browser"),
            Self::NotFound { .. } => f.write_str("not found"),
            Self::MethodNotAllowed { method } => write!(f, "method {method} is not allowed"),
            Self::InsecureTransport => f.write_str("scheme: expected https, received http"),
            Self::Unavailable => f.write_str("temporarily unavailable"),
            Self::Internal => f.write_str("internal server error"),
            Self::ClientDisabled { client_name } => write!(f, "client '{client_name}' is disabled"),
        }
    }
}

impl fmt::Display for RedirectHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrailingSlash => "a trailing slash differs",
            Self::Scheme => "the scheme differs",
            Self::Port => "the port differs",
            Self::CaseDiffers => "upper and lower case differ",
            Self::Localhost => "localhost for a loopback address differs",
            Self::QueryDiffers => "the query differs",
        })
    }
}

/// The only difference between a `redirect_uri` and a registered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectHint {
    /// A trailing slash.
    TrailingSlash,
    /// The scheme.
    Scheme,
    /// The port.
    Port,
    /// Upper and lower case, in the host or the path.
    CaseDiffers,
    /// `localhost` for a loopback address, or the other way round.
    Localhost,
    /// The query.
    QueryDiffers,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const LONG: &str =
        "https://app.example.com/signin/callback/with/a/path/that/goes/on/and/on?and=a&query=that-does-not-end-0123456789";

    fn mismatch(received: &str, hint: Option<RedirectHint>) -> Problem<'_> {
        Problem::RedirectUriMismatch { received, client_name: "Example Notes", hint }
    }

    fn unknown(received: &str) -> Problem<'_> {
        Problem::UnknownClient { received }
    }

    fn unsaid(registered_count: usize) -> Problem<'static> {
        Problem::RedirectUriMissing { registered_count }
    }

    fn disabled(client_name: &str) -> Problem<'_> {
        Problem::ClientDisabled { client_name }
    }

    fn page(status: u16, problem: Problem<'_>) -> Error<'_> {
        Error { layout: LAYOUT, status, problem }
    }

    pub fn samples() -> Vec<Sample> {
        let detail = "the value of scope is not UTF-8";
        let path = "/autorize";
        let near = |uri, hint| mismatch(uri, Some(hint));
        [
            ("unknown-client", 400, unknown("notse")),
            ("empty-client", 400, unknown("")),
            ("missing-client", 400, Problem::MissingClient),
            ("redirect-missing-0", 400, unsaid(0)),
            ("redirect-missing-1", 400, unsaid(1)),
            ("redirect-missing-3", 400, unsaid(3)),
            ("mismatch", 400, mismatch(LONG, None)),
            ("hint-slash", 400, near("https://app.example.com/callback/", RedirectHint::TrailingSlash)),
            ("hint-scheme", 400, near("http://app.example.com/callback", RedirectHint::Scheme)),
            ("hint-port", 400, near("https://app.example.com:8443/callback", RedirectHint::Port)),
            ("hint-case", 400, near("https://App.example.com/callback", RedirectHint::CaseDiffers)),
            ("hint-localhost", 400, near("http://localhost:8081/callback", RedirectHint::Localhost)),
            ("hint-query", 400, near("https://app.example.com/callback?a=1", RedirectHint::QueryDiffers)),
            ("repeated", 400, Problem::RepeatedParameter { name: "state" }),
            ("malformed", 400, Problem::MalformedRequest { detail }),
            ("too-large", 413, Problem::TooLarge { limit: 16384 }),
            ("form-expired", 400, Problem::FormExpired),
            ("cookie-missing", 400, Problem::CookieMissing { again: "/login?client_id=notes" }),
            ("not-found", 404, Problem::NotFound { path }),
            ("method", 405, Problem::MethodNotAllowed { method: "PUT" }),
            ("insecure", 403, Problem::InsecureTransport),
            ("unavailable", 503, Problem::Unavailable),
            ("internal", 500, Problem::Internal),
            ("client-disabled", 403, disabled("Example Notes")),
        ]
        .into_iter()
        .map(|(name, status, problem)| sample(&format!("error-{name}"), &page(status, problem)))
        .collect()
    }

    #[test]
    fn every_sample_says_what_to_do() {
        for (name, html) in samples() {
            assert!(html.contains("<h2>What to do</h2>"), "{name}");
            assert_eq!(html.contains("<dt>Expected</dt>"), html.contains("<dt>Received</dt>"), "{name}");
        }
    }

    #[test]
    fn hostile_values_are_escaped() {
        let [value, client, id] = ["value", "client", "id"].map(hostile);
        let value = value.as_str();
        let both = Problem::RedirectUriMismatch { received: value, client_name: &client, hint: None };
        for (problem, fields) in [
            (unknown(value), &["value"][..]),
            (both, &["value", "client"]),
            (Problem::RepeatedParameter { name: value }, &["value"]),
            (Problem::MalformedRequest { detail: value }, &["value"]),
            (Problem::NotFound { path: value }, &["value"]),
            (Problem::CookieMissing { again: value }, &["value"]),
            (Problem::MethodNotAllowed { method: value }, &["value"]),
            (disabled(&client), &["client"]),
        ] {
            let mut page = page(400, problem);
            page.layout.request_id = &id;
            assert_escaped(&page, fields);
            assert_escaped(&page, &["id"]);
        }
    }

    #[test]
    fn what_was_received_stands_as_it_came() {
        let html = page(400, mismatch(LONG, None)).render().unwrap();
        let shown = format!("<code class=\"received\" dir=\"ltr\">{}</code>", LONG.replace('&', "&#38;"));
        assert!(html.contains(&shown));
        let html = page(400, unknown("")).render().unwrap();
        assert!(html.contains("Nothing, or an empty value"));
        let html = page(400, mismatch(LONG, Some(RedirectHint::Port))).render().unwrap();
        assert!(html.contains("differs only in its port"));
    }
}
