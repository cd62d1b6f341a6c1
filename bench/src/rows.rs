//! The list of measurements and their limits: the rows of the table in order, as data. How each is measured is `measures`, by the
//! name of its group.

use crate::{figures::Row, numbers::thousands};

/// The limit of a row.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// Our own figure is at most this.
    AtMost(f64),
    /// Our figure divided by the yardstick's is at most this.
    RatioAtMost(f64),
    /// Our figure divided by the yardstick's is at least this.
    RatioAtLeast(f64),
    /// No number: the measurement itself decides whether it holds.
    Told(&'static str),
}

/// The specification of a row.
#[derive(Debug)]
pub struct Requests {
    /// The name under which a measurement reports it.
    pub name: &'static str,
    /// The measured path.
    path: &'static str,
    /// The measured quantity.
    measure: &'static str,
    /// The unit of our figure.
    unit: &'static str,
    /// The limit.
    limit: Limit,
}

/// Rows that are measured together, by the name that `bench/run` accepts.
#[derive(Debug)]
pub struct Group {
    /// The group's name.
    pub name: &'static str,
    /// The group's rows.
    pub rows: &'static [Requests],
}

const SIGNATURES: &str = "server CPU / one RSA-2048 signature";
const CPU: &str = "server CPU for each request";
const THROUGHPUT: &str = "requests a second / oidc-provider in memory";

/// Every row.
pub const GROUPS: [Group; 10] = [
    Group {
        name: "refresh",
        rows: &[
            requested("refresh-cpu", "refresh, RS256, PostgreSQL", SIGNATURES, "µs", Limit::RatioAtMost(1.5)),
            requested("refresh", "refresh, RS256, PostgreSQL", THROUGHPUT, "1/s", Limit::RatioAtLeast(3.0)),
            requested(
                "refresh-id-token-cpu",
                "refresh with an ID token, RS256, PostgreSQL",
                SIGNATURES,
                "µs",
                Limit::RatioAtMost(2.4),
            ),
            requested(
                "refresh-id-token",
                "refresh with an ID token, RS256, PostgreSQL",
                THROUGHPUT,
                "1/s",
                Limit::RatioAtLeast(2.0),
            ),
            requested("refresh-es256", "refresh, ES256, PostgreSQL", CPU, "µs", Limit::AtMost(130.0)),
            requested("refresh-sqlite", "refresh, RS256, SQLite (synchronous=FULL)", THROUGHPUT, "1/s", Limit::RatioAtLeast(2.0)),
        ],
    },
    Group {
        name: "client-credentials",
        rows: &[requested("client-credentials", "client_credentials, RS256", SIGNATURES, "µs", Limit::RatioAtMost(1.2))],
    },
    Group {
        name: "introspection",
        rows: &[requested("introspection", "introspection of a live JWT, PostgreSQL", CPU, "µs", Limit::AtMost(90.0))],
    },
    Group {
        name: "published",
        rows: &[
            requested("jwks", "JWKS", CPU, "µs", Limit::AtMost(25.0)),
            requested("discovery", "discovery", CPU, "µs", Limit::AtMost(25.0)),
        ],
    },
    Group {
        name: "authorize",
        rows: &[requested(
            "authorize",
            "/authorize with session and consent, then /token",
            "server CPU for both / one RSA-2048 signature (two tokens are signed)",
            "µs",
            Limit::RatioAtMost(3.2),
        )],
    },
    Group {
        name: "memory",
        rows: &[
            requested("memory-rest", "resident memory", "at rest", "MiB", Limit::AtMost(20.0)),
            requested("memory-refresh", "resident memory", "refresh with 64 connections", "MiB", Limit::AtMost(40.0)),
            requested("memory-sign-ins", "resident memory", "500 sign-ins at once", "MiB", Limit::Told("bounded")),
        ],
    },
    Group {
        name: "start",
        rows: &[requested("start", "start", "to the first answered request, existing database", "ms", Limit::AtMost(50.0))],
    },
    Group {
        name: "two-servers",
        rows: &[requested(
            "two-servers",
            "refresh, two servers on one PostgreSQL",
            "requests a second / one server",
            "1/s",
            Limit::RatioAtLeast(1.0),
        )],
    },
    Group {
        name: "overload",
        rows: &[
            requested("overload", "refresh at twice the capacity", "p99 of what is accepted", "ms", Limit::AtMost(250.0)),
            requested(
                "overload-rest",
                "refresh at twice the capacity",
                "neither accepted nor 503 with Retry-After",
                "1/s",
                Limit::AtMost(0.0),
            ),
            requested("overload-health", "/healthz meanwhile", "p99", "ms", Limit::AtMost(250.0)),
            requested("overload-sign-ins", "/token during 500 sign-ins, all answered", "p99", "ms", Limit::AtMost(250.0)),
        ],
    },
    // Last, so that no round suffers from the disk work of removing its databases.
    Group {
        name: "size",
        rows: &[
            requested(
                "size-postgres",
                "refresh at MANY grants, PostgreSQL",
                "requests a second / at 10,000",
                "1/s",
                Limit::RatioAtLeast(0.9),
            ),
            requested(
                "size-sqlite",
                "refresh at MANY grants, SQLite",
                "requests a second / at 10,000",
                "1/s",
                Limit::RatioAtLeast(0.9),
            ),
        ],
    },
];

const fn requested(name: &'static str, path: &'static str, measure: &'static str, unit: &'static str, limit: Limit) -> Requests {
    Requests { name, path, measure, unit, limit }
}

impl Limit {
    fn words(self) -> String {
        match self {
            Self::AtMost(most) | Self::RatioAtMost(most) => format!("≤ {most}"),
            Self::RatioAtLeast(least) => format!("≥ {least}"),
            Self::Told(words) => words.to_owned(),
        }
    }

    fn holds(self, ours: f64, ratio: Option<f64>) -> bool {
        match self {
            Self::AtMost(most) => ours <= most,
            Self::RatioAtMost(most) => ratio.is_some_and(|ratio| ratio <= most),
            Self::RatioAtLeast(least) => ratio.is_some_and(|ratio| ratio >= least),
            Self::Told(_) => true,
        }
    }
}

/// The result of a row.
#[derive(Clone, Debug)]
pub struct Found {
    /// Our figure.
    pub ours: f64,
    /// The figure of the yardstick.
    pub yardstick: Option<f64>,
    /// False where more failed than the figure shows.
    pub sound: bool,
    /// Further results.
    pub note: String,
}

impl Requests {
    /// The row with its result; `many` is the maximum number of grants in this run.
    pub fn found(&self, found: Found, many: u64) -> Row {
        let ratio = found.yardstick.filter(|yardstick| *yardstick > 0.0).map(|yardstick| found.ours / yardstick);
        let holds = found.sound && self.limit.holds(found.ours, ratio);
        let Found { ours, yardstick, note, .. } = found;
        self.row(many, |row| Row { ours, yardstick, ratio, holds, note, ..row })
    }

    /// The row without a result, and why.
    pub fn missing(&self, why: &str, many: u64) -> Row {
        self.row(many, |row| Row { note: format!("not measured: {why}"), ..row })
    }

    fn row(&self, many: u64, fill: impl FnOnce(Row) -> Row) -> Row {
        fill(Row {
            path: self.path.replace("MANY", &thousands(many)),
            measure: self.measure.to_owned(),
            limit: self.limit.words(),
            ours: 0.0,
            yardstick: None,
            ratio: None,
            unit: self.unit.to_owned(),
            holds: false,
            note: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ours: f64, yardstick: Option<f64>) -> Row {
        let requested = GROUPS.iter().flat_map(|group| group.rows).find(|requested| requested.name == name).unwrap();
        requested.found(Found { ours, yardstick, sound: true, note: String::new() }, 10_000_000)
    }

    #[test]
    fn a_limit_is_kept_up_to_itself() {
        assert!(row("refresh-cpu", 300.0, Some(200.0)).holds);
        assert!(!row("refresh-cpu", 302.0, Some(200.0)).holds);
        assert!(row("refresh", 600.0, Some(200.0)).holds);
        assert!(!row("refresh", 599.0, Some(200.0)).holds);
        assert!(row("jwks", 25.0, None).holds);
        assert!(!row("jwks", 25.1, None).holds);
    }

    #[test]
    fn without_a_yardstick_no_ratio_holds() {
        assert!(!row("refresh", 600.0, None).holds);
        assert!(!row("refresh", 600.0, Some(0.0)).holds);
    }

    #[test]
    fn names_are_those_of_one_row_each() {
        let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group.rows).map(|requested| requested.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn many_is_told_with_its_commas() {
        assert_eq!(row("size-sqlite", 1.0, Some(1.0)).path, "refresh at 10,000,000 grants, SQLite");
    }
}
