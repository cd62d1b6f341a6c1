//! The history of a grant, `templates/timeline.html`: its facts, a picture of its events, and the same in words. Which events are
//! shown together is decided by `display::timeline`; their place in the picture is `picture`.

use askama::Template;

use super::{
    Layout, Owner, RequestedScope,
    picture::{Between, Line, Picture},
    timeline_rows::{Point, RowKind, TimelineRow},
};
use crate::protocol::grant::end_reason::{EndReason, Inactive};

/// The page about one grant.
#[derive(Debug, Template)]
#[template(path = "timeline.html")]
pub struct Timeline<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
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

#[cfg(test)]
#[path = "timeline_tests.rs"]
pub(super) mod tests;
