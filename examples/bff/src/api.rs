//! Calls of the API for a user: with their access token, which is renewed if the API does not take it.

use actix_web::{HttpRequest, web::Bytes};
use ureq::http::{Request, Response};

use crate::{
    authorization::Server,
    http,
    refused::Refused,
    sessions::{Session, Sessions},
};

/// A request that is passed on: of the browser's headers only the type of the body.
pub struct Call {
    method: String,
    path: String,
    content_type: String,
    body: Bytes,
}

impl Call {
    pub fn of(request: &HttpRequest, body: Bytes) -> Self {
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
        Self {
            method: request.method().to_string(),
            path: path.strip_prefix("/api").unwrap_or_default().to_owned(),
            content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
            body,
        }
    }

    pub fn send_as(&self, session: &Session, sessions: &Sessions, server: &Server) -> Result<Response<Vec<u8>>, Refused> {
        let token = sessions.access_token(session, server, None)?;
        let mut answer = self.send(&server.settings.api_url, &token)?;
        if answer.status() == 401 {
            // Refused before its time: the clock here is wrong, or it was revoked. A refresh tells.
            let token = sessions.access_token(session, server, Some(&token))?;
            answer = self.send(&server.settings.api_url, &token)?;
        }
        // 401 would tell the app that the user has to sign in, which does not help here.
        if answer.status() == 401 { Err(Refused::ByTheApi) } else { Ok(answer) }
    }

    /// The address of the API is ours to choose, not the browser's.
    fn send(&self, api_url: &str, token: &str) -> Result<Response<Vec<u8>>, Refused> {
        let request = Request::builder()
            .method(self.method.as_str())
            .uri(format!("{api_url}{}", self.path))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", &self.content_type)
            .body(self.body.to_vec())
            .map_err(|_| Refused::Malformed)?;
        http::send(request).map_err(|error| {
            eprintln!("the API was not reached: {error}");
            Refused::Unavailable
        })
    }
}
