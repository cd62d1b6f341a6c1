//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2), generated from the tables that the endpoints read, so that it
//! lists exactly what is supported.

use serde_json::{Value, json};

use super::{
    client::{AuthMethod, GrantType},
    pkce, response_mode,
    scope::{self, ScopeClaims},
};
use crate::protocol::{
    oidc::{authentication::Class, claims, prompt, standard_claims},
    values::algorithm::Algorithm,
};

/// The URLs of the endpoints, from `paths`.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The issuer, byte for byte as in `iss`.
    pub issuer: String,
    /// `/authorize`.
    pub authorization: String,
    /// `/token`.
    pub token: String,
    /// `/userinfo`.
    pub userinfo: String,
    /// `/introspect`.
    pub introspection: String,
    /// `/revoke`.
    pub revocation: String,
    /// `/logout`.
    pub end_session: String,
    /// The published keys.
    pub jwks: String,
}

/// What the document depends on besides the endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The scopes that grant claims by configuration.
    pub custom: &'a ScopeClaims,
    /// Whether users may register.
    pub is_registration_open: bool,
    /// The algorithms by which the server signs: those with a key in use.
    pub signing: &'a [Algorithm],
}

/// The document.
#[must_use]
pub fn document(endpoints: &Endpoints, Facts { custom, is_registration_open, signing }: Facts<'_>) -> Value {
    let algorithms: Vec<_> = signing.iter().map(|algorithm| algorithm.as_str()).collect();
    let of_assertions = Algorithm::of_assertions();
    let confidential: Vec<_> = AuthMethod::ALL.iter().filter(|m| **m != AuthMethod::None).map(|m| m.as_str()).collect();
    let claims: Vec<_> = claims::OF_TOKENS.into_iter().chain(standard_claims::claims(custom)).collect();
    let scopes: Vec<_> = scope::STANDARD.into_iter().chain(custom.scopes()).collect();
    json!({
        "issuer": endpoints.issuer,
        "authorization_endpoint": endpoints.authorization,
        "token_endpoint": endpoints.token,
        "userinfo_endpoint": endpoints.userinfo,
        "jwks_uri": endpoints.jwks,
        "introspection_endpoint": endpoints.introspection,
        "revocation_endpoint": endpoints.revocation,
        "end_session_endpoint": endpoints.end_session,
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": response_mode::MODES,
        "grant_types_supported": GrantType::names(),
        "token_endpoint_auth_methods_supported": AuthMethod::names(),
        "token_endpoint_auth_signing_alg_values_supported": of_assertions,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": of_assertions,
        "introspection_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": AuthMethod::names(),
        "revocation_endpoint_auth_signing_alg_values_supported": of_assertions,
        "code_challenge_methods_supported": pkce::METHODS,
        "prompt_values_supported": prompt::values(is_registration_open),
        "acr_values_supported": Class::names(),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}
