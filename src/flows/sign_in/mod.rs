//! Sign-in: its two pages, the check of what is typed there, and what slows guessing down.

pub(crate) mod beginning;
pub(crate) mod known_browser;
pub mod login;
pub mod passkey;
pub(crate) mod password_check;
pub(crate) mod progress;
pub mod second_factor;
pub(crate) mod sign_in_redirect;
pub mod throttle;
pub(crate) mod trusted_browser;
pub(crate) mod typed_code;
