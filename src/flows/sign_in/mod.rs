//! Sign-in: the page, the password check, and what slows guessing down.

pub(crate) mod beginning;
pub(crate) mod known_browser;
pub mod login;
pub(crate) mod password_check;
pub(crate) mod progress;
pub(crate) mod sign_in_redirect;
pub mod throttle;
