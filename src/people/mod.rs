//! What people see: sign-in, account selection, consent, sign-out, who is signed in; one's own account; registration, recovery
//! and the links of letters.
//! Each page leads back to where the person came from; steps never call one another. Words stand in the templates.

pub mod account;
mod asking;
pub mod confirm_email;
pub mod consent;
pub mod home;
mod inventory;
mod known_browser;
mod link;
pub mod login;
pub mod logout;
pub mod not_me;
mod onward;
mod proof;
mod question;
pub mod recover;
pub mod recover_password;
pub mod register;
pub mod register_finish;
pub mod select_account;
pub mod throttle;
mod timeline;
mod wording;
