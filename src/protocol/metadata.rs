//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2): made from the very tables the
//! endpoints read, so that it lists what works and nothing else.

use serde_json::{Value, json};

use super::{
    claims,
    client::{AuthMethod, GrantType},
    pkce, prompt, response_mode, scope,
};

/// The URLs of the endpoints, from `paths`.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints<'a> {
    /// The issuer, byte for byte as in `iss`.
    pub issuer: &'a str,
    /// `/authorize`.
    pub authorization: &'a str,
    /// `/token`.
    pub token: &'a str,
    /// `/userinfo`.
    pub userinfo: &'a str,
    /// The published keys.
    pub jwks: &'a str,
}

/// The document. `algorithms` are those the server signs with.
#[must_use]
pub fn document(endpoints: &Endpoints<'_>, algorithms: &[&str]) -> Value {
    json!({
        "issuer": endpoints.issuer,
        "authorization_endpoint": endpoints.authorization,
        "token_endpoint": endpoints.token,
        "userinfo_endpoint": endpoints.userinfo,
        "jwks_uri": endpoints.jwks,
        "scopes_supported": scope::STANDARD,
        "response_types_supported": ["code"],
        "response_modes_supported": response_mode::MODES,
        "grant_types_supported": GrantType::ALL.iter().map(|g| g.as_str()).collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported": AuthMethod::ALL.iter().map(|m| m.as_str()).collect::<Vec<_>>(),
        "code_challenge_methods_supported": pkce::METHODS,
        "prompt_values_supported": prompt::VALUES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "claim_types_supported": ["normal"],
        "claims_supported": claims::SUPPORTED,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}
