//! The protocol rules, as pure functions: values in, decisions out. No clock, no randomness, no framework, no SQL; each RFC rule is
//! decided in one place. Read `grant` first: the verdict there is the heart of the server.

pub mod account;
pub mod error;
pub mod grant;
pub mod oauth;
pub mod oidc;
pub mod secrets;
pub mod values;
