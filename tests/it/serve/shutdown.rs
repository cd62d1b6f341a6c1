//! Pending work when the process ends: queued events are written, e-mails are sent or stay in the queue; also when it is killed.

use std::time::{Duration, Instant};

use symbolon::testing::{protocol::grant::history::GrantEvent, store::grant_history};

use super::{Site, refresh, tokens};
use crate::harness::{Behavior, Browser, Database, MailServer, databases, grant_of};

const ALICE: &str = "alice@example.com";

/// A site that sends by this server, and alice, who has signed in once.
fn with_mail(database: Database, mail: &MailServer) -> Site {
    let site = Site::new(database)
        .with("SYMBOLON_MAIL", "smtp")
        .with("SYMBOLON_MAIL_FROM", "no-reply@id.example.com")
        .with("SYMBOLON_SMTP_HOST", "localhost")
        .with("SYMBOLON_SMTP_PORT", mail.port().to_string())
        .with("SYMBOLON_SMTP_CA_FILE", mail.ca_file().display().to_string())
        .with("SYMBOLON_SHUTDOWN_TIMEOUT", "2s");
    site.add_alice();
    site.command(&["user", "set", "alice", "--email-verified"], "");
    site
}

/// Signs in twice with a new browser: of the second time alice is told.
fn sign_in_anew(site: &Site) {
    for _ in 0..2 {
        Browser::at(&site.url).sign_in("alice");
    }
}

#[test]
fn no_entry_is_lost_at_a_graceful_end() {
    for database in databases() {
        let name = database.name;
        let site = Site::new(database);
        site.add_alice();
        let spa = site.add_spa();
        let process = site.serve();
        let mut current = tokens(&site.url, &spa);
        let grant = grant_of(&current);
        for _ in 0..40 {
            current = refresh(&site.url, &spa, current.text("refresh_token")).unwrap();
            assert_eq!(current.status, 200, "{name}: {current:?}");
        }
        process.signal("TERM");
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        let entries = site.store().with(|connection| grant_history::of(connection, grant, 1_000)).unwrap();
        let mut refreshed: Vec<_> =
            entries.iter().filter(|one| one.event == GrantEvent::Refreshed).map(|one| one.generation).collect();
        refreshed.sort_unstable();
        assert_eq!(refreshed, (1..=40).collect::<Vec<_>>(), "{name}");
        assert_eq!(entries.len(), 42, "{name}: {entries:?}");
    }
}

#[test]
fn a_mail_server_that_hangs_does_not_hold_up_the_end() {
    for database in databases() {
        let name = database.name;
        let mut mail = MailServer::start(Behavior { manner: "hang", ..Behavior::WELL });
        let site = with_mail(database, &mail);
        let mut process = site.serve();
        sign_in_anew(&site);
        std::thread::sleep(Duration::from_millis(200)); // it is being sent by now, or will be
        process.signal("TERM");
        process.wait_for("stopping");
        let waited = Instant::now();
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        assert!(waited.elapsed() < Duration::from_secs(8), "{name}: {:?}", waited.elapsed());
        assert!(said.contains("it may be sent twice"), "{name}: {said}");
        // It waits in the database all the same.
        let later = symbolon::testing::clock::Clock::system()
            .now()
            .plus(symbolon::testing::protocol::values::time::Span::from_seconds(86_400));
        let due =
            site.store().with(|connection| symbolon::testing::store::deliveries::due_to_users(connection, later, 10)).unwrap();
        assert_eq!(due.len(), 1, "{name}: {due:?}");
        mail.stop();
    }
}

#[test]
fn a_message_being_sent_is_sent_before_the_end() {
    for database in databases() {
        let name = database.name;
        let mail = MailServer::start(Behavior::WELL);
        let site = with_mail(database, &mail);
        let process = site.serve();
        sign_in_anew(&site);
        mail.wait_for(ALICE, 1);
        process.signal("TERM");
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        assert!(!said.contains("sent twice"), "{name}: {said}");
        let _process = site.serve();
        Browser::at(&site.url).sign_in("alice");
        mail.wait_for(ALICE, 2);
        assert_eq!(mail.messages().len(), 2, "{name}: the first was not sent again");
    }
}

#[test]
fn no_message_is_lost_when_the_process_is_killed() {
    for database in databases() {
        let name = database.name;
        let mut mail = MailServer::start(Behavior::WELL);
        mail.stop();
        let site = with_mail(database, &mail);
        let mut process = site.serve();
        sign_in_anew(&site);
        process.wait_for("e-mail not sent: will retry");
        process.signal("KILL");
        assert_eq!(process.end().0.code(), None, "{name}: by a signal");
        mail.restart(Behavior::WELL);
        let mut process = site.serve();
        let message = mail.wait_for(ALICE, 1).remove(0);
        assert!(message.subject.contains("New sign-in"), "{name}: {message:?}");
        process.wait_for("e-mail sent");
        process.signal("TERM");
        let (_, said) = process.end();
        assert!(!said.contains("sym_ml_") && !said.contains(ALICE), "{name}: the log tells neither link nor address\n{said}");
        assert_eq!(mail.messages().len(), 1, "{name}");
    }
}
