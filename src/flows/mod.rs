//! The pages that users see: sign-in, account selection, consent, sign-out, the front page; the account pages; registration,
//! password reset and the links in e-mails. Each page leads back to where the user came from; no page calls another. The texts
//! are in the templates.

pub mod account;
mod formatting;
pub mod home;
pub(crate) mod interaction;
pub(crate) mod link;
pub mod logout;
mod mail_form;
pub(crate) mod passkeys;
pub mod recover;
pub mod register;
pub mod sign_in;
