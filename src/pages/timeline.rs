//! The history of a grant, `templates/timeline.html`: its facts, a picture of its events, and the same in words. Which events are
//! shown together is decided by `protocol::timeline`; their place in the picture is `picture`.

use askama::Template;

use super::{
    Layout, RequestedScope,
    picture::{Between, Line, Picture},
    span_text::SpanText,
};
use crate::protocol::end_reason::{EndReason, Inactive};

/// The page about one grant.
#[derive(Debug, Template)]
#[template(path = "timeline.html")]
pub struct Timeline<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that it was issued to.
    pub app: &'a str,
    /// The name of the device: the user's own, or a description of the program.
    pub device: &'a str,
    /// When it was issued.
    pub given: &'a Point,
    /// When the app last used it.
    pub last_used: Option<&'a Point>,
    /// Its absolute expiry.
    pub ends: &'a Point,
    /// The granted scopes.
    pub scopes: &'a [RequestedScope<'a>],
    /// Its state.
    pub state: GrantState,
    /// The events, oldest first.
    pub rows: &'a [TimelineRow],
    /// The form that ends it, while it is active.
    pub end: Option<EndGrant<'a>>,
}

/// The state of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// The code has not been redeemed yet.
    Waiting,
    /// It is active.
    InUse,
    /// It has ended.
    Ended {
        /// The reason.
        why: Inactive,
    },
}

/// The form that ends a grant: it sends `what=grant` and its `id`.
#[derive(Debug, Clone, Copy)]
pub struct EndGrant<'a> {
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The grant's id.
    pub id: &'a str,
}

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

impl Timeline<'_> {
    fn picture(&self) -> Picture<'_> {
        Picture::of(self.rows, self.is_over_in_rows())
    }

    /// The row in which a credential was reused.
    fn reuse(&self) -> Option<&TimelineRow> {
        self.rows.iter().find(|row| matches!(row.kind, RowKind::Reused { .. }))
    }

    /// Whether the last row already says that the grant has ended.
    fn is_over_in_rows(&self) -> bool {
        self.rows.last().is_some_and(|row| matches!(row.kind, RowKind::Reused { .. } | RowKind::Revoked))
    }
}

impl TimelineRow {
    /// The time span of several events.
    fn lasting(&self) -> Option<SpanText> {
        match self.kind {
            RowKind::Run { seconds, .. } => SpanText::of(seconds),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
pub(super) mod tests;
