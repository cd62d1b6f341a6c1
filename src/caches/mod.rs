//! Copies of data that is stored or published elsewhere, kept while they are current.

pub mod client_keys;
pub mod registrations;
