//! cors.
