//! The rows of a grant's history, as its page lists them and its picture draws them.

use super::span_text::SpanText;
use crate::protocol::grant::end_reason::EndReason;

/// A point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// In words, for users.
    pub words: String,
    /// In the format of RFC 3339, for programs.
    pub iso: String,
}

/// One event, or several shown together. Of several, generation and details are those of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// What happened.
    pub kind: RowKind,
    /// When it happened; of several events, the first.
    pub at: Point,
    /// When the last of several events happened.
    pub until: Option<Point>,
    /// How many seconds after the previous row.
    pub seconds_before: Option<i64>,
    /// The generation that was presented.
    pub generation: u32,
    /// The number of uses before it that are not listed.
    pub unlisted: u32,
    /// The address, if there is one.
    pub address: Option<String>,
    /// The location, if known.
    pub place: Option<String>,
    /// A description of the program.
    pub program: Option<String>,
    /// Whether the address differs from the one before.
    pub new_address: bool,
    /// Whether the program differs from the one before.
    pub new_program: bool,
    /// Why it was revoked.
    pub why: Option<EndReason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Consent was given, and the code was issued.
    CodeIssued,
    /// The code was redeemed.
    Redeemed,
    /// The refresh token was used, and replaced.
    Refreshed,
    /// It was refreshed several times, with nothing changed.
    Run {
        /// The number of refreshes.
        count: usize,
        /// The last generation that was presented.
        last: u32,
        /// From the first to the last, in seconds.
        seconds: i64,
    },
    /// The same response was sent again.
    Repeated,
    /// A refresh token newer than its row was used, as the database had been restored to an earlier state.
    Healed,
    /// A replaced credential was presented again: the grant was revoked.
    Reused {
        /// The newest generation at the time, which had replaced it.
        newest: u32,
        /// The row of its first use.
        first_used: Option<usize>,
    },
    /// It was revoked.
    Revoked,
    /// Events left out because there are too many.
    Omitted {
        /// The number of events.
        count: usize,
        /// The number of events in which something had changed.
        changed: usize,
    },
}

impl TimelineRow {
    /// The time span of several events.
    pub(super) fn lasting(&self) -> Option<SpanText> {
        match self.kind {
            RowKind::Run { seconds, .. } => SpanText::of(seconds),
            _ => None,
        }
    }
}
