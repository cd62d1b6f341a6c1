//! What the forms reveal (ASVS 6.3.8): nothing. Every request gets the same response after the same time, whether the name or
//! address belongs to an account, to nobody, to a disabled account, or to one whose address is not verified.

use std::time::{Duration, Instant};

use crate::harness::{Browser, MailServer, Page, Server, settled, with_mail};

/// Who is asked for.
const KINDS: [&str; 4] = ["alice", "nobody", "dora", "paul"];
/// The forms.
const FORMS: [(&str, &str); 2] = [("/recover", "login"), ("/register", "email")];

/// Adds alice, dora who is disabled, and paul whose address is not known to be his.
fn add_everyone(server: &Server, number: u32) {
    server.add_user(&format!("alice{number:03}"));
    let dora = server.add_user(&format!("dora{number:03}"));
    server.disable(dora.claims.id);
    server.add_unverified(&format!("paul{number:03}"));
}

/// A page without what differs between two of the same kind: request id, proofs, the name that was typed.
fn essence(page: &Page, typed: &str) -> (u16, Vec<(String, String)>, String) {
    let stamped = page.header("location").unwrap_or(&page.body);
    let sent = stamped.split("?sent=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or("no stamp");
    let csrf = if page.body.contains("name=\"csrf\"") { page.csrf() } else { "no proof".into() };
    let same = |text: &str| {
        let text = text.replace(sent, "STAMP").replace(&csrf, "CSRF").replace(page.header("x-request-id").unwrap(), "ID");
        text.replace(typed, "NAME").replace(&typed.replace('@', "%40"), "NAME")
    };
    let varies = ["x-request-id", "date", "content-length"];
    let headers = page.headers.iter().filter(|(name, _)| !varies.contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.clone(), same(value))).collect();
    headers.sort();
    (page.status, headers, same(&page.body))
}

#[test]
fn every_answer_is_the_same() {
    with_mail(
        |_| (),
        |server, mail: &MailServer| {
            add_everyone(server, 0);
            for (path, field) in FORMS {
                let essences: Vec<_> = KINDS
                    .iter()
                    .map(|kind| {
                        let typed = format!("{kind}000@example.com");
                        let mut browser = Browser::new(server);
                        let answer = browser.fill(path, &[(field, &typed)]);
                        let shown = browser.get(answer.location());
                        let cookies: Vec<_> = browser.cookies.keys().cloned().collect();
                        (essence(&answer, &typed), essence(&shown, &typed), cookies)
                    })
                    .collect();
                assert_eq!((essences[0].0.0, essences[0].1.0), (303, 200), "{path}");
                for (other, kind) in essences.iter().zip(KINDS) {
                    assert_eq!(*other, essences[0], "{path} {kind}");
                }
            }
            // Only the mail knows: a link for alice, and to every address that wants to register, its own answer.
            settled(server);
            let mut received: Vec<_> =
                mail.messages().into_iter().map(|message| (message.to.clone(), message.text.contains("sym_ml_"))).collect();
            received.sort();
            let expected = [("alice", false), ("alice", true), ("dora", false), ("nobody", true), ("paul", false)];
            assert_eq!(received, expected.map(|(kind, has_link)| (format!("{kind}000@example.com"), has_link)));
        },
    );
}

#[test]
fn being_slowed_is_the_same() {
    with_mail(
        |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()],
        |server, _| {
            add_everyone(server, 0);
            for (form, (path, field)) in FORMS.into_iter().enumerate() {
                let slowed: Vec<_> = KINDS
                    .iter()
                    .enumerate()
                    .map(|(host, kind)| {
                        let typed = format!("{kind}000@example.com");
                        let from = format!("192.0.{form}.{host}");
                        let mut browser = Browser::new(server);
                        browser.headers.extend([("X-Forwarded-For", from), ("X-Forwarded-Proto", "https".to_owned())]);
                        let mut pages: Vec<_> = (0..5).map(|_| browser.fill(path, &[(field, &typed)])).collect();
                        let statuses: Vec<_> = pages.iter().map(|page| page.status).collect();
                        let last = pages.pop().unwrap();
                        assert_eq!(last.header("retry-after"), Some("1"), "{last:?}");
                        (statuses, essence(&last, &typed))
                    })
                    .collect();
                assert_eq!(slowed[0].0, [303, 303, 303, 303, 429]);
                assert!(slowed.iter().all(|other| *other == slowed[0]), "{path}");
                server.advance(4000);
            }
        },
    );
}

/// The quickest of them: whatever else the machine does only adds to what an answer takes.
fn quickest(times: Vec<Duration>) -> f64 {
    times.into_iter().min().unwrap().as_secs_f64()
}

#[test]
fn answers_take_the_same_time() {
    with_mail(
        |config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()],
        |server, _| {
            const ROUNDS: u32 = 31;
            (0..ROUNDS).for_each(|number| add_everyone(server, number));
            for (form, (path, field)) in FORMS.into_iter().enumerate() {
                let mut times = [const { Vec::new() }; KINDS.len()];
                for number in 0..ROUNDS {
                    for (kind, name) in KINDS.iter().enumerate() {
                        let mut browser = Browser::new(server);
                        let from = format!("192.{form}.{kind}.{number}");
                        browser.headers.extend([("X-Forwarded-For", from), ("X-Forwarded-Proto", "https".to_owned())]);
                        let page = browser.get(path);
                        let typed = format!("{name}{number:03}@example.com");
                        let began = Instant::now();
                        let answer = browser.submit(&page, &[(field, &typed)]);
                        times[kind].push(began.elapsed());
                        assert_eq!(answer.status, 303);
                    }
                }
                let [known, others @ ..] = times.map(quickest);
                eprintln!("{path}: known {known:.4}, unknown, disabled, unverified {others:.4?}");
                for other in others {
                    assert!((0.5..2.0).contains(&(other / known)), "{path}: {other} {known}");
                }
            }
        },
    );
}
