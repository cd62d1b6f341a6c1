//! The integration tests: one binary, a file for each endpoint or concern. Everything runs on both databases.

mod harness;

mod authorize;
mod cli;
mod clients;
mod consent;
mod cors;
mod discovery;
mod hostile;
mod keys;
mod migrations;
mod outage;
mod pages;
mod races;
mod serve;
mod sign_in;
mod token;
mod userinfo;
