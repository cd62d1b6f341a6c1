//! Attempts counted in this process.

pub mod client_auth_failures;
pub mod password_attempts;
