//! What a run found, as it is kept in `build/bench/figures.json`: the machine, the rows of the table, and the points of both
//! plots. Only types; who fills them is `measures`, who draws them `table` and `plots`.

use serde::{Deserialize, Serialize};

/// Everything a run found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figures {
    /// Where it ran.
    pub machine: Machine,
    /// The table, in its order.
    pub rows: Vec<Row>,
    /// Throughput of refreshing, by the number of grants.
    pub by_size: Vec<SizePoint>,
    /// Latency of refreshing, by the load that was offered.
    pub by_load: Vec<LoadPoint>,
}

/// The machine, and what ran on it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Its cores.
    pub cores: usize,
    /// Its memory, in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The version of PostgreSQL.
    pub postgres: String,
    /// One RSA-2048 signature, in microseconds of one core: the median of the run.
    pub rsa2048_us: f64,
    /// One signature with P-256, as `rsa2048_us`.
    pub es256_us: f64,
    /// The date, `2026-11-22`.
    pub measured_at: String,
    /// The commit that was measured, with a plus sign where files had changed since.
    pub commit: String,
}

/// A row of the table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    /// What was called.
    pub path: String,
    /// What was measured of it.
    pub measure: String,
    /// What it must be, as text; empty where nothing is asked.
    pub limit: String,
    /// Symbolon's figure; 0 where it could not be measured, as `note` then says.
    pub ours: f64,
    /// The figure it is compared with.
    pub yardstick: Option<f64>,
    /// Ours divided by that.
    pub ratio: Option<f64>,
    /// The unit of both figures.
    pub unit: String,
    /// Whether the limit is kept.
    pub holds: bool,
    /// What was measured besides, or why it was not measured.
    pub note: String,
}

/// A point of the first plot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SizePoint {
    /// "PostgreSQL" or "SQLite".
    pub database: String,
    /// How many grants there were.
    pub grants: u64,
    /// Refreshes answered.
    pub requests_a_second: f64,
}

/// A point of the second plot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LoadPoint {
    /// Requests due in a second.
    pub offered: f64,
    /// Requests answered with tokens in a second.
    pub answered: f64,
    /// Requests refused with 503 and `Retry-After` in a second.
    pub refused: f64,
    /// Half of the answers came sooner after they were due, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 answers came sooner.
    pub p99_ms: f64,
}
