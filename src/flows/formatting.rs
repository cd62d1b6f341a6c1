//! Formatting for pages: what no template can derive from a number, such as a point in time, a program, a place. The texts are in
//! `templates/when.txt`, `day.txt`, `span_text.txt` and `relative.txt`.

use crate::{
    display::{
        calendar::{self, Calendar},
        user_agent,
    },
    pages::{self, CalendarDay, CalendarTime, Point, RequestedScope, ShownOrigin, When},
    protocol::{
        account::activity::Origin,
        oauth::{api::Api, scope::ScopeClaims},
        values::time::{Span, Timestamp},
    },
};

/// A point in time, in every format that is shown.
#[derive(Clone, Debug)]
pub struct ShownTime {
    iso: String,
    full: String,
    relative: String,
}

impl ShownTime {
    /// This point in time, relative to `now`.
    pub fn of(at: Timestamp, now: Timestamp) -> Self {
        Self { iso: iso(at), full: full(at), relative: pages::relative((now.millis() - at.millis()) / 1000) }
    }

    /// The point in time, for a template.
    pub fn when(&self) -> When<'_> {
        When { iso: &self.iso, full: &self.full, relative: &self.relative }
    }
}

/// "22 November 2026, 05:37 UTC".
pub fn full(at: Timestamp) -> String {
    let Calendar { year, month, day, hour, minute } = Calendar::of(at);
    CalendarTime { year, month, day, hour, minute }.to_string()
}

/// In RFC 3339 format, to the second.
pub fn iso(at: Timestamp) -> String {
    let Calendar { year, month, day, hour, minute } = Calendar::of(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", at.seconds().rem_euclid(60))
}

/// A point in time, for a page with a drawing.
pub fn point(at: Timestamp) -> Point {
    Point { words: full(at), iso: iso(at) }
}

/// A span, such as "14 days".
pub fn span(span: Span) -> String {
    pages::span_text(span.seconds())
}

/// The day, such as "Sunday, 22 November 2026".
pub fn day(at: Timestamp) -> String {
    let Calendar { year, month, day, .. } = Calendar::of(at);
    CalendarDay { weekday: calendar::weekday(at), day, month, year }.to_string()
}

/// The time of day, such as "05:37 UTC".
pub fn clock(at: Timestamp) -> String {
    let Calendar { hour, minute, .. } = Calendar::of(at);
    format!("{hour:02}:{minute:02} UTC")
}

/// A scope: of an API, or one that opens claims by configuration.
pub fn scope<'a>(name: &'a str, apis: &'a [Api], custom: &'a ScopeClaims) -> RequestedScope<'a> {
    let api = apis.iter().find(|api| api.has(name));
    let own = api.and_then(|api| api.scopes.iter().find(|own| own.name == name));
    RequestedScope {
        name,
        description: own.and_then(|own| own.description.as_deref()),
        api: api.map(|api| api.name.as_str()),
        claims: custom.opened_by(name),
    }
}

/// The program of an origin, in words.
pub fn program(origin: &Origin) -> Option<String> {
    origin.user_agent.as_deref().map(user_agent::words)
}

/// An origin for a template, with its program in words.
pub fn origin<'a>(origin: &'a Origin, program: Option<&'a str>) -> ShownOrigin<'a> {
    ShownOrigin { program, place: origin.place.as_deref(), address: origin.address.as_deref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_told_in_every_way() {
        let now = Timestamp::from_millis(1_795_330_620_000);
        let shown = ShownTime::of(Timestamp::from_millis(now.millis() - 7_200_000), now);
        let When { iso, full, relative } = shown.when();
        assert_eq!([iso, full, relative], ["2026-11-22T04:57:00Z", "22 November 2026, 04:57 UTC", "2 hours ago"]);
        assert_eq!([day(now), clock(now)], ["Sunday, 22 November 2026", "06:57 UTC"]);
        assert_eq!(day(Timestamp::from_millis(-1)), "Wednesday, 31 December 1969");
    }
}
