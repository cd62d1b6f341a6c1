//! A response as plain data: made on any thread, and turned into an HTTP response at the end.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

use crate::protocol::oauth::client_refusal::Reason;

/// What a request's log line says besides the status. Never a secret.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// The text.
    pub text: String,
    /// Whether the request was refused, although its status is not that of an error.
    pub is_refusal: bool,
    /// The registered client that was refused, and why, for its operator.
    pub refused: Option<Box<(String, Reason)>>,
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    note: Option<Note>,
}

impl Reply {
    /// A response without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), note: None }
    }

    /// A JSON response.
    #[must_use]
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { body, ..Self::empty(status) }.with(header::CONTENT_TYPE, "application/json"),
            Err(error) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR).noting(error.to_string()),
        }
    }

    /// A response from a text that is JSON already.
    #[must_use]
    pub fn json_text(text: String) -> Self {
        Self { body: text.into_bytes(), ..Self::empty(StatusCode::OK) }.with(header::CONTENT_TYPE, "application/json")
    }

    /// A JSON document for download, indented for human readers.
    #[must_use]
    pub fn json_file(name: &str, value: &impl Serialize) -> Self {
        match serde_json::to_vec_pretty(value) {
            Ok(body) => Self { body, ..Self::empty(StatusCode::OK) }
                .with(header::CONTENT_TYPE, "application/json")
                .with(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
            Err(error) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR).noting(error.to_string()),
        }
    }

    /// A text of this media type.
    #[must_use]
    pub fn of_type(media_type: &str, text: String) -> Self {
        Self { body: text.into_bytes(), ..Self::empty(StatusCode::OK) }.with(header::CONTENT_TYPE, media_type)
    }

    /// A plain text response.
    #[must_use]
    pub fn text(status: StatusCode, text: &str) -> Self {
        Self { body: text.into(), ..Self::empty(status) }.with(header::CONTENT_TYPE, "text/plain; charset=utf-8")
    }

    /// An HTML response.
    #[must_use]
    pub fn html(status: StatusCode, html: String) -> Self {
        Self { body: html.into_bytes(), ..Self::empty(status) }.with(header::CONTENT_TYPE, "text/html; charset=utf-8")
    }

    /// A static file.
    #[must_use]
    pub fn file(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { body: bytes.to_vec(), ..Self::empty(StatusCode::OK) }.with(header::CONTENT_TYPE, content_type)
    }

    /// See Other: the only redirect there is, so that a POST is never repeated elsewhere (RFC 9700 §4.12).
    ///
    /// A `Location` without a fragment inherits the fragment of the request (RFC 9110 §10.2.2): the author of a link to this server
    /// could choose the fragment that an app receives at its redirect URI. So every location has one, even if empty.
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        let fragment = if location.contains('#') { "" } else { "#" };
        Self::empty(StatusCode::SEE_OTHER).with(header::LOCATION, &format!("{location}{fragment}"))
    }

    /// The response with a header. A value that is not valid in a header is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The response with more headers.
    #[must_use]
    pub fn with_all(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The response with a note for the log line.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note { text: note.into(), ..Note::default() });
        self
    }

    /// The same for a refusal that is a redirect or a form: the log line is a warning, as that of an error status is.
    #[must_use]
    pub fn refusing(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note { text: note.into(), is_refusal: true, refused: None });
        self
    }

    /// The response, which is a refusal, with what its operator is told of it by `symbolon client check`.
    #[must_use]
    pub fn recorded_for(mut self, client_id: &str, reason: impl Into<Reason>) -> Self {
        self.note.get_or_insert_default().refused = Some(Box::new((client_id.to_owned(), reason.into())));
        self
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for header in self.headers {
            response.append_header(header);
        }
        let mut response = response.body(self.body);
        if let Some(note) = self.note {
            response.extensions_mut().insert(note);
        }
        response
    }
}
