//! The export: all data stored about a user, as one JSON file that users and programs can read. It contains no hash, no token,
//! and nothing from which one could be derived; of the password it says only that there is one.

use actix_web::web::Data;
use serde_json::{Value, json};

use super::{SignedIn, answer, confirmed_for};
use crate::{
    app::App,
    flows::{account::overview::AccountOverview, formatting::iso},
    paths,
    protocol::{
        account::{
            activity::{Activity, Origin},
            authenticator::AuthenticatorKind,
        },
        grant::{Grant, end_reason::EndReason, history::HistoryEntry},
        values::time::Timestamp,
    },
    store::{
        AnyConnection, Result as Stored, activity,
        authenticators::{self, Authenticator},
        devices::{self, Device},
        grant_history,
        grants::{self, Filter},
        links::{self, Link},
        resets,
        sessions::{self, Session},
        subjects,
        users::User,
    },
    web::{
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The name of the file.
const NAME: &str = "account.json";
/// The maximum number of grants, and of history entries of each, newest first; lifetimes and retention allow fewer.
const MOST: u32 = 10_000;
/// The number of events read at once.
const EVENTS: u32 = 1_000;

/// `GET /account/export`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = if request.is_head { read } else { export };
    answer(request, &app, paths::ACCOUNT_DATA, handle).await
}

/// Sends the file, and records the export in the account's activity.
fn export(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let reply = read(app, connection, signed_in)?;
    activity::insert(connection, &signed_in.event(Activity::Exported, None))?;
    Ok(reply.noting(format!("exported: user {}", signed_in.user.claims.id)))
}

fn read(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    // Led back to the page with the link: a file leaves the browser on the page that led to it.
    confirmed_for(app, connection, signed_in, paths::ACCOUNT_DATA)?;
    let (user, now) = (&signed_in.user, signed_in.context.now);
    let id = user.claims.id;
    app.history.settle(connection);
    let account_overview = AccountOverview::read(app, connection, user, now)?;
    let consents = account_overview.consents.iter().map(|consent| {
        let scope = consent.allowed.scopes.to_string();
        let app = account_overview.app(&consent.client_id);
        json!({
            "app": app, "client_id": consent.client_id, "scope": scope, "audiences": consent.allowed.audiences,
            "allowed_at": iso(consent.granted_at), "allowed_by": consent.given_by.as_str(),
        })
    });
    let consents: Vec<_> = consents.collect();
    let named = devices::of(connection, id)?;
    let kept = json!({
        "server": app.config.issuer.as_str(),
        "exported_at": iso(now),
        "account": account(user),
        "subjects": subjects::of_user(connection, id)?.into_iter()
            .map(|(sector, subject)| json!({ "sector": Some(sector).filter(|sector| sector != subjects::PUBLIC), "subject": subject }))
            .collect::<Vec<_>>(),
        "sign_in_methods": authenticators::of_user(connection, id)?.iter().map(method).collect::<Vec<_>>(),
        "browsers": sessions::of_user(connection, id)?.iter().map(|one| session(one, &named)).collect::<Vec<_>>(),
        "known_devices": named.iter().map(device).collect::<Vec<_>>(),
        "allowed_apps": consents,
        "access_of_apps": accesses(connection, user, &account_overview)?,
        "activity": events(connection, user)?,
        "authenticators_removed_at": time(resets::find(connection, id)?.map(|reset| reset.due_at)),
        "links_in_mails": links::of_user(connection, id)?.iter().map(link).collect::<Vec<_>>(),
    });
    Ok(Reply::json_file(NAME, &kept))
}

fn account(user: &User) -> Value {
    let claims = &user.claims;
    json!({
        "id": claims.id.to_string(),
        "username": claims.username,
        "display_name": claims.display_name,
        "email": claims.address(),
        "email_verified": claims.email_verified,
        "roles": claims.roles,
        "groups": claims.groups,
        "attributes": claims.attributes,
        "has_password": user.password_hash.is_some(),
        "created_at": iso(user.created_at),
        "updated_at": iso(claims.updated_at),
        "signed_in_at": time(user.signed_in_at),
        "sign_in_again_since": time(user.sign_in_again_at),
    })
}

/// A passkey, an app or a set of recovery codes: without its secret, and without what a passkey is known by.
fn method(method: &Authenticator) -> Value {
    let used = (method.kind == AuthenticatorKind::RecoveryCodes).then(|| method.counter.count_ones());
    json!({
        "kind": method.kind.as_str(),
        "name": method.name,
        "model": method.model,
        "synced": method.synced,
        "codes_used": used,
        "added_at": iso(method.created_at),
        "last_used_at": time(method.last_used_at),
    })
}

fn session(session: &Session, named: &[Device]) -> Value {
    let device = named.iter().find(|device| Some(&device.id) == session.device_id.as_ref());
    from(
        &session.origin,
        json!({
            "id": session.id.to_string(),
            "name": device.and_then(|device| device.name.as_deref()),
            "signed_in_at": iso(session.auth_time),
            "how": session.amr.to_string(),
            "began_at": iso(session.created_at),
            "last_used_at": iso(session.last_seen_at),
            "ends_at": iso(session.expires_at),
            "ended_at": time(session.ended_at),
            "remembered": session.remembered,
        }),
    )
}

fn device(device: &Device) -> Value {
    let at = |millis| iso(Timestamp::from_millis(millis));
    json!({
        "name": device.name,
        "networks": device.networks,
        "first_seen_at": at(device.first_seen_at),
        "last_seen_at": at(device.last_seen_at),
        "trusted_until": time(device.trusted_until),
    })
}

fn accesses(connection: &mut AnyConnection, user: &User, account_overview: &AccountOverview) -> Stored<Vec<Value>> {
    let all = grants::list(connection, &Filter { user: Some(user.claims.id), client: None }, MOST)?;
    let each = all.iter().map(|grant| {
        let entries = grant_history::of(connection, grant.id, MOST)?;
        Ok(access(grant, account_overview.app(&grant.client_id), &entries))
    });
    each.collect()
}

fn access(grant: &Grant, app: &str, entries: &[HistoryEntry]) -> Value {
    from(
        &grant.seen,
        json!({
            "id": grant.id.to_string(),
            "app": app,
            "client_id": grant.client_id,
            "browser": grant.sid.to_string(),
            "subject": grant.sub(),
            "name": grant.device_name,
            "scope": grant.scopes.to_string(),
            "audiences": grant.audiences,
            "redirect_uri": grant.redirect_uri,
            "ends_with_browser": grant.session_id.is_some(),
            "signed_in_at": iso(grant.auth_time),
            "how": grant.amr.to_string(),
            "given_at": iso(grant.created_at),
            "last_used_at": time(grant.rotated_at),
            "uses": grant.generation,
            "ends_at": iso(grant.expires_at),
            "ended_at": time(grant.revoked_at),
            "ended_because": grant.end_reason.map(EndReason::name),
            "history": entries.iter().map(entry).collect::<Vec<_>>(),
        }),
    )
}

fn entry(entry: &HistoryEntry) -> Value {
    json!({
        "what": entry.event.name(),
        "at": iso(entry.at),
        "generation": entry.generation,
        "address": entry.address,
        "place": entry.place,
        "user_agent": entry.user_agent,
    })
}

fn events(connection: &mut AnyConnection, user: &User) -> Stored<Vec<Value>> {
    let (mut events, mut before) = (Vec::new(), None);
    loop {
        let read = activity::of(connection, user.claims.id, before, EVENTS)?;
        let is_last = read.len() < EVENTS as usize;
        before = read.last().map(|(id, _)| *id);
        events.extend(read.into_iter().map(|(_, entry)| {
            let value = json!({
                "what": entry.activity.name(), "at": iso(entry.at), "about": entry.about, "times": entry.count,
                "grant": entry.grant.map(|grant| grant.to_string()),
            });
            from(&entry.origin, value)
        }));
        if is_last {
            return Ok(events);
        }
    }
}

fn link(link: &Link) -> Value {
    json!({
        "for": link.kind.name(),
        "email": link.email,
        "made_at": iso(link.created_at),
        "ends_at": iso(link.expires_at),
        "used_at": time(link.used_at),
        "ended_at": time(link.ended_at),
    })
}

/// The value with its origin added.
fn from(origin: &Origin, value: Value) -> Value {
    let Value::Object(mut all) = value else { return value };
    let more = [("address", &origin.address), ("place", &origin.place), ("user_agent", &origin.user_agent)];
    all.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    Value::Object(all)
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(iso)
}
