//! The layout of the picture of a grant's history: coordinates in pixels for the drawing in `templates/timeline.html`, which
//! holds the shapes and the words. Rows have equal spacing, however much time is between them; that is written in words.

use super::{
    span_text::SpanText,
    timeline_rows::{RowKind, TimelineRow},
};
use crate::protocol::grant::end_reason::EndReason;

/// Half the height of the widest marker, and the space above the first.
const TOP: u32 = 30;
/// From a marker's centre to the line under its label.
const BELOW_LABEL: u32 = 20;
/// The line spacing.
const LINE: u32 = 19;
/// The space below the last line of a row.
const FOOT: u32 = 10;
/// The space between two rows, besides the lines written there.
const GAP: u32 = 26;
/// The maximum length of a text beside the line on a phone, in characters.
const FITTING: usize = 28;
/// The maximum number of digits that fit into a marker.
const DIGITS: usize = 6;

/// The whole drawing.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    /// Its rows, from the top.
    pub rows: Vec<Placed<'a>>,
    /// For each reused credential, the centres of two markers: its first use and its reuse.
    pub returns: Vec<(u32, u32)>,
    /// The centre of the marker after the last row, which shows the state of the grant.
    pub tail: u32,
    /// The total height.
    pub height: u32,
}

/// A row with its position.
#[derive(Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The row.
    pub row: &'a TimelineRow,
    /// Its upper edge: nothing of the previous row reaches below it.
    pub top: u32,
    /// The centre of its marker.
    pub y: u32,
    /// What is written between the previous row and this one, with its baseline.
    pub between: Vec<(u32, Between)>,
    /// The lines under its label, with their baselines.
    pub lines: Vec<(u32, Line)>,
    /// Its lower edge.
    pub bottom: u32,
}

/// What is written between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// How much later the row happened.
    Later(SpanText),
    /// The number of uses that are not listed.
    Unlisted(u32),
}

/// A line under a row's label. Texts are truncated to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The time.
    At,
    /// The time of the last event.
    Until,
    /// The last generation; the row's is the first.
    Generations(u32),
    /// The credential that had replaced the reused one.
    Replaced,
    /// The consequence.
    Consequence,
    /// The program.
    Program(String),
    /// The program, which differs from the one before.
    NewProgram(String),
    /// The address or the location.
    From(String),
    /// The address or the location, which differs from the one before.
    NewFrom(String),
    /// The number of events in which something had changed.
    Changed(usize),
    /// The reason.
    Why(EndReason),
}

impl<'a> Picture<'a> {
    /// The drawing of these rows, oldest first. If the last one is the end of the grant, there is no space for a tail.
    #[must_use]
    pub fn of(rows: &'a [TimelineRow], is_over: bool) -> Self {
        let (mut bottom, mut placed) = (0, Vec::new());
        for row in rows {
            let next = place(row, bottom);
            bottom = next.bottom;
            placed.push(next);
        }
        let y = |at: usize| placed.get(at).map(|row: &Placed<'_>| row.y);
        let first_use = |row: &TimelineRow| match row.kind {
            RowKind::Reused { first_used, .. } => first_used,
            _ => None,
        };
        let returns = rows.iter().enumerate().filter_map(|(at, row)| Some((y(first_use(row)?)?, y(at)?))).collect();
        let tail = bottom + GAP + TOP / 2;
        let height = if is_over { bottom + FOOT } else { tail + BELOW_LABEL + 2 * LINE + FOOT };
        Self { rows: placed, returns, tail, height }
    }

    /// The centre of the first marker, or of the tail if there are no rows.
    #[must_use]
    pub fn first(&self) -> u32 {
        self.rows.first().map_or(self.tail, |row| row.y)
    }

    /// The centre of the last marker, or of the tail if there are no rows.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.rows.last().map_or(self.tail, |row| row.y)
    }
}

impl Placed<'_> {
    /// Half the width of a marker that holds the generation, or of one without a number if it is too long.
    #[must_use]
    pub fn half_width(&self) -> u32 {
        u32::try_from(self.number().map_or(0, |number| number.len())).unwrap_or_default().max(2) * 3 + 8
    }

    /// The number in the marker.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        Some(self.row.generation.to_string()).filter(|number| number.len() <= DIGITS)
    }
}

fn place(row: &TimelineRow, above: u32) -> Placed<'_> {
    let later = row.seconds_before.and_then(SpanText::of).map(Between::Later);
    let unlisted = (row.unlisted > 0 && !matches!(row.kind, RowKind::Omitted { .. })).then_some(Between::Unlisted(row.unlisted));
    let between: Vec<_> = (above + GAP..).step_by(LINE as usize).zip([later, unlisted].into_iter().flatten()).collect();
    let room = u32::try_from(between.len()).unwrap_or_default() * LINE;
    let y = if above == 0 && room == 0 { TOP } else { above + GAP + TOP / 2 + room };
    let lines: Vec<_> = (y + 5 + BELOW_LABEL..).step_by(LINE as usize).zip(lines(row)).collect();
    let bottom = lines.last().map_or(y + TOP / 2, |(baseline, _)| *baseline) + FOOT;
    Placed { row, top: y - TOP / 2, y, between, lines, bottom }
}

fn lines(row: &TimelineRow) -> Vec<Line> {
    let mut lines = Vec::new();
    if let RowKind::Reused { .. } = row.kind {
        lines.extend([Line::Replaced, Line::Consequence]);
    }
    if let RowKind::Run { last, .. } = row.kind {
        lines.push(Line::Generations(last));
    }
    lines.push(Line::At);
    if row.until.is_some() {
        lines.push(Line::Until);
    }
    if let RowKind::Omitted { changed, .. } = row.kind {
        lines.extend((changed > 0).then_some(Line::Changed(changed)));
        return lines;
    }
    let introduces = matches!(row.kind, RowKind::CodeIssued | RowKind::Redeemed | RowKind::Reused { .. });
    if let Some(program) = &row.program {
        let program = cut(program);
        lines.extend(row.new_program.then(|| Line::NewProgram(program.clone())).or(introduces.then_some(Line::Program(program))));
    }
    if let Some(from) = row.place.as_ref().or(row.address.as_ref()) {
        let from = cut(if row.new_address { row.address.as_ref().unwrap_or(from) } else { from });
        lines.extend(row.new_address.then(|| Line::NewFrom(from.clone())).or(introduces.then_some(Line::From(from))));
    }
    lines.extend(row.why.map(Line::Why));
    lines
}

fn cut(text: &str) -> String {
    if text.chars().count() <= FITTING {
        return text.to_owned();
    }
    text.chars().take(FITTING - 1).chain(['…']).collect()
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
