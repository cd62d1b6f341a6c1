//! Retention: when the rows of grants and sessions are purged, a while after their end, so that users still see what has ended; and
//! how long other rows are kept for which there is no setting. The page about a user's data says what is written here.
//! These rules never purge an active row; once an ended row is purged, its tokens are inactive because the row is missing.

use crate::protocol::values::time::{Span, Timestamp};

/// How long an unredeemed code is kept at most: no token of its grant ever existed (RFC 6749 §4.1.2: a code is valid for ten
/// minutes at most).
const UNREDEEMED: Span = Span::from_seconds(86_400);

/// How long a browser stays known after it was last seen: as long as its cookie is valid.
pub const KNOWN_DEVICES: Span = Span::from_seconds(366 * 86_400);
/// How long a link is kept after its end, so that a user who follows it is told why it no longer works.
pub const ENDED_LINKS: Span = Span::from_seconds(7 * 86_400);

/// The time for which a failed delivery is retried.
pub const UNSENT: Span = Span::from_seconds(86_400);

/// The periods that decide.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How long an ended row is kept.
    pub ended: Span,
    /// How long a grant that outlives its session may be idle.
    pub grant_idle: Span,
    /// How long a session may be idle.
    pub session_idle: Span,
    /// How long a remembered session may be idle.
    pub remembered_session_idle: Span,
    /// The current time.
    pub now: Timestamp,
}

/// The facts of a grant that decide when it is purged.
#[derive(Clone, Copy, Debug)]
pub struct GrantLife {
    /// 0 until its code is redeemed.
    pub generation: u32,
    /// Whether it ends with its session: then it never idles out by itself, but the session's end ends it, even if neither is used.
    pub ends_with_session: bool,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// Its absolute expiry.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Retention {
    /// Rows that ended up to this time are purged.
    #[must_use]
    pub fn cutoff(&self) -> Timestamp {
        self.before(self.ended)
    }

    /// Whether the row of a grant is purged. An idle grant ended when its idle lifetime had passed.
    #[must_use]
    pub fn may_purge_grant(&self, life: &GrantLife) -> bool {
        if life.generation == 0 {
            return life.created_at <= self.before(UNREDEEMED.min(self.ended));
        }
        let last_use = life.rotated_at.unwrap_or(life.created_at);
        let idle_end = (!life.ends_with_session).then(|| last_use.plus(self.grant_idle));
        let ends = [Some(life.expires_at), life.revoked_at, idle_end];
        ends.into_iter().flatten().min().is_some_and(|end| end <= self.cutoff())
    }

    /// Whether a session last used at this time has expired by idleness alone; one that was used since then has not.
    #[must_use]
    pub fn is_idle(&self, remembered: bool, last_seen_at: Timestamp) -> bool {
        last_seen_at <= self.idle_since(remembered)
    }

    /// Sessions last used before this time have been idle for too long.
    #[must_use]
    pub fn idle_since(&self, remembered: bool) -> Timestamp {
        self.before(if remembered { self.remembered_session_idle } else { self.session_idle })
    }

    fn before(&self, span: Span) -> Timestamp {
        Timestamp::from_millis(self.now.millis().saturating_sub(span.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u32 = 3_600;
    const DAY: u32 = 86_400;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(Span::from_seconds(seconds))
    }

    fn retention(now: Timestamp) -> Retention {
        let days = |days| Span::from_seconds(days * DAY);
        Retention { ended: days(30), grant_idle: days(10), session_idle: days(2), remembered_session_idle: days(14), now }
    }

    /// Issued at 0, used after an hour, expires after a hundred days.
    const LIFE: fn() -> GrantLife = || GrantLife {
        generation: 3,
        ends_with_session: false,
        created_at: at(0),
        rotated_at: Some(at(HOUR)),
        expires_at: at(100 * DAY),
        revoked_at: None,
    };

    /// Asserts that it is purged at this time, and not a millisecond earlier.
    #[track_caller]
    fn leaves_at(life: GrantLife, seconds: u32) {
        let entry = at(seconds);
        assert!(retention(entry).may_purge_grant(&life), "{life:?}");
        let before = Timestamp::from_millis(entry.millis() - 1);
        assert!(!retention(before).may_purge_grant(&life), "{life:?}");
    }

    #[test]
    fn a_grant_leaves_when_it_has_been_over_for_long_enough() {
        leaves_at(LIFE(), HOUR + 40 * DAY);
        leaves_at(GrantLife { rotated_at: None, ..LIFE() }, 40 * DAY);
        leaves_at(GrantLife { revoked_at: Some(at(2 * DAY)), ..LIFE() }, 32 * DAY);
        leaves_at(GrantLife { revoked_at: Some(at(99 * DAY)), ..LIFE() }, HOUR + 40 * DAY);
        leaves_at(GrantLife { expires_at: at(5 * DAY), ..LIFE() }, 35 * DAY);
        leaves_at(GrantLife { ends_with_session: true, ..LIFE() }, 130 * DAY);
        leaves_at(GrantLife { ends_with_session: true, revoked_at: Some(at(7 * DAY)), ..LIFE() }, 37 * DAY);
    }

    #[test]
    fn a_code_that_nobody_came_for_leaves_after_a_day() {
        for ends_with_session in [false, true] {
            leaves_at(GrantLife { generation: 0, rotated_at: None, ends_with_session, ..LIFE() }, DAY);
        }
        leaves_at(GrantLife { generation: 0, rotated_at: None, revoked_at: Some(at(HOUR)), ..LIFE() }, DAY);
    }

    #[test]
    fn a_session_is_idle_by_its_kind() {
        for (remembered, days) in [(false, 2), (true, 14)] {
            let end = at(days * DAY);
            assert!(retention(end).is_idle(remembered, at(0)));
            assert!(!retention(Timestamp::from_millis(end.millis() - 1)).is_idle(remembered, at(0)));
        }
    }
}
