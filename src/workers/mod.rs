//! Threads and background tasks: the blocking pool, the history writer, the supervisor.

pub mod blocking_pool;
pub mod history;
pub mod supervisor;
