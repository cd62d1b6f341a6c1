//! Symbolon.
pub mod protocol;
