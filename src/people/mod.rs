//! What people see: sign-in, account selection, consent, sign-out, and who is signed in. Each page leads back to where the person
//! came from; steps never call one another. Words stand in the templates.

pub mod consent;
pub mod home;
pub mod login;
pub mod logout;
mod proof;
mod question;
pub mod select_account;
mod throttle;
mod timeline;
mod wording;
