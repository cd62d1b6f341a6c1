//! The accounts of users: names, addresses, activity, links in e-mails, notifications, rate limits.

pub mod activity;
pub mod authenticator;
pub mod email_address;
pub mod link;
pub mod login_name;
pub mod notification;
pub mod password_flaw;
pub mod profile;
pub mod proof;
pub mod rate_limit;
pub mod subject;
pub mod user;
