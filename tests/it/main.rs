//! The integration tests: one binary, a file for each endpoint or concern. Everything runs on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that does not find what it expects should stop there, also in a helper"
)]

mod harness;

mod account;
mod authorize;
mod backchannel;
mod claims;
mod cli;
mod client_auth;
mod client_credentials;
mod client_settings;
mod clients;
mod consent;
mod cors;
mod crafted;
mod deletions;
mod devices;
mod discovery;
mod enumeration;
mod examples;
mod faults;
mod former_version;
mod fragments;
mod head;
mod history;
mod hostile;
mod housekeeping;
mod introspection;
mod journeys;
mod keys;
mod links;
mod logout;
mod mail;
mod matrix;
mod migrations;
mod notifications;
mod oracle;
mod outage;
mod outbound;
mod overload;
mod overtaken;
mod pages;
mod paging;
mod pairwise;
mod passkeys;
mod races;
mod recovery;
mod registration;
mod registrations;
mod resources;
mod revocation;
mod rolled_back;
mod second_factor;
mod secret_rotation;
mod serve;
mod set_back;
mod sign_in;
mod sign_in_again;
mod signing;
mod spellings;
mod statement_time;
mod statements;
mod strength;
mod supervisor;
mod token;
mod userinfo;
mod withdrawal;
