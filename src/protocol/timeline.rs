//! The life of a grant as rows to draw and to read: which moments stand alone, which runs of everyday refreshes become one
//! row, what was left out, and what is not listed at all. Every moment is in exactly one row, and their order is kept. How a
//! row looks, and its words, is `pages::timeline`.

use super::{
    history::{Changes, GrantEvent, HistoryEntry, changes},
    time::Span,
};

/// At most so many rows are drawn.
pub const MOST_ROWS: usize = 120;

/// What is less than this stays single: a row that says "2 refreshes" saves nothing.
const SHORTEST_RUN: usize = 3;

/// The newest moments stay single, so that what is going on now is seen in full.
const NEWEST_SINGLE: usize = 3;

/// A silence that a run must not hide.
const SILENCE: Span = Span::from_seconds(7 * 24 * 60 * 60);

/// The oldest rows are kept when others are left out: how it all began.
const BEGINNING: usize = 2;

/// Moments that are told together: those from `first` to `last`, both included, by their places among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The place of its first moment.
    pub first: usize,
    /// The place of its last moment.
    pub last: usize,
    /// How they are told.
    pub kind: Grouping,
    /// From the row before to this one.
    pub since_before: Option<Span>,
    /// From its first moment to its last.
    pub lasting: Span,
    /// What had changed; for several moments, whether it had for any.
    pub changes: Changes,
    /// How many uses there were between the row before and the end of this one that no moment tells of.
    pub unlisted: u32,
    /// The newest generation when the last of it happened: for one that came again, by which it had been replaced.
    pub newest: u32,
    /// For a credential that came again: the row in which it had been used first.
    pub first_used: Option<usize>,
}

/// How the moments of a row are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One moment.
    Single,
    /// Refreshes without any change.
    Run,
    /// Moments that are not told, because there are too many.
    Omitted {
        /// In how many of them something had changed.
        changed: usize,
    },
}

impl Row {
    /// How many moments it holds.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.last - self.first + 1
    }
}

/// A moment with what follows from the ones before it.
struct Step<'a> {
    entry: &'a HistoryEntry,
    changes: Changes,
    /// Uses since the moment before that no moment tells of.
    unlisted: u32,
    newest: u32,
    since_before: Span,
}

/// The rows of a grant's moments, oldest first, at most `most` of them (and never fewer than are needed to say so: four).
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

/// The newest generation just before a moment; one that came again does not tell it.
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

/// Where there are too many rows, those between the beginning and the newest become one.
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
