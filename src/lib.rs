//! Symbolon.
pub mod clock;
pub mod config;
pub mod demo;
pub mod jose;
pub mod pages;
pub mod passwords;
pub mod paths;
pub mod protocol;
pub mod random;
pub mod store;
