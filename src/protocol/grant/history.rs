//! A grant's history: each event, with its time, its origin, and what changed since the previous one. Which events are written in
//! the transaction that causes them, and which later in batches, is `store::grant_history`.

use super::{Grant, end_reason::EndReason};
use crate::protocol::{account::activity::Origin, values::time::Timestamp};

/// An event in the life of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEvent {
    /// Consent was given and the code issued; the origin is the user's browser.
    CodeIssued,
    /// The code was redeemed.
    Redeemed,
    /// The refresh token was used and rotated.
    Refreshed,
    /// The previous refresh token was retried within the window, and the same successor returned (row 6 of the verdict).
    Repeated,
    /// A refresh token newer than the row was used: the database had been restored to an earlier state, and the row followed
    /// (row 4).
    Healed,
    /// A used credential was replayed, and the grant revoked (rows 5 and 7).
    Reused,
    /// It was revoked: by the user, a password change, an operator or the client.
    Revoked,
}

impl GrantEvent {
    /// Every event.
    pub const ALL: [Self; 7] =
        [Self::CodeIssued, Self::Redeemed, Self::Refreshed, Self::Repeated, Self::Healed, Self::Reused, Self::Revoked];

    /// The name it is stored under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeIssued => "code_issued",
            Self::Redeemed => "redeemed",
            Self::Refreshed => "refreshed",
            Self::Repeated => "repeated",
            Self::Healed => "healed",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
        }
    }

    /// The event stored under this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// Whether it is routine: kept for a shorter time, and written in batches.
    #[must_use]
    pub const fn is_routine(self) -> bool {
        matches!(self, Self::Redeemed | Self::Refreshed | Self::Repeated)
    }

    /// Whether its origin is the client, rather than the user's browser or an operator.
    const fn is_seen_from_client(self) -> bool {
        matches!(self, Self::Redeemed | Self::Refreshed | Self::Repeated | Self::Healed | Self::Reused)
    }
}

/// One entry of a grant's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What happened.
    pub event: GrantEvent,
    /// When it happened.
    pub at: Timestamp,
    /// The generation of the presented credential; that of the row if none was presented.
    pub generation: u32,
    /// The IP address it came from, if any.
    pub address: Option<String>,
    /// The place, if known.
    pub place: Option<String>,
    /// The user agent header as sent.
    pub user_agent: Option<String>,
    /// Why the grant was revoked.
    pub why: Option<EndReason>,
}

impl HistoryEntry {
    /// The sort key of a grant's entries. Generations count what happened; times come from several processes whose clocks differ,
    /// and only order entries of the same generation. A replayed credential ended the grant, as a revocation does.
    const fn order(&self) -> (bool, u32, u8, Timestamp) {
        let (is_end, generation, rank) = match self.event {
            GrantEvent::CodeIssued => (false, self.generation, 0),
            GrantEvent::Redeemed | GrantEvent::Refreshed | GrantEvent::Healed => (false, self.generation, 1),
            // Retried: after the generation was used, and before its successor was.
            GrantEvent::Repeated => (false, self.generation, 2),
            GrantEvent::Reused | GrantEvent::Revoked => (true, 0, 0),
        };
        (is_end, generation, rank, self.at)
    }
}

/// The history of a grant from beginning to end: its stored entries, by generation, and those that follow from its row alone. The
/// grant was issued when its row was created, whether or not that entry is still stored; if it was revoked, and no entry of a
/// replayed credential says so, it ended then, for the reason in its row.
#[must_use]
pub fn life(grant: &Grant, mut entries: Vec<HistoryEntry>) -> Vec<HistoryEntry> {
    entries.sort_by_key(HistoryEntry::order);
    if !entries.iter().any(|entry| entry.event == GrantEvent::CodeIssued) {
        // Until the code is redeemed, the row holds the origin of the authorization request.
        let seen = if grant.generation == 0 { grant.seen.clone() } else { Origin::default() };
        let Origin { address, place, user_agent } = seen;
        let (event, at) = (GrantEvent::CodeIssued, grant.created_at);
        entries.insert(0, HistoryEntry { event, at, generation: 0, address, place, user_agent, why: None });
    }
    if let Some(at) = grant.revoked_at.filter(|_| !entries.iter().any(|entry| entry.event == GrantEvent::Reused)) {
        let (generation, why) = (grant.generation, grant.end_reason);
        let (event, address, place, user_agent) = (GrantEvent::Revoked, None, None, None);
        entries.push(HistoryEntry { event, at, generation, address, place, user_agent, why });
    }
    entries
}

/// What changed since the client was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The IP address.
    pub address: bool,
    /// The user agent.
    pub user_agent: bool,
}

/// For each entry, oldest first, what had changed. The browser in which the grant was issued is not compared with the client that
/// uses it.
#[must_use]
pub fn changes(entries: &[HistoryEntry]) -> Vec<Changes> {
    let mut before: Option<&HistoryEntry> = None;
    let compare = |entry: &HistoryEntry, before: Option<&HistoryEntry>| {
        before.map_or_else(Changes::default, |before| Changes {
            address: before.address != entry.address,
            user_agent: before.user_agent != entry.user_agent,
        })
    };
    let each = entries.iter().map(|entry| {
        if !entry.event.is_seen_from_client() {
            return Changes::default();
        }
        let changes = compare(entry, before);
        before = Some(entry);
        changes
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::grant;

    fn entry(event: GrantEvent, address: &str, user_agent: &str) -> HistoryEntry {
        HistoryEntry {
            event,
            at: Timestamp::from_millis(0),
            generation: 0,
            address: Some(address.into()),
            place: None,
            user_agent: Some(user_agent.into()),
            why: None,
        }
    }

    #[test]
    fn names_lead_back() {
        for event in GrantEvent::ALL {
            assert_eq!(GrantEvent::named(event.name()), Some(event));
        }
        assert_eq!(GrantEvent::named("issued"), None);
    }

    #[test]
    fn a_life_has_a_beginning_and_where_it_was_revoked_an_end() {
        let at = Timestamp::from_millis;
        let seen = Origin { address: Some("192.0.2.1".into()), place: None, user_agent: Some("browser".into()) };
        let fresh = Grant { created_at: at(1_000), generation: 0, seen, ..grant::tests::grant(0) };
        let begun = HistoryEntry { at: at(1_000), ..entry(GrantEvent::CodeIssued, "192.0.2.1", "browser") };
        assert_eq!(life(&fresh, vec![]), std::slice::from_ref(&begun));
        assert_eq!(life(&fresh, vec![begun.clone()]), [begun], "what is kept is not told twice");

        let used = Grant { generation: 3, revoked_at: Some(at(9_000)), end_reason: Some(EndReason::RevokedByUser), ..fresh };
        let refreshed = entry(GrantEvent::Refreshed, "198.51.100.7", "app/1");
        let shown = life(&used, vec![refreshed.clone()]);
        assert_eq!(
            shown.iter().map(|entry| entry.event).collect::<Vec<_>>(),
            [GrantEvent::CodeIssued, GrantEvent::Refreshed, GrantEvent::Revoked]
        );
        assert_eq!((&shown[0].address, shown[0].generation), (&None, 0), "where its app is by now says nothing of its beginning");
        assert_eq!((shown[2].at, shown[2].generation, shown[2].why), (at(9_000), 3, Some(EndReason::RevokedByUser)));
        let shown = life(&used, vec![refreshed, entry(GrantEvent::Reused, "203.0.113.9", "curl")]);
        assert_eq!(shown.last().unwrap().event, GrantEvent::Reused, "that tells the end already");
        let alive = life(&Grant { revoked_at: None, ..used }, vec![]);
        assert_eq!(alive.len(), 1);
    }

    #[test]
    fn entries_of_processes_whose_clocks_differ_are_in_the_order_of_generations() {
        use GrantEvent::{CodeIssued, Redeemed, Refreshed, Repeated, Reused};
        let at = |seconds: i64| Timestamp::from_millis(1_000 * seconds);
        let of = |event, generation, seconds| HistoryEntry { generation, at: at(seconds), ..entry(event, "192.0.2.1", "app/1") };
        // Every second entry is written by a process whose clock is 3 s behind.
        let by_time = [
            (Redeemed, 0, 98),
            (Refreshed, 2, 99),
            (CodeIssued, 0, 100),
            (Repeated, 2, 100),
            (Reused, 1, 101),
            (Refreshed, 1, 101),
        ];
        let grant = Grant { created_at: at(100), generation: 3, revoked_at: Some(at(101)), ..grant::tests::grant(3) };
        let shown = life(&grant, by_time.map(|(event, generation, seconds)| of(event, generation, seconds)).into());
        let shown: Vec<_> = shown.iter().map(|entry| (entry.event, entry.generation)).collect();
        assert_eq!(shown, [(CodeIssued, 0), (Redeemed, 0), (Refreshed, 1), (Refreshed, 2), (Repeated, 2), (Reused, 1)]);
    }

    #[test]
    fn a_client_is_compared_with_itself_alone() {
        let entries = [
            entry(GrantEvent::CodeIssued, "192.0.2.1", "browser"),
            entry(GrantEvent::Redeemed, "198.51.100.7", "app/1"),
            entry(GrantEvent::Refreshed, "198.51.100.7", "app/1"),
            entry(GrantEvent::Refreshed, "198.51.100.8", "app/1"),
            entry(GrantEvent::Revoked, "192.0.2.1", "browser"),
            entry(GrantEvent::Reused, "198.51.100.8", "curl"),
        ];
        let shown: Vec<_> = changes(&entries).iter().map(|changes| (changes.address, changes.user_agent)).collect();
        assert_eq!(shown, [(false, false), (false, false), (false, false), (true, false), (false, false), (false, true)]);
    }
}
