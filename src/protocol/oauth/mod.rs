//! OAuth 2.0: clients and what they may request, the authorization request and its response, client authentication, scopes.

pub mod api;
pub mod api_tokens;
pub mod authorization;
pub mod authorization_response;
pub mod client;
pub mod client_assertion;
pub mod client_auth;
pub mod client_metadata;
pub mod client_refusal;
pub mod client_review;
pub mod client_values;
pub mod discovery;
pub mod introspection;
pub mod next_step;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod request_object;
pub mod requested_access;
pub mod required_class;
pub mod resource;
pub mod response_mode;
pub mod return_address;
pub mod scope;
pub mod token_request;
pub mod web_origin;
