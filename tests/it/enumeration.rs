//! Response times, which do not reveal whether a user has an account: 500 sign-ins, 500 password resets and 500 registrations, of
//! existing and unknown names in random order, compared by the Wilcoxon rank-sum test.

use std::time::Instant;

use symbolon::testing::{
    config::{Config, MailSettings, MailTransport, Registration, Sender},
    protocol::account::email_address::EmailAddress,
};
use tempfile::TempDir;

use crate::harness::{Browser, PASSWORD, Server, both_with};

/// How many of each kind; half of them exist.
const ATTEMPTS: usize = 500;
/// Beyond so many standard deviations it is no chance any more: 1 in 16,000.
const LIMIT: f64 = 4.0;

/// The numbers below `count` in an order that looks random and is the same each time.
fn shuffled(count: usize, mut state: u64) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..count).collect();
    for at in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
    numbers
}

/// How many standard deviations the ranks of one sample are from what chance gives (Wilcoxon, normal approximation).
fn deviation(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<_> = one.iter().map(|time| (*time, true)).chain(other.iter().map(|time| (*time, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let float = |count: usize| f64::from(u32::try_from(count).unwrap());
    let ranks: f64 = all.iter().enumerate().filter(|(_, (_, is_one))| *is_one).map(|(rank, _)| float(rank + 1)).sum();
    let (n, m) = (float(one.len()), float(other.len()));
    (ranks - n * (n + m + 1.0) / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn the_test_itself_tells_a_tenth_apart_and_nothing_from_nothing() {
    let sample = |seed, slower: f64| -> Vec<f64> {
        shuffled(250, seed).iter().map(|n| (f64::from(u32::try_from(*n).unwrap()) + 250.0) * slower).collect()
    };
    assert!(deviation(&sample(1, 1.0), &sample(2, 1.0)).abs() < 0.1);
    assert!(deviation(&sample(1, 1.1), &sample(2, 1.0)) > LIMIT);
}

/// Sends a form for each name, each from an address of its own, and compares those that exist with those that do not.
fn compare(server: &Server, path: &str, field: &str, name: impl Fn(usize) -> String) {
    let mut times = [Vec::new(), Vec::new()];
    for number in shuffled(ATTEMPTS, 42) {
        let mut browser = Browser::new(server);
        let address = format!("10.{}.{}.7", number / 250, number % 250);
        browser.headers = vec![("X-Forwarded-For", address), ("X-Forwarded-Proto", "https".into())];
        let page = browser.get(path);
        let (csrf, name) = (page.csrf(), name(number));
        let mut form = vec![("csrf", csrf.as_str()), (field, name.as_str())];
        if path == "/login" {
            form.push(("password", "not the password of anyone"));
        }
        let began = Instant::now();
        let answer = browser.send("POST", path, Some(&form));
        times[number % 2].push(began.elapsed().as_secs_f64());
        assert_eq!(answer.status, if path == "/login" { 401 } else { 303 }, "{answer:?}");
    }
    let median = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] * 1000.0
    };
    let [known, unknown] = times;
    let deviation = deviation(&known, &unknown);
    eprintln!("{path}: known {:.3} ms, unknown {:.3} ms, {deviation:.2} standard deviations", median(&known), median(&unknown));
    assert!(deviation.abs() < LIMIT, "{path}: {deviation}");
}

#[test]
fn no_form_takes_longer_for_who_has_an_account() {
    let folder = TempDir::new().unwrap();
    let open = |config: &mut Config| {
        let from = Sender { name: None, address: EmailAddress::parse("no-reply@example.com").unwrap() };
        config.mail = MailSettings { transport: MailTransport::File(folder.path().to_owned()), from: Some(from) };
        config.registration = Registration::Open;
        // As it is by default: the hash outweighs what reading a row takes, in a build without optimisation too.
        (config.passwords.memory_kib, config.passwords.iterations) = (19_456, 2);
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
    };
    both_with(open, |server| {
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        for number in (0..ATTEMPTS).step_by(2) {
            server.add_user_with(&format!("person{number}"), &hash, |_| ());
        }
        compare(server, "/login", "username", |number| format!("person{number}"));
        compare(server, "/recover", "login", |number| format!("person{number}"));
        compare(server, "/register", "email", |number| format!("person{number}@example.com"));
    });
}
