//! A time as results show it: RFC 3339, in UTC, to the second.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};

use crate::protocol::values::time::Timestamp;

/// A time by RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub Timestamp);

/// The end of the year 9999, the latest that RFC 3339 can express.
const LAST: u64 = 253_402_300_799_000;

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.millis()).unwrap_or_default().min(LAST);
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(millis)).fmt(f)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_be_written_do_not_stop_a_listing() {
        let text = |millis| DateTime(Timestamp::from_millis(millis)).to_string();
        assert_eq!(text(1_700_000_000_999), "2023-11-14T22:13:20Z");
        assert_eq!(text(-1), "1970-01-01T00:00:00Z");
        assert_eq!(text(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(serde_json::json!(DateTime(Timestamp::from_millis(0))), "1970-01-01T00:00:00Z");
    }
}
