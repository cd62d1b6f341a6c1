//! The body of a form POST, read within a limit. Reading never fails: a problem is a value, so that each endpoint reports it in its
//! own format.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, http::header, web};

use zeroize::Zeroize;

use crate::protocol::values::params::Params;

/// The maximum body size, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024;
/// The time a body may take to arrive; the request head before it has as much.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The reason why a body cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyProblem {
    /// Another content type, or none.
    NotAForm(String),
    /// Several content types: one reader may use the first, another the last (RFC 9110 §5.3).
    SeveralTypes,
    /// Longer than [`BODY_LIMIT`].
    TooLarge,
    /// Not UTF-8, truncated, or not received in time.
    Unreadable,
}

impl BodyProblem {
    /// The problem as an error description.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::NotAForm(received) => {
                format!("Content-Type: expected application/x-www-form-urlencoded, received '{received}'")
            }
            Self::SeveralTypes => "Content-Type: expected one header, received several".into(),
            Self::TooLarge => format!("the body is longer than {BODY_LIMIT} bytes"),
            Self::Unreadable => "the body is not UTF-8, incomplete, or was sent too slowly".into(),
        }
    }
}

/// The parameters of a form POST.
pub struct Form(pub Result<Params, BodyProblem>);

impl FromRequest for Form {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
        let is_repeated = request.headers().get_all(header::CONTENT_TYPE).count() > 1;
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            if is_repeated {
                return Ok(Self(Err(BodyProblem::SeveralTypes)));
            }
            let essence = content_type.split(';').next().unwrap_or_default().trim();
            if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                return Ok(Self(Err(BodyProblem::NotAForm(content_type.chars().take(100).collect()))));
            }
            let read = match tokio::time::timeout(BODY_TIME, payload.await?.to_bytes_limited(BODY_LIMIT)).await {
                Ok(Err(_)) => Err(BodyProblem::TooLarge),
                Ok(Ok(Ok(bytes))) => {
                    let read = std::str::from_utf8(&bytes).map(Params::parse).map_err(|_| BodyProblem::Unreadable);
                    // The body may contain a password.
                    let _ = bytes.try_into_mut().map(|mut bytes| bytes.zeroize());
                    read
                }
                Ok(Ok(Err(_))) | Err(_) => Err(BodyProblem::Unreadable),
            };
            Ok(Self(read))
        })
    }
}
