//! A model of a database that goes back in time (row 4): every short history of an owner, a thief with a copy of an earlier token, and
//! restored backups, one by one.

use super::{
    Grant, Means, Policy, Presentation, Standing, Verdict, judge,
    tests::{at, grant, policy},
};
use crate::protocol::client::{Client, ClientKind, tests::client};

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The owner presents the newest token that they were given.
    Owner,
    /// The thief presents the newest token that they have.
    Thief,
    /// The thief gets a copy of what the owner has.
    Steal,
    /// The row is written to the backup.
    Backup,
    /// The database becomes what the backup is.
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
    /// The newest generation that was served since the last restore.
    served: u32,
}

impl World {
    fn new() -> Self {
        let row = grant(3);
        Self { backup: row.clone(), row, owner: 3, thief: None, now: 100, served: 2 }
    }

    /// What becomes of presenting a token, and the successor, where there is one.
    fn present(&mut self, client: &Client, policy: &Policy, generation: u32) -> Option<u32> {
        let means = Means::Refresh { scopes: None };
        let presented = Presentation { client, generation, means, proof: None, resources: &[] };
        let standing = Standing { person_enabled: true, must_sign_in: false, now: at(self.now) };
        match judge(&self.row, &presented, policy, &standing) {
            Verdict::Advance => {
                assert_eq!(generation, self.row.generation);
                self.serve(generation);
            }
            Verdict::Heal => {
                assert!(generation > self.row.generation);
                self.serve(generation);
            }
            Verdict::Repeat => assert_eq!(generation + 1, self.row.generation, "only the one live successor is told again"),
            Verdict::Reused(_) => {
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

/// Walks every history of this length, and asks for the end of each.
fn walk(world: &World, client: &Client, policy: &Policy, left: usize, end: &mut impl FnMut(World)) {
    if left == 0 {
        return end(world.clone());
    }
    for step in STEPS {
        let mut next = world.clone();
        next.go(client, policy, step);
        walk(&next, client, policy, left - 1, end);
    }
}

#[test]
fn after_a_restored_backup_nothing_forks_and_a_thief_with_an_older_token_ends_the_grant() {
    let client = client(ClientKind::Spa);
    for window in [0, 30] {
        let policy = policy(window);
        let (mut histories, mut ended) = (0, 0);
        walk(&World::new(), &client, &policy, LENGTH, &mut |mut world| {
            histories += 1;
            // From here on nothing is restored. Whoever has the newer token is served; the other one ends the grant, so that never
            // two of them go on.
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
