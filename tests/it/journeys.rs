//! The whole life of an account in Chromium, and its first hour in Firefox, with a real SMTP server whose e-mails are read and whose
//! links are followed.

use serde_json::{Value, json};
use symbolon::testing::{config::Registration, protocol::oauth::client::ClientKind};

use crate::harness::{Behavior, Database, MailServer, Server, chromium, databases, firefox, free_port};

#[test]
fn an_account_from_registration_to_deletion() {
    for database in databases() {
        journey(&database, |settings| chromium("journeys.mjs", settings));
    }
}

#[test]
fn the_first_hour_in_firefox() {
    journey(&Database::sqlite(), |settings| firefox("firefox.mjs", settings));
}

/// A server where anyone can register, with a client, for a script with these settings.
fn journey(database: &Database, run: impl FnOnce(&Value)) {
    let mail = MailServer::start(Behavior::WELL);
    let server = Server::start(database, |config| {
        config.mail = mail.settings();
        config.registration = Registration::Open;
    });
    let redirect_uri = format!("http://localhost:{}/callback", free_port());
    server.add_client("notes", ClientKind::Spa, |client| {
        client.settings.client_name = "Example Notes".into();
        client.settings.redirect_uris = vec![redirect_uri.clone()];
    });
    let messages = mail.inbox();
    run(&json!({ "issuer": server.url, "letters": messages, "client_id": "notes", "redirect_uri": redirect_uri }));
}
