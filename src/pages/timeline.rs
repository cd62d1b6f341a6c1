//! The life of a grant, `templates/timeline.html`: what is known of it, a picture of what happened, and the same in words. Which
//! moments are told together was decided by `protocol::timeline`; where they stand in the picture is `picture`.

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
    /// The app it was given to.
    pub app: &'a str,
    /// The name of the device: the user's own, or words for the program.
    pub device: &'a str,
    /// Point it was given.
    pub given: &'a Point,
    /// Point the app was last seen with it.
    pub last_used: Option<&'a Point>,
    /// Its absolute end.
    pub ends: &'a Point,
    /// What it allows.
    pub scopes: &'a [RequestedScope<'a>],
    /// How it stands.
    pub state: GrantState,
    /// What happened, oldest first.
    pub rows: &'a [TimelineRow],
    /// The form that ends it, while there is something to end.
    pub end: Option<EndGrant<'a>>,
}

/// How a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// The code was not redeemed yet.
    Waiting,
    /// It works.
    InUse,
    /// It is over.
    Ended {
        /// Why.
        why: Inactive,
    },
}

/// The form that ends a grant: it sends `what=grant` and its `id`.
#[derive(Debug, Clone, Copy)]
pub struct EndGrant<'a> {
    /// Where the form is sent.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// The grant's id.
    pub id: &'a str,
}

/// A point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// In words, as users read it.
    pub words: String,
    /// By RFC 3339, for programs.
    pub iso: String,
}

/// One moment, or several that are told together. Of several, generation and details are those of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// What happened.
    pub kind: RowKind,
    /// Point; of several, the first.
    pub at: Point,
    /// Point the last of several was.
    pub until: Option<Point>,
    /// How many seconds after the row before.
    pub seconds_before: Option<i64>,
    /// The generation that was presented.
    pub generation: u32,
    /// How many uses before it are not listed.
    pub unlisted: u32,
    /// The address, where it came from one.
    pub address: Option<String>,
    /// The place, where it is known.
    pub place: Option<String>,
    /// The program, in words.
    pub program: Option<String>,
    /// Whether the address is another than before.
    pub new_address: bool,
    /// Whether the program is another than before.
    pub new_program: bool,
    /// Why it was revoked.
    pub why: Option<EndReason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Consent was given, and the code went out.
    CodeIssued,
    /// The code was redeemed.
    Redeemed,
    /// The refresh token was used, and replaced.
    Refreshed,
    /// Several times, and nothing had changed.
    Run {
        /// How many times.
        count: usize,
        /// The generation that was presented last.
        last: u32,
        /// From the first to the last.
        seconds: i64,
    },
    /// The same answer was told again.
    Repeated,
    /// A refresh token was used that the database did not know, as it had gone back in time.
    Healed,
    /// A credential that had been replaced came again: the grant was revoked.
    Reused {
        /// By which it had been replaced: the newest then.
        newest: u32,
        /// The row in which it was used first.
        first_used: Option<usize>,
    },
    /// It was revoked.
    Revoked,
    /// Too much to be told.
    Omitted {
        /// How many moments.
        count: usize,
        /// In how many of them something had changed.
        changed: usize,
    },
}

impl Timeline<'_> {
    fn picture(&self) -> Picture<'_> {
        Picture::of(self.rows, self.is_over_in_rows())
    }

    /// The row in which a credential came again.
    fn reuse(&self) -> Option<&TimelineRow> {
        self.rows.iter().find(|row| matches!(row.kind, RowKind::Reused { .. }))
    }

    /// Whether the last row says already that it is over.
    fn is_over_in_rows(&self) -> bool {
        self.rows.last().is_some_and(|row| matches!(row.kind, RowKind::Reused { .. } | RowKind::Revoked))
    }
}

impl TimelineRow {
    /// How long several took.
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
