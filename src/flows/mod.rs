//! The pages that users see: sign-in, account selection, consent, sign-out, the front page; the account pages; registration,
//! password reset and the links in e-mails. Each page leads back to where the user came from; no page calls another. The texts
//! are in the templates.

pub mod account;
mod account_overview;
pub mod confirm_email;
pub mod consent;
mod formatting;
pub mod home;
mod interaction;
mod known_browser;
mod link;
pub mod login;
pub mod logout;
mod mail_form;
pub mod not_me;
mod password_check;
pub mod recover;
pub mod recover_password;
pub mod register;
pub mod register_finish;
pub mod select_account;
mod sign_in_redirect;
pub mod throttle;
mod timeline;
