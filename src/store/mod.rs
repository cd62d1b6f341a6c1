//! All SQL. One file per table: its row, the mapping to the values of `protocol`, and its named statements. Statements are
//! portable; what differs between SQLite and PostgreSQL is in `dialect`. The token path is a single guarded statement, whose row
//! count is the answer; on SQLite several of them share one wait for the disk.

pub mod account;
pub mod activity;
mod any_connection;
pub mod apis;
pub mod authenticators;
pub mod client_refusals;
pub mod clients;
pub mod connection;
pub mod consents;
pub mod database_time;
mod database_url;
pub mod deletion_stages;
pub mod deletions;
pub mod deliveries;
pub mod devices;
mod dialect;
pub mod error;
pub mod grant_history;
pub mod grants;
pub mod leases;
pub mod link_actions;
pub mod links;
pub mod mail_requests;
mod mapping;
pub mod meta;
pub mod migrations;
mod notifications;
mod probe;
mod progress;
pub mod rate_limits;
pub mod resets;
pub mod revisions;
pub mod revoked_tokens;
mod schema;
pub mod sessions;
pub mod signing_keys;
pub mod spellings;
pub mod subjects;
pub mod sweep_cursors;
pub mod used_assertions;
pub mod users;
mod write_queue;

pub use any_connection::AnyConnection;
pub use connection::Store;
pub use database_url::DatabaseUrl;
pub use error::{Error, Result};
pub use progress::{Progress, Progressed};
