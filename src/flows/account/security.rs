//! The page of sign-in methods: what the user has, and the form that renames. Removing one is `removal`.

use actix_web::web::Data;

use super::{SignedIn, answer, url};
use crate::{
    app::App,
    flows::{formatting::ShownTime, passkeys as on_page},
    operations::authenticators as methods,
    pages::{Form as Target, MethodKind, Security, SecurityDone, SecurityProblem, ShownMethod},
    passkeys::models,
    paths,
    protocol::{
        account::{
            authenticator::AuthenticatorKind,
            profile::{self, DEVICE_NAME_LIMIT, Flaw},
        },
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, account,
        authenticators::{self, Authenticator},
    },
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// `GET /account/security`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_SECURITY, |app, connection, signed_in| show(app, connection, signed_in, None)).await
}

/// `POST /account/security/rename`.
pub async fn post_rename(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_SECURITY, rename).await
}

fn rename(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_RENAME) {
        return show(app, connection, signed_in, Some(SecurityProblem::FormExpired));
    }
    let name = match profile::device_name(signed_in.field("name")) {
        Ok(name) => Some(name),
        Err(Flaw::Empty) => None,
        Err(Flaw::TooLong | Flaw::Character) => return show(app, connection, signed_in, Some(SecurityProblem::NameNotTaken)),
    };
    let user = signed_in.user.claims.id;
    let is_renamed = match Id::parse(signed_in.field("id")) {
        Ok(id) => account::rename_authenticator(connection, (user, id), name.as_deref())?,
        Err(_) => false,
    };
    if is_renamed {
        Ok(signed_in.done_at(app, paths::ACCOUNT_SECURITY, "renamed", None).noting("renamed a way to sign in"))
    } else {
        show(app, connection, signed_in, Some(SecurityProblem::Gone))
    }
}

/// A method, with its texts.
struct Method<'a> {
    row: &'a Authenticator,
    id: String,
    added: ShownTime,
    used: Option<ShownTime>,
}

/// The page.
pub(super) fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<SecurityProblem>,
) -> Result<Reply, PageError> {
    let now = signed_in.context.now;
    let rows = authenticators::of_user(connection, signed_in.user.claims.id)?;
    let owned = methods::summary(&signed_in.user, &rows);
    let of_kind = |kind| {
        let theirs = rows.iter().filter(move |row| row.kind == kind);
        theirs.map(|row| Method::of(row, now)).collect::<Vec<_>>()
    };
    let (passkeys, apps) = (of_kind(AuthenticatorKind::Passkey), of_kind(AuthenticatorKind::Totp));
    let (passkeys, apps): (Vec<_>, Vec<_>) =
        (passkeys.iter().map(Method::shown).collect(), apps.iter().map(Method::shown).collect());
    let stamp = signed_in.stamp(app, paths::ACCOUNT_RENAME);
    let (signals, add_url) = (on_page::signals(app, connection, &signed_in.user)?, url(app, paths::ACCOUNT_PASSKEY_ADD));
    let page = Security {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        has_password: owned.password,
        may_remove_password: owned.password && owned.passkeys > 0,
        passkeys: &passkeys,
        add_passkey_url: app.passkeys.is_some().then_some(add_url.as_str()),
        signals: signals.as_ref().map(|[accepted, details]| [accepted.as_str(), details.as_str()]),
        apps: &apps,
        recovery_codes: owned.has_second_factor().then_some(owned.recovery_codes),
        rename: Target { action: &url(app, paths::ACCOUNT_RENAME), csrf: &stamp },
        name_limit: DEVICE_NAME_LIMIT,
        done: if problem.is_none() { done(signed_in.done(app)) } else { None },
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(SecurityProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(SecurityProblem::NameNotTaken) => page::show(400, &page, None).noting("invalid name"),
        Some(SecurityProblem::Gone) => page::show(404, &page, None).noting("not found, or not theirs"),
    })
}

fn done(word: &str) -> Option<SecurityDone> {
    match word {
        "added" => Some(SecurityDone::Added),
        "removed" => Some(SecurityDone::Removed),
        "renamed" => Some(SecurityDone::Renamed),
        _ => None,
    }
}

/// The kind as the page names it.
pub(super) const fn kind(kind: AuthenticatorKind) -> MethodKind {
    match kind {
        AuthenticatorKind::Passkey => MethodKind::Passkey,
        AuthenticatorKind::Totp => MethodKind::Totp,
        AuthenticatorKind::RecoveryCodes => MethodKind::RecoveryCodes,
    }
}

impl<'a> Method<'a> {
    fn of(row: &'a Authenticator, now: Timestamp) -> Self {
        let (added, used) = (ShownTime::of(row.created_at, now), row.last_used_at.map(|at| ShownTime::of(at, now)));
        Self { row, id: row.id.to_string(), added, used }
    }

    fn shown(&self) -> ShownMethod<'_> {
        ShownMethod {
            id: &self.id,
            name: self.row.name.as_deref(),
            model: self.row.model.as_deref().and_then(models::name),
            is_synced: self.row.synced,
            added: self.added.when(),
            used: self.used.as_ref().map(ShownTime::when),
        }
    }
}
