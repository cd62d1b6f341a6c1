//! A grant's history as the rows of a timeline: which entries stand alone, which runs of routine refreshes become one row, which
//! rows are omitted, and what is not listed at all. Every entry is in exactly one row, and their order is kept. The look and the
//! wording of a row are `pages::timeline`.

use crate::protocol::{
    grant::history::{Changes, GrantEvent, HistoryEntry, changes},
    values::time::Span,
};

/// The maximum number of rows drawn.
pub const MOST_ROWS: usize = 120;

/// The shortest run that is merged: a row that says "2 refreshes" saves nothing.
const SHORTEST_RUN: usize = 3;

/// The newest entries are never merged, so that current activity is seen in full.
const NEWEST_SINGLE: usize = 3;

/// A gap this long breaks a run, which must not hide it.
const SILENCE: Span = Span::from_seconds(7 * 24 * 60 * 60);

/// How many of the oldest rows are kept when others are omitted: they show how the grant began.
const BEGINNING: usize = 2;

/// Entries shown together: those from `first` to `last`, both included, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The index of its first entry.
    pub first: usize,
    /// The index of its last entry.
    pub last: usize,
    /// How they are shown.
    pub kind: Grouping,
    /// The time between the previous row and this one.
    pub since_before: Option<Span>,
    /// The time from its first entry to its last.
    pub lasting: Span,
    /// What changed; for several entries, whether it changed in any of them.
    pub changes: Changes,
    /// How many uses between the previous row and the end of this one have no entry.
    pub unlisted: u32,
    /// The newest generation at the time of its last entry: for a replayed credential, the generation that had replaced it.
    pub newest: u32,
    /// For a replayed credential: the row in which it was first used.
    pub first_used: Option<usize>,
}

/// How the entries of a row are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One entry.
    Single,
    /// Refreshes without any change.
    Run,
    /// Entries that are omitted because there are too many.
    Omitted {
        /// In how many of them something changed.
        changed: usize,
    },
}

impl Row {
    /// How many entries it holds.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.last - self.first + 1
    }
}

/// An entry, with what follows from the entries before it.
struct Step<'a> {
    entry: &'a HistoryEntry,
    changes: Changes,
    /// Uses since the previous entry that have no entry themselves.
    unlisted: u32,
    newest: u32,
    since_before: Span,
}

/// The rows for a grant's entries, oldest first, at most `most` of them (and never fewer than the four needed to say that some are
/// omitted).
#[must_use]
pub fn rows(entries: &[HistoryEntry], most: usize) -> Vec<Row> {
    let steps = steps(entries);
    let mut rows: Vec<Row> = Vec::new();
    let mut rest = steps.as_slice();
    while let Some(length) = run(rest).or_else(|| (!rest.is_empty()).then_some(1)) {
        let (own, after) = rest.split_at(length);
        let kind = if length == 1 { Grouping::Single } else { Grouping::Run };
        rows.extend(row(own, steps.len() - rest.len(), kind));
        rest = after;
    }
    let rows = shortened(rows, &steps, most.max(4));
    with_first_uses(rows, entries)
}

fn steps(entries: &[HistoryEntry]) -> Vec<Step<'_>> {
    let (mut newest, mut before) = (0, None::<&HistoryEntry>);
    let each = entries.iter().zip(changes(entries)).map(|(entry, changes)| {
        let expected = generation_before(entry).unwrap_or(newest);
        let step = Step {
            entry,
            changes,
            unlisted: expected.saturating_sub(newest),
            newest: newest.max(expected),
            since_before: before.map_or(Span::ZERO, |before| entry.at.since(before.at)),
        };
        newest = step.newest.max(generation_after(entry));
        before = Some(entry);
        step
    });
    each.collect()
}

/// The newest generation just before an entry; an entry of a replayed credential does not reveal it.
const fn generation_before(entry: &HistoryEntry) -> Option<u32> {
    match entry.event {
        GrantEvent::Reused => None,
        GrantEvent::Repeated => Some(entry.generation.saturating_add(1)),
        GrantEvent::CodeIssued | GrantEvent::Redeemed | GrantEvent::Refreshed | GrantEvent::Healed | GrantEvent::Revoked => {
            Some(entry.generation)
        }
    }
}

const fn generation_after(entry: &HistoryEntry) -> u32 {
    match entry.event {
        GrantEvent::Redeemed | GrantEvent::Refreshed | GrantEvent::Repeated | GrantEvent::Healed => {
            entry.generation.saturating_add(1)
        }
        GrantEvent::CodeIssued | GrantEvent::Reused | GrantEvent::Revoked => entry.generation,
    }
}

/// The length of the run that begins here, if one does.
fn run(rest: &[Step<'_>]) -> Option<usize> {
    let old = rest.split_last_chunk::<NEWEST_SINGLE>()?.0;
    let is_plain = |step: &&Step<'_>| step.entry.event == GrantEvent::Refreshed && step.changes == Changes::default();
    let goes_on = |step: &&Step<'_>| is_plain(step) && step.unlisted == 0 && step.since_before < SILENCE;
    let (first, others) = old.split_first()?;
    let length = 1 + others.iter().take_while(goes_on).count();
    (is_plain(&first) && length >= SHORTEST_RUN).then_some(length)
}

fn row(steps: &[Step<'_>], at: usize, kind: Grouping) -> Option<Row> {
    let (first, last) = (steps.first()?, steps.last()?);
    Some(Row {
        first: at,
        last: at + steps.len() - 1,
        kind,
        since_before: (at > 0).then_some(first.since_before),
        lasting: last.entry.at.since(first.entry.at),
        changes: Changes {
            address: steps.iter().any(|step| step.changes.address),
            user_agent: steps.iter().any(|step| step.changes.user_agent),
        },
        unlisted: steps.iter().fold(0, |sum, step| sum.saturating_add(step.unlisted)),
        newest: last.newest,
        first_used: None,
    })
}

/// If there are too many rows, merges those between the beginning and the newest into one.
fn shortened(mut rows: Vec<Row>, steps: &[Step<'_>], most: usize) -> Vec<Row> {
    if rows.len() <= most {
        return rows;
    }
    let newest = rows.split_off(rows.len() - (most - BEGINNING - 1));
    let between = rows.split_off(BEGINNING);
    let from = between.first().map_or(0, |row| row.first);
    let to = between.last().map_or(0, |row| row.last);
    if let Some(own) = steps.get(from..=to) {
        let changed = own.iter().filter(|step| step.changes != Changes::default()).count();
        rows.extend(row(own, from, Grouping::Omitted { changed }));
    }
    rows.extend(newest);
    rows
}

fn with_first_uses(mut rows: Vec<Row>, entries: &[HistoryEntry]) -> Vec<Row> {
    let first_use = |of: u32| {
        let is_use = |entry: &HistoryEntry| {
            matches!(entry.event, GrantEvent::Redeemed | GrantEvent::Refreshed | GrantEvent::Healed) && entry.generation == of
        };
        entries.iter().position(is_use)
    };
    let places: Vec<(usize, usize)> = rows.iter().map(|row| (row.first, row.last)).collect();
    for row in &mut rows {
        let entry = entries.get(row.first).filter(|entry| row.count() == 1 && entry.event == GrantEvent::Reused);
        let used = entry.and_then(|entry| first_use(entry.generation)).filter(|used| *used < row.first);
        row.first_used = used.and_then(|used| places.iter().position(|(first, last)| (*first..=*last).contains(&used)));
    }
    rows
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
