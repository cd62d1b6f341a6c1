//! Client authentication (RFC 6749 §2.3): which credentials a request carries, and whether they are the client's, of the kind that it
//! registered: a secret, in the header or in the body, or a key. Looking up the client is left to the caller.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    client::{AuthMethod, Client, ClientKind},
    client_assertion,
};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    secrets::sensitive::Sensitive,
    values::params::{Params, decode},
};

/// The client credentials of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// The client that the request claims to come from.
    pub client_id: String,
    /// The authentication method used.
    pub method: AuthMethod,
    /// The secret, or the assertion.
    proof: Option<Sensitive<String>>,
}

/// What is left to verify before the client is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified<'a> {
    /// Nothing.
    Wholly,
    /// The assertion's signature and claims, and that it was not used before (RFC 7523 §3).
    UpToAssertion(&'a str),
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
    /// `invalid_request` for two methods at once (RFC 6749 §2.3, §5.2); `invalid_client` for none, for a header that is not
    /// well-formed Basic, and for an assertion that names no client.
    pub fn read(authorization: Option<&str>, params: &Params) -> Result<Self, ProtocolError> {
        let invalid_client = |text: &str| ProtocolError::new(ErrorCode::InvalidClient, text);
        let (body_id, secret, assertion) = (params.get("client_id"), params.get("client_secret"), params.get("client_assertion"));
        let type_named = params.get("client_assertion_type");
        let ways = [authorization.is_some(), secret.is_some(), assertion.is_some() || type_named.is_some()];
        if ways.into_iter().filter(|used| *used).count() > 1 {
            return Err(ProtocolError::new(
                ErrorCode::InvalidRequest,
                "expected one way of client authentication, received several of: Authorization header, client_secret, client_assertion",
            ));
        }
        if let Some(header) = authorization {
            let (client_id, secret) = read_basic(header)
                .ok_or_else(|| invalid_client("Authorization: expected 'Basic ' and base64 of form-encoded id:secret"))?;
            same_client(body_id, &client_id)?;
            // RFC 6749 §2.3.1: an empty secret is none, in the header as in the body; so a public client names itself.
            let proof = Some(secret).filter(|secret| !secret.expose().is_empty());
            let method = if proof.is_some() { AuthMethod::ClientSecretBasic } else { AuthMethod::None };
            return Ok(Self { client_id, method, proof });
        }
        if type_named.is_some_and(|name| name != client_assertion::TYPE) || assertion.is_some() != type_named.is_some() {
            return Err(invalid_client(&format!(
                "client_assertion: expected a JWT with client_assertion_type '{}'",
                client_assertion::TYPE
            )));
        }
        if let Some(assertion) = assertion {
            let client_id = client_assertion::claimed_client(assertion)
                .ok_or_else(|| invalid_client("client_assertion: expected a signed JWT with the client's id as sub"))?;
            same_client(body_id, &client_id)?;
            return Ok(Self { client_id, method: AuthMethod::PrivateKeyJwt, proof: Some(assertion.into()) });
        }
        let client_id = body_id
            .ok_or_else(|| invalid_client("expected client_id (public clients) or client authentication, received neither"))?;
        let method = if secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
        Ok(Self { client_id: client_id.to_owned(), method, proof: secret.map(Sensitive::from) })
    }

    /// Verifies that these are the credentials of `client`, of the kind it registered (RFC 7591 §2); verifying an assertion's
    /// signature is left to the caller. A secret is right wherever it stands: its place is judged last, by [`Presented::place`]. The
    /// secret of a native app proves nothing, so it may be absent (RFC 8252 §8.5); a wrong one shows that the app is misconfigured.
    ///
    /// # Errors
    /// `invalid_client`, naming the expected method: the existence of a client is no secret, as its id is in every authorization
    /// request.
    pub fn verify(&self, client: &Client) -> Result<Verified<'_>, ProtocolError> {
        let refuse = |text: &str| Err(ProtocolError::new(ErrorCode::InvalidClient, text));
        let is_secret = matches!(self.method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
        if self.method != client.settings.token_endpoint_auth_method && !(is_secret && client.settings.keeps_secret()) {
            return Err(self.unexpected(client));
        }
        let verified = match (&self.proof, self.method) {
            (None, AuthMethod::None) => Verified::Wholly,
            (Some(assertion), AuthMethod::PrivateKeyJwt) => Verified::UpToAssertion(assertion.expose()),
            (Some(secret), AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
                if is_secret_of(client, secret.expose()) =>
            {
                Verified::Wholly
            }
            _ if client.settings.is_public() => {
                return refuse("the client secret is wrong; this client is public, and can omit it");
            }
            _ => return refuse("the client secret is wrong"),
        };
        if client.disabled_at.is_some() {
            return refuse("the client is disabled");
        }
        Ok(verified)
    }

    /// Whether the credentials may stand where they are. RFC 6749 §2.3.1: always in the header; in the body unless the client has
    /// ruled it out. It is for requests that would succeed otherwise: libraries that try one place and then the other, whatever the
    /// error was, would report this one instead of what is wrong.
    ///
    /// # Errors
    /// `invalid_client`, naming the place.
    pub fn place(&self, client: &Client) -> Result<(), ProtocolError> {
        match self.method {
            AuthMethod::ClientSecretPost if client.settings.client_secret_basic_only => Err(self.unexpected(client)),
            _ => Ok(()),
        }
    }

    /// The refusal where no client has this id. RFC 6749 §2.3.1: an id with ':' that is not form-encoded in the header seems to end there.
    #[must_use]
    pub fn unknown(&self) -> ProtocolError {
        let is_cut = self.method == AuthMethod::ClientSecretBasic
            && self.proof.as_ref().is_some_and(|secret| secret.expose().contains(':'));
        let hint = if is_cut {
            "; expected the ID form-encoded before base64 in the Authorization header, with ':' as %3A (RFC 6749 2.3.1)"
        } else {
            ""
        };
        ProtocolError::new(ErrorCode::InvalidClient, format!("unknown client '{}'{hint}", self.client_id))
    }

    fn unexpected(&self, client: &Client) -> ProtocolError {
        let (expected, received) = (client.settings.token_endpoint_auth_method.as_str(), self.method.as_str());
        let sends_secret = matches!(self.method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
        let mended_by = match client.settings.kind {
            ClientKind::Native if sends_secret => {
                format!("; if the app cannot do without a secret: symbolon client set {} --secret-for-native", client.id)
            }
            _ => String::new(),
        };
        let text = format!("client authentication: expected {expected}, received {received}{mended_by}");
        ProtocolError::new(ErrorCode::InvalidClient, text)
    }
}

/// Whether the secret is one of the client's two; both are compared, in constant time.
fn is_secret_of(client: &Client, secret: &str) -> bool {
    let hash = secret_hash(secret);
    let is = |kept: &Option<Vec<u8>>| kept.as_ref().map_or(0.into(), |kept| hash.ct_eq(kept));
    bool::from(is(&client.secret_hash) | is(&client.previous_secret_hash))
}

fn same_client(body_id: Option<&str>, client_id: &str) -> Result<(), ProtocolError> {
    match body_id {
        Some(body_id) if body_id != client_id => {
            Err(ProtocolError::new(ErrorCode::InvalidRequest, "client_id in the body does not match the client authentication"))
        }
        _ => Ok(()),
    }
}

/// The stored hash of a client secret: its SHA-256. Generated secrets have 256 random bits, to which a slower hash adds nothing.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// RFC 6749 §2.3.1: strict base64, then id and secret each form-decoded. The secret may be empty.
fn read_basic(header: &str) -> Option<(String, Sensitive<String>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = Sensitive::new(STANDARD.decode(encoded).ok()?);
    let (id, secret) = str::from_utf8(text.expose()).ok()?.split_once(':')?;
    let (id, secret) = (decode(id)?, Sensitive::new(decode(secret)?));
    (!id.is_empty() && !id.contains('\0') && !secret.expose().contains('\0')).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::tests::client;

    fn read(header: Option<&str>, body: &str) -> Result<Presented, ErrorCode> {
        Presented::read(header, &Params::parse(body)).map_err(|error| error.code)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_is_decoded_strictly() {
        let presented = read(Some(&basic("a%3Ab:s%2Bt+u")), "").unwrap();
        assert_eq!((presented.client_id.as_str(), presented.proof), ("a:b", Some("s+t u".into())));
        let public = read(Some(&basic("a:")), "client_id=a&client_secret=").unwrap();
        assert_eq!((public.method, public.proof), (AuthMethod::None, None), "an empty secret is none");
        for header in [
            "",
            "Basic",
            "Basic !!!",
            "Bearer abc",
            "Basic YTpi\n",
            "Basic YTpi=",
            &basic("noseparator"),
            &basic(":s"),
            &basic("a:%zz"),
            &basic("a:%00"),
        ] {
            assert_eq!(read(Some(header), ""), Err(ErrorCode::InvalidClient), "{header}");
        }
    }

    #[test]
    fn an_id_that_was_cut_at_its_colon_is_explained() {
        for (header, is_cut) in [
            (basic("urn:example:app:secret"), true),
            (basic("https://app.example/:s"), true),
            (basic("app:secret"), false),
            (basic("app:"), false),
        ] {
            let text = Presented::read(Some(&header), &Params::parse("")).unwrap().unknown().description;
            assert_eq!(text.contains("%3A"), is_cut, "{text}");
            assert!(!text.contains("example:app:secret"), "{text}");
        }
        assert_eq!(
            Presented::read(None, &Params::parse("client_id=a&client_secret=b:c")).unwrap().unknown().description,
            "unknown client 'a'"
        );
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        assert_eq!(read(Some(&basic("a:b")), "client_secret=b"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(Some(&basic("a:b")), "client_id=c"), Err(ErrorCode::InvalidRequest));
        let presented = read(Some(&basic("a:b")), "client_id=a").unwrap();
        assert_eq!(format!("{presented:?}"), "Presented(a, client_secret_basic)", "and no secret");
        assert_eq!(read(None, "grant_type=x"), Err(ErrorCode::InvalidClient));
        let typed = format!("client_assertion_type={}", client_assertion::TYPE);
        assert_eq!(read(Some(&basic("a:b")), &format!("client_assertion=x&{typed}")), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(None, &format!("client_secret=b&client_assertion=x&{typed}")), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(None, &format!("client_id=a&client_secret=b&{typed}")), Err(ErrorCode::InvalidRequest), "a type alone");
        assert_eq!(
            read(None, "client_id=a&client_secret=b&client_assertion=x"),
            Err(ErrorCode::InvalidRequest),
            "one without type"
        );
    }

    #[test]
    fn an_assertion_names_its_client() {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let jwt = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(r#"{"sub":"app"}"#));
        let typed = format!("client_assertion_type={}", client_assertion::TYPE);
        let presented = read(None, &format!("client_assertion={jwt}&{typed}")).unwrap();
        assert_eq!((presented.client_id.as_str(), presented.method), ("app", AuthMethod::PrivateKeyJwt));
        assert!(read(None, &format!("client_id=app&client_assertion={jwt}&{typed}")).is_ok());
        assert_eq!(read(None, &format!("client_id=b&client_assertion={jwt}&{typed}")), Err(ErrorCode::InvalidRequest));
        for body in [
            format!("client_assertion={jwt}"),
            format!("client_id=app&{typed}"),
            format!("client_assertion=x&{typed}"),
            format!("client_assertion={jwt}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
        ] {
            assert_eq!(read(None, &body), Err(ErrorCode::InvalidClient), "{body}");
        }
        let mut web = client(ClientKind::Web);
        assert_eq!(presented.verify(&web).map_err(|e| e.code), Err(ErrorCode::InvalidClient), "another method is registered");
        web.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        assert_eq!(presented.verify(&web), Ok(Verified::UpToAssertion(&jwt)));
    }

    #[test]
    fn only_the_registered_credentials_pass_and_a_secret_in_either_place() {
        let mut web = client(ClientKind::Web);
        web.secret_hash = Some(secret_hash("right"));
        let verdict = |header: Option<String>, body: &str, client: &Client| {
            read(header.as_deref(), body).unwrap().verify(client).map(|_| ()).map_err(|e| e.code)
        };
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Ok(()));
        assert_eq!(verdict(Some(basic("app:wrong")), "", &web), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(Some(basic("app:older")), "", &web), Err(ErrorCode::InvalidClient));
        web.previous_secret_hash = Some(secret_hash("older"));
        for live in ["right", "older"] {
            assert_eq!(verdict(Some(basic(&format!("app:{live}"))), "", &web), Ok(()), "two secrets are live");
        }
        assert_eq!(verdict(None, "client_id=app&client_secret=right", &web), Ok(()));
        assert_eq!(verdict(None, "client_id=app&client_secret=wrong", &web), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(None, "client_id=app", &web), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(Some(basic("app:")), "", &web), Err(ErrorCode::InvalidClient));
        web.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Ok(()));
        web.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Err(ErrorCode::InvalidClient), "one with a key has no secret");
        web.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
        let spa = client(ClientKind::Spa);
        assert_eq!(verdict(None, "client_id=app", &spa), Ok(()));
        assert_eq!(verdict(Some(basic("app:")), "", &spa), Ok(()), "RFC 6749 §2.3.1: an empty secret");
        assert_eq!(verdict(Some(basic("app:x")), "", &spa), Err(ErrorCode::InvalidClient));
        assert_eq!(verdict(None, "client_id=app&client_secret=x", &spa), Err(ErrorCode::InvalidClient));
        web.disabled_at = Some(crate::protocol::values::time::Timestamp::from_millis(1));
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Err(ErrorCode::InvalidClient));
        (web.secret_hash, web.disabled_at) = (None, None);
        assert_eq!(verdict(Some(basic("app:right")), "", &web), Err(ErrorCode::InvalidClient));
    }

    #[test]
    fn the_secret_of_a_native_app_may_come_or_stay_away_and_is_not_another() {
        let mut native = client(ClientKind::Native);
        let verdict = |header: Option<String>, body: &str, client: &Client| {
            let presented = read(header.as_deref(), body).unwrap();
            presented.verify(client).map(|_| ()).map_err(|error| error.description)
        };
        let sent = "client_id=app&client_secret=right";
        assert!(verdict(None, sent, &native).unwrap_err().ends_with("symbolon client set app --secret-for-native"));
        (native.settings.secret_for_native, native.secret_hash) = (true, Some(secret_hash("right")));
        assert_eq!(verdict(None, sent, &native), Ok(()));
        assert_eq!(verdict(Some(basic("app:right")), "", &native), Ok(()));
        assert_eq!(verdict(None, "client_id=app", &native), Ok(()), "it proves nothing");
        assert_eq!(verdict(Some(basic("app:")), "", &native), Ok(()));
        for wrong in [verdict(None, "client_id=app&client_secret=wrong", &native), verdict(Some(basic("app:wrong")), "", &native)]
        {
            assert!(wrong.unwrap_err().contains("this client is public"));
        }
        native.disabled_at = Some(crate::protocol::values::time::Timestamp::from_millis(1));
        assert!(verdict(None, sent, &native).is_err() && verdict(None, "client_id=app", &native).is_err());
    }

    #[test]
    fn the_place_of_a_secret_is_judged_apart_from_the_secret() {
        let mut web = client(ClientKind::Web);
        web.secret_hash = Some(secret_hash("right"));
        let in_header = read(Some(&basic("app:right")), "").unwrap();
        let in_body = read(None, "client_id=app&client_secret=right").unwrap();
        for presented in [&in_header, &in_body] {
            assert_eq!((presented.verify(&web), presented.place(&web)), (Ok(Verified::Wholly), Ok(())));
        }
        web.settings.client_secret_basic_only = true;
        assert_eq!((in_header.verify(&web), in_header.place(&web)), (Ok(Verified::Wholly), Ok(())));
        assert_eq!(in_body.verify(&web), Ok(Verified::Wholly));
        let refused = in_body.place(&web).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "invalid_client: client authentication: expected client_secret_basic, received client_secret_post"
        );
        let wrong = read(None, "client_id=app&client_secret=wrong").unwrap();
        assert_eq!(wrong.verify(&web).unwrap_err().description, "the client secret is wrong", "the secret before its place");
    }
}
