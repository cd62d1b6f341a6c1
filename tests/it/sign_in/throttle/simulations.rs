//! Simulations of whole attacks and whole schools, on the counts alone, with a clock of their own: how many passwords are
//! checked, and what happens to a user who signs in on a new machine in the middle. `docs/decisions/0025` quotes the rates.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use symbolon::testing::{
    flows::sign_in::throttle::{Admission, Attempt, From, OF_SLOW_NETWORK, Who},
    protocol::{
        account::login_name::LoginName,
        secrets::SecretRing,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    store::{AnyConnection, Error, Store, migrations},
};

use crate::harness::{Database, databases};

/// How long an attempt waits for its network, in milliseconds.
const PATIENCE: i64 = 10_000;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Wrong,
    /// Told to wait.
    Refused,
    /// Refused in the words of a wrong password.
    Unseen,
}

/// One attempt, and when it is made.
#[derive(Clone)]
struct Try {
    name: String,
    user: Option<Id>,
    address: IpAddr,
    known_browser: Option<String>,
    is_near: bool,
    is_right: bool,
    /// The session in which the password is asked for again.
    session: Option<Id>,
}

impl Try {
    fn new(name: &str, user: Option<Id>, address: IpAddr, is_right: bool) -> Self {
        Self { name: name.into(), user, address, known_browser: None, is_near: false, is_right, session: None }
    }
}

/// The counts, and a clock.
struct World<'a> {
    connection: &'a mut AnyConnection,
    secrets: SecretRing,
    /// Those who wait for their network: when to look again, since when they wait.
    waiting: BinaryHeap<Reverse<(i64, i64, usize)>>,
    tries: Vec<(Try, Option<Attempt>)>,
    outcomes: Vec<Option<(Outcome, i64)>>,
    began: Vec<i64>,
    /// The networks in which one attempt has its turn, and those who wait for theirs.
    lines: BTreeMap<IpAddr, Vec<usize>>,
    drawn: u32,
}

/// Does something with the counts of each database. SQLite's are in memory: a simulation need not survive.
fn each_database(handle: impl Fn(&mut World<'_>)) {
    let postgres = databases().into_iter().find(|database| database.name != "sqlite").unwrap();
    for database in [Database::at("memory", "sqlite::memory:"), postgres] {
        eprintln!("on {}", database.name);
        let url = symbolon::testing::store::DatabaseUrl::parse(&database.url).unwrap();
        let counts = Store::open(&url, 1, Duration::from_secs(5)).unwrap();
        counts.with(migrations::run).unwrap();
        let secrets = SecretRing::new(["the server secret of the simulations"]).unwrap();
        let simulated = counts.with(|connection| -> Result<(), Error> {
            handle(&mut World {
                connection,
                secrets,
                waiting: BinaryHeap::new(),
                tries: vec![],
                outcomes: vec![],
                began: vec![],
                lines: BTreeMap::new(),
                drawn: 0,
            });
            Ok(())
        });
        simulated.unwrap();
    }
}

impl World<'_> {
    /// Adds an attempt at this time, in milliseconds; its number.
    fn at(&mut self, millis: i64, one: Try) -> usize {
        let number = self.tries.len();
        self.tries.push((one, None));
        self.outcomes.push(None);
        self.began.push(millis);
        self.waiting.push(Reverse((millis, millis, number)));
        number
    }

    /// Makes the next attempt, or has one that waits look again: which one ended, when, and how.
    fn step(&mut self) -> Option<(usize, i64, Outcome)> {
        loop {
            let Reverse((at, since, number)) = self.waiting.pop()?;
            if self.outcomes[number].is_some() {
                continue; // its patience, which it did not need
            }
            let now = Timestamp::from_millis(at);
            let network = self.tries[number].0.address;
            if let Some(line) = self.lines.get_mut(&network)
                && let Some(place) = line.iter().position(|other| *other == number)
            {
                line.remove(place);
                return Some(self.ends(number, (at, since), Outcome::Refused)); // its turn did not come in time
            }
            let (one, attempt) = &mut self.tries[number];
            let admission = if let Some(attempt) = attempt {
                attempt.begin_queued(self.connection, now).unwrap()
            } else {
                let from = From { address: one.address, known_browser: one.known_browser.as_deref(), is_near: one.is_near };
                let new = attempt.insert(match (one.session, one.user) {
                    (Some(session), Some(user)) => Attempt::to_confirm(&self.secrets, (user, session), from),
                    (_, user_id) => {
                        Attempt::to_sign_in(&self.secrets, Who { user_id, name: &LoginName::parse(&one.name) }, from, now)
                    }
                });
                match new.begin(self.connection, now).unwrap() {
                    Admission::Queued => match self.lines.get_mut(&network) {
                        None => {
                            self.lines.insert(network, vec![]);
                            new.begin_queued(self.connection, now).unwrap()
                        }
                        Some(line) if line.len() < OF_SLOW_NETWORK.waiting => {
                            line.push(number);
                            self.waiting.push(Reverse((at + PATIENCE, since, number)));
                            continue;
                        }
                        Some(_) => return Some(self.ends(number, (at, since), Outcome::Refused)),
                    },
                    admission => {
                        let outcome = self.judge(number, now, admission);
                        return Some(self.ends(number, (at, since), outcome));
                    }
                }
            };
            let outcome = match admission {
                Err(pause) => {
                    let next = at + i64::try_from(pause.as_millis()).unwrap();
                    if next - since <= PATIENCE {
                        self.waiting.push(Reverse((next, since, number)));
                        continue;
                    }
                    Outcome::Refused
                }
                Ok(admission) => self.judge(number, now, admission),
            };
            self.draw(network, at);
            return Some(self.ends(number, (at, since), outcome));
        }
    }

    /// The turn of a network is free: one of those who wait has it, by lot.
    fn draw(&mut self, network: IpAddr, at: i64) {
        let Some(line) = self.lines.get_mut(&network) else { return };
        if line.is_empty() {
            self.lines.remove(&network);
            return;
        }
        self.drawn += 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a short line")]
        let place = (chance(self.drawn) * line.len() as f64) as usize;
        let number = line.swap_remove(place);
        let since = self.began[number];
        self.waiting.push(Reverse((at, since, number)));
    }

    fn judge(&mut self, number: usize, now: Timestamp, admission: Admission) -> Outcome {
        let (one, attempt) = &self.tries[number];
        let attempt = attempt.as_ref().unwrap();
        match admission {
            Admission::Wait(_) => Outcome::Refused,
            Admission::Refuse => {
                attempt.failed(self.connection, now).unwrap();
                Outcome::Unseen
            }
            _ if one.is_right => {
                attempt.succeeded(self.connection, now).unwrap();
                Outcome::Right
            }
            _ => {
                attempt.failed(self.connection, now).unwrap();
                Outcome::Wrong
            }
        }
    }

    fn ends(&mut self, number: usize, (at, since): (i64, i64), outcome: Outcome) -> (usize, i64, Outcome) {
        self.outcomes[number] = Some((outcome, at - since));
        (number, at, outcome)
    }

    fn run(&mut self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        while let Some((_, _, outcome)) = self.step() {
            *counts.entry(outcome).or_default() += 1;
        }
        counts
    }
}

fn user(n: u32) -> Id {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Id::from(bytes)
}

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

/// A fixed sequence that looks like chance, from 0 to 1.
fn chance(n: u32) -> f64 {
    f64::from(n.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24)
}

#[test]
fn a_school_of_a_thousand_behind_one_address_with_a_tenth_of_typos_signs_in() {
    each_database(|world| {
        // Everyone within five minutes, on machines that are new; one in ten mistypes once, and corrects it ten seconds later.
        let mut mistaken = vec![];
        for n in 0..1000 {
            let begins = i64::from(n) * 300;
            let is_right = chance(n) > 0.1;
            let number = world.at(begins, Try::new(&format!("pupil{n}"), Some(user(n)), address(0), is_right));
            if !is_right {
                mistaken.push(number);
                world.at(begins + 10_000, Try::new(&format!("pupil{n}"), Some(user(n)), address(0), true));
            }
        }
        let counts = world.run();
        assert_eq!(counts, BTreeMap::from([(Outcome::Right, 1000), (Outcome::Wrong, mistaken.len())]));
        assert!((80..120).contains(&mistaken.len()), "{}", mistaken.len());
        let longest = world.outcomes.iter().flatten().map(|(_, waited)| *waited).max();
        assert_eq!(longest, Some(0), "nobody waits");
    });
}

/// A list of stolen pairs tried from some addresses, at each so many at a time, the next as soon as one was answered, for this long. In the
/// middle a user signs in on a new machine at the first address, again after five seconds where they were told to wait. How many
/// passwords were looked at, when the last one was, and after how long the user was signed in.
fn stuffing(world: &mut World<'_>, pairs: u32, (addresses, at_once): (u32, u32), span: Span) -> (u32, i64, i64) {
    let (mut tried, mut checked, mut last) = (0, 0, 0);
    let mut of = BTreeMap::new();
    let next = |world: &mut World<'_>, of: &mut BTreeMap<usize, u32>, at: i64, from: u32, tried: &mut u32| {
        if *tried < pairs && at <= span.millis() {
            let name = format!("stolen{tried}");
            of.insert(world.at(at, Try::new(&name, None, address(from), false)), from);
            *tried += 1;
        }
    };
    for from in (0..at_once).flat_map(|_| 0..addresses) {
        next(world, &mut of, 0, from, &mut tried);
    }
    let middle = span.millis() / 2;
    let owner = |at| (at, Try::new("alice", Some(user(1)), address(0), true));
    let (at, one) = owner(middle);
    let mut asks = world.at(at, one);
    let mut signed_in_after = -1;
    while let Some((number, at, outcome)) = world.step() {
        if number == asks {
            if outcome == Outcome::Right {
                signed_in_after = at - middle;
            } else {
                let (at, one) = owner(at + 5000);
                asks = world.at(at, one);
            }
            continue;
        }
        if outcome == Outcome::Wrong {
            (checked, last) = (checked + 1, at);
        }
        let from = of.remove(&number).unwrap();
        next(world, &mut of, at + 50, from, &mut tried);
    }
    (checked, last, signed_in_after)
}

#[test]
fn a_list_of_stolen_passwords_from_one_address_takes_days() {
    each_database(|world| {
        let hours = Span::from_seconds(6 * 3600);
        let (checked, last, signed_in_after) = stuffing(world, 100_000, (1, 1), hours);
        assert!(last <= hours.millis() + PATIENCE);
        assert!((4300..4600).contains(&checked), "{checked}: a hundred thousand take six days");
        assert!((0..=20_000).contains(&signed_in_after), "{signed_in_after} ms, behind the same address");
    });
}

#[test]
fn whoever_keeps_attempts_waiting_for_a_network_keeps_others_waiting_and_not_out() {
    for (at_once, seconds) in [(17, 300), (64, 1200)] {
        each_database(|world| {
            let (checked, _, signed_in_after) = stuffing(world, 100_000, (1, at_once), Span::from_seconds(3600));
            assert!(checked < 900, "{checked}: no more than one at a time");
            assert!((0..seconds * 1000).contains(&signed_in_after), "{signed_in_after} ms, behind the same address");
        });
    }
}

#[test]
fn a_list_of_stolen_passwords_from_thousands_of_addresses_is_not_stopped_by_networks() {
    each_database(|world| {
        // A fiftieth of five thousand addresses and a hundred thousand pairs: the counts of addresses do not touch each other.
        let (checked, last, signed_in_after) = stuffing(world, 2000, (100, 1), Span::from_seconds(3600));
        assert_eq!(checked, 2000, "twenty of each address cost nothing");
        assert!(last < 60_000, "{last}");
        assert_eq!(signed_in_after, 0);
    });
}

/// Guesses at one user, a second apart, and their owner in the middle: how many passwords were looked at, and what became of the
/// owner on a new machine at home, and on one in another network.
fn guessing(world: &mut World<'_>, guess: impl Fn(u32) -> Try, home: IpAddr) -> (usize, Outcome, Outcome) {
    const GUESSES: u32 = 300;
    for n in 0..GUESSES {
        world.at(i64::from(n) * 1000, guess(n));
    }
    let middle = i64::from(GUESSES) * 500 + 1;
    let at_home = Try { is_near: true, ..Try::new("alice", Some(user(1)), home, true) };
    let at_home = world.at(middle, at_home);
    let elsewhere = world.at(middle + 1, Try::new("alice", Some(user(1)), address(0x00ff_fffe), true));
    let counts = world.run();
    let of = |number: usize| world.outcomes[number].unwrap().0;
    (counts.get(&Outcome::Wrong).copied().unwrap_or_default(), of(at_home), of(elsewhere))
}

#[test]
fn three_hundred_guesses_at_one_user_are_a_few_whichever_way_they_take() {
    each_database(|world| {
        let one_address = guessing(world, |_| Try::new("alice", Some(user(1)), address(1), false), address(2));
        assert!((5..=14).contains(&one_address.0), "{one_address:?}");
        assert_eq!((one_address.1, one_address.2), (Outcome::Right, Outcome::Right));
    });
    each_database(|world| {
        let names = guessing(
            world,
            |n| Try::new(["alice", "alice@example.com"][n as usize % 2], Some(user(1)), address(1), false),
            address(2),
        );
        assert!((10..=28).contains(&names.0), "{names:?}");
        assert_eq!(names.1, Outcome::Right);
    });
    each_database(|world| {
        let browser = |_| Try { known_browser: Some("shared".into()), ..Try::new("alice", Some(user(1)), address(1), false) };
        let known = guessing(world, browser, address(2));
        assert!((5..=14).contains(&known.0), "{known:?}");
        assert_eq!((known.1, known.2), (Outcome::Right, Outcome::Right));
    });
    each_database(|world| {
        let everywhere = guessing(world, |n| Try::new("alice", Some(user(1)), address(n), false), address(0x00aa_0000));
        assert!((20..=31).contains(&everywhere.0), "{everywhere:?}: twenty, and one in half a minute");
        assert_eq!(everywhere.1, Outcome::Right, "at home");
        assert_eq!(everywhere.2, Outcome::Unseen, "where she never was a letter lets her in (`recovery::limits`)");
    });
}

/// Guesses at many users, three of each, while one's own account is signed in to and confirmed with wrong passwords and right ones in
/// between: how many of the guesses were looked at.
fn guessing_beside_ones_own(world: &mut World<'_>, own: impl Fn(u32, bool) -> Try) -> usize {
    let mut client_auth_failures = vec![];
    for round in 0..100 {
        let at = i64::from(round) * 3000;
        for n in 0..3 {
            world.at(at + n, own(round, false));
        }
        world.at(at + 3, own(round, true));
        for n in 0..3 {
            let number = 10 + round;
            client_auth_failures
                .push(world.at(at + 4 + n, Try::new(&format!("victim{number}"), Some(user(number)), address(1), false)));
        }
    }
    world.run();
    client_auth_failures.into_iter().filter(|number| world.outcomes[*number].unwrap().0 == Outcome::Wrong).count()
}

#[test]
fn ones_own_account_makes_no_room_for_guesses_at_others() {
    each_database(|world| {
        let outsider = |round, _| Try::new(&format!("name{round}"), None, address(2), false);
        let alone = guessing_beside_ones_own(world, outsider);
        assert!((100..200).contains(&alone), "{alone} of 300 where one's own failures are elsewhere");
    });
    each_database(|world| {
        let signing_in = guessing_beside_ones_own(world, |_, is_right| Try::new("mallory", Some(user(1)), address(1), is_right));
        assert!(signing_in < 200, "{signing_in} of 300 beside sign-ins of one's own");
    });
    each_database(|world| {
        let confirming = guessing_beside_ones_own(world, |round, is_right| Try {
            session: Some(user(1000 + round)),
            known_browser: Some("mallory's".into()),
            ..Try::new("mallory", Some(user(1)), address(1), is_right)
        });
        assert!(confirming < 200, "{confirming} of 300 beside confirmations of one's own");
    });
}
