//! The life of a grant, as it is kept: what happened, when, from where, and what is different from the time before. Which
//! of it is written in the transaction that does it, and which later in batches, is `store::grant_history`.

use super::time::Timestamp;

/// What happened to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Consent was given, and the code went out: seen from the person's browser.
    CodeIssued,
    /// The code was redeemed.
    Redeemed,
    /// The refresh token was used, and rotated.
    Refreshed,
    /// The refresh token before the newest came again in time, and its successor was told again (row 6 of the verdict).
    Repeated,
    /// One that was used before came again: the grant was revoked (rows 5 and 7).
    Reused,
    /// It was revoked: by the person, their password, an operator, the client.
    Revoked,
}

impl Happening {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::CodeIssued, Self::Redeemed, Self::Refreshed, Self::Repeated, Self::Reused, Self::Revoked];

    /// The name under which it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeIssued => "code_issued",
            Self::Redeemed => "redeemed",
            Self::Refreshed => "refreshed",
            Self::Repeated => "repeated",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|happening| happening.name() == name)
    }

    /// Whether it is an everyday one, which is kept for a shorter time, and written in batches.
    #[must_use]
    pub const fn is_routine(self) -> bool {
        matches!(self, Self::Redeemed | Self::Refreshed | Self::Repeated)
    }

    /// Whether the client's side was seen, and not the person's browser or an operator.
    const fn is_seen_from_client(self) -> bool {
        matches!(self, Self::Redeemed | Self::Refreshed | Self::Repeated | Self::Reused)
    }
}

/// One moment of a grant's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What happened.
    pub happening: Happening,
    /// When.
    pub at: Timestamp,
    /// The generation of the credential that was presented; where none was, that of the row.
    pub generation: u32,
    /// The address it came from, where it came from one.
    pub address: Option<String>,
    /// The place, where it is known.
    pub place: Option<String>,
    /// The program, as it names itself.
    pub user_agent: Option<String>,
    /// Why it was revoked.
    pub why: Option<String>,
}

/// What is different from the time before that the client was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The address.
    pub address: bool,
    /// The program.
    pub user_agent: bool,
}

/// For each of these moments, oldest first, what had changed. The browser in which the grant was given is not compared with
/// the program that uses it.
#[must_use]
pub fn changes(moments: &[Moment]) -> Vec<Changes> {
    let mut before: Option<&Moment> = None;
    let compare = |moment: &Moment, before: Option<&Moment>| {
        before.map_or_else(Changes::default, |before| Changes {
            address: before.address != moment.address,
            user_agent: before.user_agent != moment.user_agent,
        })
    };
    let each = moments.iter().map(|moment| {
        if !moment.happening.is_seen_from_client() {
            return Changes::default();
        }
        let changes = compare(moment, before);
        before = Some(moment);
        changes
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(happening: Happening, address: &str, user_agent: &str) -> Moment {
        Moment {
            happening,
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
        for happening in Happening::ALL {
            assert_eq!(Happening::named(happening.name()), Some(happening));
        }
        assert_eq!(Happening::named("issued"), None);
    }

    #[test]
    fn a_client_is_compared_with_itself_alone() {
        let moments = [
            moment(Happening::CodeIssued, "192.0.2.1", "browser"),
            moment(Happening::Redeemed, "198.51.100.7", "app/1"),
            moment(Happening::Refreshed, "198.51.100.7", "app/1"),
            moment(Happening::Refreshed, "198.51.100.8", "app/1"),
            moment(Happening::Revoked, "192.0.2.1", "browser"),
            moment(Happening::Reused, "198.51.100.8", "curl"),
        ];
        let told: Vec<_> = changes(&moments).iter().map(|changes| (changes.address, changes.user_agent)).collect();
        assert_eq!(told, [(false, false), (false, false), (false, false), (true, false), (false, false), (false, true)]);
    }
}
