//! The measurement of each row: a file per topic, a function per group of `rows`. Each starts the servers it needs, and stops them.

pub mod authorize;
pub mod memory;
pub mod overload;
pub mod reads;
pub mod servers;
pub mod size;
pub mod tokens;
