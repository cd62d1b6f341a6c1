//! Threads and background tasks: the blocking pool, what is written asynchronously, the supervisor.

pub mod blocking_pool;
pub mod history;
pub mod refusals;
pub mod supervisor;
