//! Client authentication (RFC 6749 §2.3): which credentials a request carries, and whether they are this
//! client's, by the one method it registered. Finding the client is the caller's.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    client::{AuthMethod, Client},
    error::{ErrorCode, ProtocolError},
    params::{Params, decode},
};

/// What a request says about who sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// The client it claims to be.
    pub client_id: String,
    /// By which method.
    pub method: AuthMethod,
    secret: Option<String>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({}, {})", self.client_id, self.method.as_str())
    }
}

impl Presented {
    /// Reads the `Authorization` header and the body.
    ///
    /// # Errors
    /// `invalid_request` for two methods at once or none at all (RFC 6749 §2.3, §5.2), `invalid_client` for
    /// a header that is not well-formed Basic.
    pub fn read(authorization: Option<&str>, params: &Params) -> Result<Self, ProtocolError> {
        let (body_id, body_secret) = (params.get("client_id"), params.get("client_secret"));
        if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
            return Err(ProtocolError::new(
                ErrorCode::InvalidClient,
                "client_assertion: this server takes client_secret_basic, client_secret_post or none",
            ));
        }
        if let Some(header) = authorization {
            if body_secret.is_some() {
                return Err(ProtocolError::new(
                    ErrorCode::InvalidRequest,
                    "expected one way of client authentication, received two: an Authorization header and client_secret",
                ));
            }
            let (id, secret) = read_basic(header).ok_or_else(|| {
                ProtocolError::new(
                    ErrorCode::InvalidClient,
                    "Authorization: expected 'Basic ' and base64 of form-encoded id:secret",
                )
            })?;
            if body_id.is_some_and(|body_id| body_id != id) {
                return Err(ProtocolError::new(
                    ErrorCode::InvalidRequest,
                    "client_id differs between the Authorization header and the body",
                ));
            }
            return Ok(Self { client_id: id, method: AuthMethod::ClientSecretBasic, secret: Some(secret) });
        }
        let client_id = body_id.ok_or_else(|| {
            ProtocolError::new(
                ErrorCode::InvalidClient,
                "expected client_id (public clients) or client authentication, received neither",
            )
        })?;
        let method = if body_secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
        Ok(Self { client_id: client_id.to_owned(), method, secret: body_secret.map(str::to_owned) })
    }

    /// Whether these are the credentials of `client`, by the method it registered (RFC 7591 §2).
    ///
    /// # Errors
    /// `invalid_client`, saying which method was expected: that a client exists is no secret, as its id is
    /// in every authorization request.
    pub fn verify(&self, client: &Client) -> Result<(), ProtocolError> {
        if self.method != client.auth_method {
            return Err(ProtocolError::new(
                ErrorCode::InvalidClient,
                format!("client authentication: expected {}, received {}", client.auth_method.as_str(), self.method.as_str()),
            ));
        }
        let genuine = match (&self.secret, &client.secret_hash) {
            (None, None) => client.is_public(),
            (Some(secret), Some(hash)) => bool::from(secret_hash(secret).ct_eq(hash)),
            _ => false,
        };
        if !genuine {
            return Err(ProtocolError::new(ErrorCode::InvalidClient, "the client secret is not the one that was issued"));
        }
        if client.disabled_at.is_some() {
            return Err(ProtocolError::new(ErrorCode::InvalidClient, "this client is switched off"));
        }
        Ok(())
    }
}

/// What is kept of a client secret: its SHA-256. A secret we made has 256 random bits, which no slower hash helps.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// RFC 6749 §2.3.1: strict base64, then id and secret each form-decoded.
fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let (id, secret) = (decode(id)?, decode(secret)?);
    (!id.is_empty() && !secret.is_empty() && !id.contains('\0') && !secret.contains('\0')).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::{ClientKind, tests::client};

    fn read(header: Option<&str>, body: &str) -> Result<Presented, ErrorCode> {
        Presented::read(header, &Params::parse(body)).map_err(|error| error.code)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_is_decoded_strictly() {
        let presented = read(Some(&basic("a%3Ab:s%2Bt+u")), "").unwrap();
        assert_eq!((presented.client_id.as_str(), presented.secret.as_deref()), ("a:b", Some("s+t u")));
        for header in [
            "",
            "Basic",
            "Basic !!!",
            "Bearer abc",
            "Basic YTpi\n",
            "Basic YTpi=",
            &basic("noseparator"),
            &basic(":s"),
            &basic("a:"),
            &basic("a:%zz"),
            &basic("a:%00"),
        ] {
            assert_eq!(read(Some(header), ""), Err(ErrorCode::InvalidClient), "{header}");
        }
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        assert_eq!(read(Some(&basic("a:b")), "client_secret=b"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(Some(&basic("a:b")), "client_id=c"), Err(ErrorCode::InvalidRequest));
        assert!(read(Some(&basic("a:b")), "client_id=a").is_ok());
        assert_eq!(read(None, "grant_type=x"), Err(ErrorCode::InvalidClient));
        assert_eq!(read(None, "client_id=a&client_assertion=x"), Err(ErrorCode::InvalidClient));
    }

    #[test]
    fn only_the_registered_method_and_the_issued_secret_pass() {
        let mut web = client(ClientKind::Web);
        web.secret_hash = Some(secret_hash("right"));
        let verdict = |header: Option<String>, body: &str, client: &Client| {
            read(header.as_deref(), body).unwrap().verify(client).map_err(|e| e.code)
        };
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Ok(()));
        assert_eq!(verdict(Some(basic("app:wrong")), "", &web), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(None, "client_id=app&client_secret=right", &web), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(None, "client_id=app", &web), Err(ErrorCode::InvalidClient));
        let spa = client(ClientKind::Spa);
        assert_eq!(verdict(None, "client_id=app", &spa), Ok(()));
        assert_eq!(verdict(None, "client_id=app&client_secret=x", &spa), Err(ErrorCode::InvalidClient));
        web.disabled_at = Some(crate::protocol::time::Timestamp::from_millis(1));
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Err(ErrorCode::InvalidClient));
        web.secret_hash = None;
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Err(ErrorCode::InvalidClient));
    }
}
