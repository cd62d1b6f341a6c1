//! Model tests of the verdict: random histories of presentations, races and clocks; and, exhaustively, every short history of an
//! owner, a thief with a copy of an earlier token, and restored backups (row 4).

use proptest::prelude::*;

use super::{
    AccountStatus, Grant, Policy, Presentation, TokenParams, Verdict, judge,
    tests::{CODE, Case, REFRESH, URI, VERIFIER, at, grant, policy},
};
use crate::protocol::oauth::client::{Client, ClientKind, tests::client};

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The owner presents the newest token they hold.
    Owner,
    /// The thief presents the newest token they hold.
    Thief,
    /// The thief copies the owner's token.
    Steal,
    /// The row is written to the backup.
    Backup,
    /// The database is restored from the backup.
    Restore,
    /// More time passes than the retry window.
    Wait,
}

const STEPS: [Step; 6] = [Step::Owner, Step::Thief, Step::Steal, Step::Backup, Step::Restore, Step::Wait];
const LENGTH: usize = 7;

#[derive(Clone)]
struct World {
    row: Grant,
    backup: Grant,
    owner: u32,
    thief: Option<u32>,
    now: i64,
    /// The newest generation accepted since the last restore.
    served: u32,
}

impl World {
    fn new() -> Self {
        let row = grant(3);
        Self { backup: row.clone(), row, owner: 3, thief: None, now: 100, served: 2 }
    }

    /// The verdict on a presented token, and the successor, if there is one.
    fn present(&mut self, client: &Client, policy: &Policy, generation: u32) -> Option<u32> {
        let params = TokenParams::Refresh { scopes: None };
        let presented = Presentation { client, generation, params, proof: None, resources: &[] };
        let status = AccountStatus { user_enabled: true, must_sign_in: false, now: at(self.now), by_database: at(self.now) };
        match judge(&self.row, &presented, policy, &status) {
            Verdict::Advance => {
                assert_eq!(generation, self.row.generation);
                self.serve(generation);
            }
            Verdict::Heal => {
                assert!(generation > self.row.generation);
                self.serve(generation);
            }
            Verdict::Repeat => assert_eq!(generation + 1, self.row.generation, "only the one live successor is told again"),
            Verdict::Reused(..) => {
                assert!(generation < self.row.generation);
                self.row.revoked_at = Some(at(self.now));
                return None;
            }
            Verdict::Refuse(_) => {
                assert!(self.row.revoked_at.is_some(), "a genuine token of a live grant is refused");
                return None;
            }
        }
        Some(generation + 1)
    }

    fn serve(&mut self, generation: u32) {
        assert!(self.row.revoked_at.is_none(), "nothing lives after reuse");
        assert!(generation > self.served, "a generation, or one before it, is served a second time");
        self.served = generation;
        self.row.generation = generation + 1;
        self.row.rotated_at = Some(at(self.now));
    }

    fn go(&mut self, client: &Client, policy: &Policy, step: Step) {
        self.now += 1;
        match step {
            Step::Owner => self.owner = self.present(client, policy, self.owner).unwrap_or(self.owner),
            Step::Thief => {
                if let Some(token) = self.thief {
                    self.thief = Some(self.present(client, policy, token).unwrap_or(token));
                }
            }
            Step::Steal => self.thief = Some(self.owner),
            Step::Backup => self.backup = self.row.clone(),
            Step::Restore => {
                self.row = self.backup.clone();
                self.served = self.row.generation - 1;
            }
            Step::Wait => self.now += 60,
        }
    }
}

/// Walks every history of this length, and checks the end of each.
fn follow(world: &World, client: &Client, policy: &Policy, left: usize, end: &mut impl FnMut(World)) {
    if left == 0 {
        return end(world.clone());
    }
    for step in STEPS {
        let mut next = world.clone();
        next.go(client, policy, step);
        follow(&next, client, policy, left - 1, end);
    }
}

#[test]
fn after_a_restored_backup_nothing_forks_and_a_thief_with_an_older_token_ends_the_grant() {
    let client = client(ClientKind::Spa);
    for window in [0, 30] {
        let policy = policy(window);
        let (mut histories, mut ended) = (0, 0);
        follow(&World::new(), &client, &policy, LENGTH, &mut |mut world| {
            histories += 1;
            // From here on nothing is restored. The holder of the newer token is accepted; the other one's use ends the grant, so
            // that never both continue.
            let before = (world.owner, world.thief);
            for step in [Step::Wait, Step::Owner, Step::Wait, Step::Thief, Step::Wait, Step::Owner, Step::Wait, Step::Thief] {
                world.go(&client, &policy, step);
            }
            if let (owner, Some(thief)) = before {
                assert!(world.row.revoked_at.is_some(), "two go on: {owner} {thief}");
                ended += 1;
            } else if world.row.revoked_at.is_none() {
                assert_eq!(world.row.generation, world.owner, "the owner goes on");
            }
        });
        assert!(histories == STEPS.len().pow(7) && ended > histories / 3, "{histories} {ended}");
    }
}

#[test]
fn an_owner_alone_is_never_signed_out_by_a_restored_backup() {
    let client = client(ClientKind::Spa);
    let policy = policy(30);
    let alone = |steps: usize| -> Vec<Step> {
        let some = [Step::Owner, Step::Backup, Step::Restore, Step::Wait];
        (0..LENGTH).map(|at| some[steps / 4usize.pow(u32::try_from(at).unwrap()) % 4]).collect()
    };
    for number in 0..4usize.pow(7) {
        let mut world = World::new();
        for step in alone(number) {
            world.go(&client, &policy, step);
        }
        world.go(&client, &policy, Step::Owner);
        assert!(world.row.revoked_at.is_none() && world.row.generation == world.owner, "{:?}", alone(number));
    }
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Event {
    /// Present an issued credential, `back` generations before the newest.
    Present {
        back: u32,
        right_verifier: bool,
    },
    /// Two callers judge the same row; both then try the compare-and-swap.
    Race {
        back: u32,
    },
    Clock(i64),
    Revoke,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0u32..4, prop::bool::weighted(0.8)).prop_map(|(back, right_verifier)| Event::Present { back, right_verifier }),
        2 => (0u32..3).prop_map(|back| Event::Race { back }),
        3 => (-40i64..80).prop_map(Event::Clock),
        1 => Just(Event::Revoke),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each generation succeeds at most once, there are never two valid successors, and nothing is accepted after a reuse.
    #[test]
    fn random_histories_keep_the_invariants(events in prop::collection::vec(event(), 1..60), window in prop_oneof![Just(0u32), Just(30)]) {
        let mut case = Case::new(0);
        case.window = window;
        let mut now = 0i64;
        let mut advances = std::collections::HashMap::<u32, u32>::new();
        let mut reuse_seen = false;
        for event in events {
            let (back, right_verifier, presenters) = match event {
                Event::Clock(seconds) => { now += seconds; continue }
                Event::Revoke => { case.grant.revoked_at.get_or_insert(at(now)); continue }
                Event::Present { back, right_verifier } => (back, right_verifier, 1),
                Event::Race { back } => (back, true, 2),
            };
            let generation = case.grant.generation.saturating_sub(back);
            let params = match generation {
                0 => TokenParams::Code { redirect_uri: Some(URI), verifier: Some(if right_verifier { VERIFIER } else { "wrong" }) },
                _ => REFRESH,
            };
            let read = case.grant.clone();
            let verdicts: Vec<_> = (0..presenters).map(|_| case.judge(generation, params, now)).collect();
            for verdict in verdicts {
                let mut verdict = verdict;
                if verdict == "advance" && case.grant.generation != read.generation {
                    verdict = case.judge(generation, params, now); // the compare-and-swap changed no row: judge again
                    prop_assert_ne!(verdict, "advance");
                }
                match verdict {
                    "advance" => {
                        prop_assert!(!reuse_seen && case.grant.revoked_at.is_none());
                        prop_assert_eq!(generation, case.grant.generation);
                        *advances.entry(generation).or_default() += 1;
                        prop_assert_eq!(advances[&generation], 1, "a generation succeeded twice");
                        case.grant.generation += 1;
                        case.grant.rotated_at = Some(at(now));
                    }
                    "repeat" => {
                        prop_assert!(!reuse_seen && window > 0);
                        let rotated_at = case.grant.rotated_at.unwrap();
                        prop_assert!(!rotated_at.is_ahead_of(at(now)), "told again at a time before it was told");
                        prop_assert_eq!(generation + 1, case.grant.generation, "only the one live successor is told again");
                    }
                    "reused" => { reuse_seen = true; case.grant.revoked_at.get_or_insert(at(now)); }
                    _ => {}
                }
            }
            if reuse_seen {
                for generation in 0..=case.grant.generation {
                    let params = if generation == 0 { CODE } else { REFRESH };
                    prop_assert_eq!(case.judge(generation, params, now), "invalid_grant", "something lives after reuse");
                }
            }
        }
        prop_assert_eq!(case.grant.expires_at, at(36_000), "the absolute end moved");
    }
}
