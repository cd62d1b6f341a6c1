//! How strong a sign-in must be: what a request, a client, an API and the operator's minimums require, and what follows for users who
//! have shown less. What they have, and what they have shown, is put into the database here.

mod account;
mod enrol;
mod minimums;
mod refresh;
mod requests;
mod reset;
mod step_up;

use diesel::RunQueryDsl;
use symbolon::testing::{
    protocol::{
        account::{
            activity::Activity,
            authenticator::AuthenticatorKind,
            proof::{Proof, Proofs},
        },
        oauth::required_class::{Minimum, Minimums},
        oidc::authentication::{Class, Method},
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{
        account::{Added, add_authenticator},
        activity::Event,
        authenticators::Authenticator,
        sessions,
        users::User,
    },
};

use crate::harness::{Browser, CALLBACK, Page, Server, query_of};

/// What has been shown in every session is this, now.
fn show(server: &Server, methods: &[Method]) {
    let at = server.now();
    let proofs = methods.iter().fold(Proofs::default(), |proofs, method| proofs.with(Proof { method: *method, at }));
    let sql = format!("UPDATE sessions SET amr = '{}', proofs = '{proofs}'", proofs.amr().unwrap());
    server.store(|connection| diesel::sql_query(sql).execute(connection).map_err(Into::into));
}

/// Gives a signed-in user an authenticator, and returns its id.
fn give(server: &Server, user: &User, kind: AuthenticatorKind, name: &str) -> Id {
    let (id, now) = (random::id(server.now()), server.now());
    let new = Authenticator {
        id,
        user_id: user.claims.id,
        kind,
        name: Some(name.into()),
        credential_id: (kind == AuthenticatorKind::Passkey).then(|| id.as_bytes().to_vec()),
        content: vec![7],
        counter: 0,
        model: (kind == AuthenticatorKind::Passkey).then(|| "ee882879-721c-4913-9775-3dfcce97072a".into()),
        synced: true,
        attested: false,
        created_at: now,
        last_used_at: None,
    };
    let event = Event { about: Some(name), ..server.event(user.claims.id, Activity::AuthenticatorAdded) };
    let added = server.store(|connection| {
        let session = sessions::unended_of(connection, user.claims.id)?.remove(0);
        add_authenticator(connection, (user, &session), &new, &event)
    });
    assert_eq!(added, Added::Yes);
    id
}

/// The answer to a request, in short: the error, "code", or the path of ours that it leads to.
#[track_caller]
fn short(page: &Page) -> String {
    assert_eq!(page.status, 303, "{page:?}");
    let to = page.location();
    if !to.starts_with(CALLBACK) {
        return to.split('?').next().unwrap().to_owned();
    }
    query_of(to).remove("error").unwrap_or_else(|| "code".to_owned())
}

/// The page of ours that a request leads to.
fn opened(browser: &mut Browser, path: &str) -> Page {
    let to = browser.get(path).location().to_owned();
    browser.get(&to)
}

/// The answer to each of a plain and a silent request.
fn answers(browser: &mut Browser, path: &str) -> (String, String) {
    (short(&browser.get(path)), short(&browser.get(&format!("{path}&prompt=none"))))
}

const fn always(class: Class) -> Minimum {
    Minimum { class, from: None }
}

fn for_everyone(class: Class, from: Option<Timestamp>) -> Minimums {
    Minimums { everyone: Some(Minimum { class, from }), ..Minimums::default() }
}

const UNMET: &str = "unmet_authentication_requirements";
