//! The rules, pure: values in, decisions out. No clock, no chance, no framework, no SQL; one RFC rule is
//! decided in one place. Read `grant` first: the verdict there is the heart of the server.

pub mod activity;
pub mod algorithm;
pub mod api;
pub mod authentication;
pub mod authorization;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod client_assertion;
pub mod client_auth;
pub mod client_review;
pub mod credential;
pub mod entitlement;
pub mod error;
pub mod grant;
pub mod history;
pub mod id;
pub mod introspection;
pub mod logout;
pub mod metadata;
mod names;
pub mod next_step;
pub mod notice;
pub mod params;
pub mod person;
pub mod pkce;
pub mod prompt;
pub mod redirect_uri;
pub mod registration;
pub mod remote_url;
pub mod response_mode;
pub mod scope;
pub mod secrets;
pub mod stamp;
pub mod time;
pub mod token_request;
