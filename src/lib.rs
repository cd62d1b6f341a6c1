//! Symbolon, an OAuth 2.0 and OpenID Connect authorization server. This is the map, in reading order; who may
//! import whom is in `docs/architecture.md`, and kept by `tests/house.rs`.

// The rules: values in, decisions out. Begin with `protocol::grant`. How values are shown is as pure.
pub mod display;
pub mod protocol;

// What the rules rely on: each module the only importer of the library it wraps.
pub mod clock;
pub mod config;
pub mod jose;
pub mod logging;
pub mod mail;
pub mod metrics;
pub mod outbound;
pub mod pages;
pub mod passwords;
pub mod paths;
pub mod random;
pub mod store;

// What a process keeps in memory, and the threads it works with.
pub mod caches;
pub mod limits;
pub mod workers;

// One server, assembled.
pub mod app;
pub mod inspection;
pub mod web;

// The handlers: for machines, for users.
pub mod endpoints;
pub mod flows;

// From the route table to the command line.
pub mod background;
pub mod routes;
pub mod server;

// The demonstration beside the server, and the command line.
pub mod cli;
pub mod demo;
