//! The results of a run, as stored in `build/bench/figures.json`: the machine, the rows of the table, and the points of both plots.
//! Only types; they are filled by `measures`, and rendered by `table` and `plots`.

use serde::{Deserialize, Serialize};

/// All results of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figures {
    /// The machine it ran on.
    pub machine: Machine,
    /// The rows of the table, in order.
    pub rows: Vec<Row>,
    /// Refresh throughput by number of grants.
    pub by_size: Vec<SizePoint>,
    /// Refresh latency by offered load.
    pub by_load: Vec<LoadPoint>,
}

/// The machine and its software.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Machine {
    /// The processor model.
    pub processor: String,
    /// The number of cores.
    pub cores: usize,
    /// The memory, in MiB.
    pub memory_mib: u64,
    /// The kernel release.
    pub kernel: String,
    /// The PostgreSQL version.
    pub postgres: String,
    /// One RSA-2048 signature, in microseconds of one core: the median of the run.
    pub rsa2048_us: f64,
    /// One P-256 signature, as `rsa2048_us`.
    pub es256_us: f64,
    /// The date, `2026-11-22`.
    pub measured_at: String,
    /// The measured commit, with a plus sign where files had changed since.
    pub commit: String,
}

/// A row of the table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    /// The measured path.
    pub path: String,
    /// The measured quantity.
    pub measure: String,
    /// The limit as text; empty where there is none.
    pub limit: String,
    /// Symbolon's figure; 0 where it could not be measured, as `note` then says.
    pub ours: f64,
    /// The yardstick's figure.
    pub yardstick: Option<f64>,
    /// Symbolon's figure divided by the yardstick's.
    pub ratio: Option<f64>,
    /// The unit of both figures.
    pub unit: String,
    /// Whether the limit holds.
    pub holds: bool,
    /// Further results, or why there are none.
    pub note: String,
}

/// A point of the first plot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SizePoint {
    /// "PostgreSQL" or "SQLite".
    pub database: String,
    /// The number of grants.
    pub grants: u64,
    /// Completed refreshes per second.
    pub requests_a_second: f64,
}

/// A point of the second plot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LoadPoint {
    /// Offered requests per second.
    pub offered: f64,
    /// Requests per second answered with tokens.
    pub answered: f64,
    /// Requests per second refused with 503 and `Retry-After`.
    pub refused: f64,
    /// The median latency, counted from when a request was due, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile of that latency.
    pub p99_ms: f64,
}
