//! Symbolon, an OAuth 2.0 and OpenID Connect authorization server. This is the map, in reading order; who may
//! import whom is in `docs/architecture.md`, and kept by `tests/house.rs`. Nothing but the command line is public, so that the compiler names what
//! nothing uses; tests and the benchmark come in by `testing`.

// The rules: values in, decisions out. Begin with `protocol::grant`. How values are shown is as pure.
mod display;
mod protocol;

// What the rules rely on: each module the only importer of the library it wraps.
mod clock;
mod codes;
mod config;
mod jose;
mod logging;
mod mail;
mod metrics;
mod outbound;
mod pages;
mod passkeys;
mod passwords;
mod paths;
mod random;
mod store;

// What a process keeps in memory, and the threads it works with.
mod caches;
mod limits;
mod workers;

// One server, assembled.
mod app;
mod inspection;

// What an operator can do.
mod operations;

// Between HTTP and the handlers.
mod web;

// The handlers: for machines, for users.
mod endpoints;
mod flows;

// From the route table to the command line.
mod background;
mod routes;
mod server;

// The demonstration beside the server, and the command line.
mod cli;
mod demo;

pub use cli::run;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
