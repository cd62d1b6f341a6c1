//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core 3.1.2.1), parsed once and validated in the order of the list in
//! `parse`. The redirect URI comes first: until it is validated, an error is shown on a page and never redirected. What a valid
//! request needs next is `next_step`.

use super::{
    client::{Client, GrantType, PkceRule},
    pkce::Challenge,
    request_object,
    requested_access::{self, Access, ActsFor, Requested},
    resource::KnownScopes,
    response_mode::ResponseMode,
    return_address::{self, Mismatch, ReturnAddress},
    scope::{OPENID, Scopes},
};
use crate::protocol::{
    error::{ErrorCode, Invalid, ProtocolError},
    oidc::{authentication::Class, claims_request::ClaimsRequest, prompt::Prompt},
    values::{
        params::{Flaw, Params},
        time::Span,
    },
};

/// The longest `nonce` accepted: it is stored until the code is redeemed.
const NONCE_LIMIT: usize = 512;

/// A valid authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Where the response goes.
    pub address: ReturnAddress,
    /// Whether the request had a `redirect_uri`; where it had none, the only one registered was filled in.
    pub redirect_uri_sent: bool,
    /// The requested scopes that the client may have, or its default ones.
    pub scopes: Scopes,
    /// The requested scopes that it may not have.
    pub left_out: Scopes,
    /// The requested APIs (RFC 8707), or those of the client's default ones that one of the scopes is of.
    pub audiences: Vec<String>,
    /// The PKCE challenge.
    pub challenge: Option<Challenge>,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// Which pages the client requests.
    pub prompt: Prompt,
    /// The maximum age of the sign-in that the client accepts.
    pub max_age: Option<Span>,
    /// The user the client expects, as typed by them.
    pub login_hint: Option<String>,
    /// An ID token of this server that names the user the client expects.
    pub id_token_hint: Option<String>,
    /// The individually requested claims, as far as the client may have them.
    pub claims: ClaimsRequest,
    /// The classes of sign-in that the client would like, in order of preference: of `acr_values`, then of `claims`.
    pub wished_classes: Vec<Class>,
    /// The weakest class of sign-in that the client and the requested APIs accept.
    pub min_class: Option<Class>,
    /// The scopes to consent to: the requested ones, and those that the requested claims belong to.
    pub consent_scopes: Scopes,
}

/// An error that must not be redirected (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageProblem {
    /// `client_id` is missing.
    ClientMissing,
    /// `client_id` or `redirect_uri` is repeated or malformed.
    Malformed(Flaw),
    /// The redirect URI is missing, or not registered.
    RedirectUri(Mismatch),
}

/// Why a request is refused, and how the error is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// On an error page of this server.
    Page(PageProblem),
    /// By a redirect to the client.
    Redirect(ReturnAddress, ProtocolError),
}

/// The client that the request names.
///
/// # Errors
/// [`PageProblem`] if it names none, or more than one.
pub fn client_id(params: &Params) -> Result<&str, PageProblem> {
    for name in ["client_id", "redirect_uri"] {
        if let Some(flaw) = params.flaw_of(name) {
            return Err(PageProblem::Malformed(flaw.clone()));
        }
    }
    params.get("client_id").ok_or(PageProblem::ClientMissing)
}

impl AuthorizationRequest {
    /// Parses the request of this client.
    ///
    /// # Errors
    /// [`Refusal`]: the first check of the list that fails.
    pub fn parse(params: &Params, client: &Client, known: &KnownScopes<'_>) -> Result<Self, Refusal> {
        let is_needed = requested_access::includes_openid(params.get("scope"), client);
        let mut address = return_address::find(client, params.get("redirect_uri"), is_needed)
            .map_err(|mismatch| Refusal::Page(PageProblem::RedirectUri(mismatch)))?;
        let unsupported = request_object::response_parameters(params);
        if params.flaw_of("state").is_none() {
            address.state = params.get("state").map(str::to_owned).or(unsupported.state);
        }
        let mode = match (params.get("response_mode"), unsupported.mode) {
            (None, Some(mode)) if params.flaw_of("response_mode").is_none() => Ok(mode),
            (sent, _) => ResponseMode::parse(sent),
        };
        address.mode = mode.as_ref().copied().unwrap_or(ResponseMode::Query);
        let redirect = |error| Refusal::Redirect(address.clone(), error);
        let invalid = |why: Invalid| Refusal::Redirect(address.clone(), ProtocolError::new(ErrorCode::InvalidRequest, why));

        if let Some(flaw) = params.flaw() {
            return Err(invalid(flaw.describe().into()));
        }
        mode.map_err(&invalid)?;
        refuse_unsupported(params).map_err(&redirect)?;
        check_response_type(params.get("response_type"), client).map_err(&redirect)?;
        let requested = Requested::parse(params).map_err(&redirect)?;
        let access = requested.access(client, known, ActsFor::User).map_err(&redirect)?;
        let left_out = requested.left_out(&access);
        let Access { scopes, audiences } = access;
        let nonce = params.get("nonce").map(str::to_owned);
        let challenge = read_challenge(params, client, scopes.contains(OPENID) && nonce.is_some()).map_err(&redirect)?;
        let prompt = Prompt::parse(params.get("prompt").unwrap_or_default()).map_err(&invalid)?;
        let max_age = read_max_age(params.get("max_age")).map_err(&invalid)?;
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > NONCE_LIMIT) {
            return Err(invalid(format!("nonce: expected at most {NONCE_LIMIT} bytes").into()));
        }
        let claims = params.get("claims").map(ClaimsRequest::parse).transpose().map_err(&invalid)?;
        let claims = claims.unwrap_or_default().allowed(&client.settings.scope, known.of_users);
        let acr_values = params.get("acr_values").unwrap_or_default().split(' ');
        let wished = acr_values.chain(claims.wished_acr.iter().map(String::as_str));
        Ok(Self {
            min_class: known.min_class(&audiences).max(client.settings.min_acr),
            wished_classes: wished.filter_map(Class::from_name).collect(),
            consent_scopes: scopes.with(claims.scopes(&client.settings.scope, known.of_users)),
            redirect_uri_sent: params.get("redirect_uri").is_some(),
            claims,
            scopes,
            left_out,
            audiences,
            challenge,
            nonce,
            prompt,
            max_age,
            login_hint: params.get("login_hint").map(str::to_owned),
            id_token_hint: params.get("id_token_hint").map(str::to_owned),
            address,
        })
    }
}

/// OpenID Connect Core 3.1.2.6: parameters that would change the meaning of the request if they were supported.
fn refuse_unsupported(params: &Params) -> Result<(), ProtocolError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if params.get(name).is_some() {
            return Err(ProtocolError::new(code, format!("the parameter '{name}' is not supported")));
        }
    }
    Ok(())
}

fn check_response_type(response_type: Option<&str>, client: &Client) -> Result<(), ProtocolError> {
    match response_type {
        None => return Err(ProtocolError::new(ErrorCode::InvalidRequest, "response_type: expected 'code', received none")),
        Some("code") => {}
        Some(other) => {
            return Err(ProtocolError::new(
                ErrorCode::UnsupportedResponseType,
                format!("response_type: expected 'code', received '{other}'"),
            ));
        }
    }
    if client.settings.may_use(GrantType::AuthorizationCode) {
        Ok(())
    } else {
        Err(ProtocolError::new(ErrorCode::UnauthorizedClient, "the client is not allowed the grant type authorization_code"))
    }
}

/// RFC 7636 §4.4.1, RFC 9700 §2.1.1: a challenge is required, unless a confidential client has a `nonce` in the ID token instead, or
/// PKCE is optional for it.
fn read_challenge(params: &Params, client: &Client, has_nonce: bool) -> Result<Option<Challenge>, ProtocolError> {
    const NEEDED: &str = "code_challenge: expected a PKCE challenge (method S256)";
    let (challenge, method) = (params.get("code_challenge"), params.get("code_challenge_method"));
    if let Some(challenge) = challenge {
        let parsed = Challenge::parse(challenge, method).map(Some);
        return parsed.map_err(|why| ProtocolError::new(ErrorCode::InvalidRequest, why));
    }
    if method.is_some() {
        let text = format!("{NEEDED}, received only code_challenge_method");
        return Err(ProtocolError::new(ErrorCode::InvalidRequest, text));
    }
    let refuse = |received: &str, or: Option<PkceRule>| {
        let error = ProtocolError::new(ErrorCode::InvalidRequest, format!("{NEEDED}{received}"));
        Err(error.with_remedy(or.map(|rule| format!("symbolon client set {} --pkce {}", client.id, rule.as_str()))))
    };
    match client.settings.pkce_rule() {
        PkceRule::Optional => Ok(None),
        PkceRule::OrNonce if has_nonce => Ok(None),
        PkceRule::OrNonce => refuse(", or the scope openid with a nonce, received neither", Some(PkceRule::Optional)),
        PkceRule::Required if client.settings.is_public() => refuse(", received none", None),
        PkceRule::Required => refuse(", received none", Some(if has_nonce { PkceRule::OrNonce } else { PkceRule::Optional })),
    }
}

fn read_max_age(text: Option<&str>) -> Result<Option<Span>, Invalid> {
    text.map(|text| match text.parse::<u32>() {
        Ok(seconds) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Span::from_seconds(seconds)),
        _ => Err(format!("max_age: expected a number of seconds, received '{text}'").into()),
    })
    .transpose()
}

#[cfg(test)]
#[path = "authorization_tests.rs"]
mod tests;
