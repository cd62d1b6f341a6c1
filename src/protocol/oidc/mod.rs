//! OpenID Connect: claims, authentication methods, prompts, logout.

pub mod authentication;
pub mod claims;
pub mod claims_request;
pub mod logout;
pub mod prompt;
pub mod standard_claims;
