//! Recovery codes: a new set is made and shown once, in the response to its form, and ends the one before. The page is offered right after
//! the first passkey or TOTP app was added.

use actix_web::web::Data;

use super::{SignedIn, answer, confirmed_recently, to_sign_in, url};
use crate::{
    app::App,
    codes::recovery::Seed,
    flows::sign_in::{login, second_factor},
    pages::{RecoveryCodes, RecoveryCodesState},
    paths,
    protocol::{
        account::{
            activity::Activity,
            authenticator::{AuthenticatorKind, Owned, RECOVERY_CODES},
        },
        secrets::sensitive::Sensitive,
    },
    random,
    store::{
        AnyConnection,
        account::{self, Added},
        authenticators::Authenticator,
    },
    web::{
        fault::Fault,
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The parameter of a visit right after the first passkey or TOTP app was added, and its value.
const FIRST: (&str, &str) = ("first", "yes");

/// `GET /account/recovery-codes`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| {
        let owned = confirmed_recently(app, connection, signed_in)?;
        Ok(show(app, signed_in, state(signed_in, owned, false), 200))
    };
    answer(request, &app, paths::ACCOUNT_RECOVERY_CODES, handle).await
}

/// `POST /account/recovery-codes`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_RECOVERY_CODES, make).await
}

/// Where a user goes after adding a passkey or a TOTP app; `before` is what they had. Without recovery codes, to the page that makes
/// them, which leads on from there.
pub(super) fn after_adding(app: &App, signed_in: &SignedIn, before: Owned) -> Reply {
    if before.recovery_codes > 0 {
        return on(app, signed_in, "added");
    }
    let query = signed_in.query.to_query(&[login::THEN, FIRST.0], &[FIRST]);
    Reply::see_other(&format!("{}?{query}", url(app, paths::ACCOUNT_RECOVERY_CODES)))
}

/// On with the authorization request in the query, or to the page of sign-in methods, which says what was done.
pub(super) fn on(app: &App, signed_in: &SignedIn, done: &str) -> Reply {
    match signed_in.query.get("client_id") {
        Some(_) => Reply::see_other(&way_on(app, signed_in)),
        None => signed_in.done_at(app, paths::ACCOUNT_SECURITY, done, None),
    }
}

/// The same as a link.
fn way_on(app: &App, signed_in: &SignedIn) -> String {
    if signed_in.query.get("client_id").is_none() {
        return url(app, paths::ACCOUNT_SECURITY);
    }
    let own = [&[login::THEN, FIRST.0][..], second_factor::own_names(&signed_in.query)].concat();
    format!("{}?{}", url(app, paths::AUTHORIZE), signed_in.query.to_query(&own, &[]))
}

fn make(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let owned = confirmed_recently(app, connection, signed_in)?;
    if !owned.has_second_factor() {
        return Ok(show(app, signed_in, state(signed_in, owned, false), 200));
    }
    if !signed_in.sent(app, paths::ACCOUNT_RECOVERY_CODES) {
        return Ok(show(app, signed_in, state(signed_in, owned, true), 400).noting("form expired or forged"));
    }
    let (now, user) = (app.clock.now(), signed_in.user.claims.id);
    let (id, seed) = (random::id(now), Seed::random());
    let set = Authenticator {
        id,
        user_id: user,
        kind: AuthenticatorKind::RecoveryCodes,
        name: None,
        credential_id: None,
        content: seed.seal(&app.config.secrets, id).map_err(|error| Fault::Internal(error.to_string()))?,
        counter: 0,
        model: None,
        synced: false,
        attested: false,
        created_at: now,
        last_used_at: None,
    };
    let event = signed_in.event(Activity::RecoveryCodesMade, None);
    if account::add_authenticator(connection, (&signed_in.user, &signed_in.session), &set, &event)? != Added::Yes {
        return Ok(to_sign_in(app, paths::ACCOUNT_SECURITY).noting("no codes made: the session ended meanwhile"));
    }
    app.delivery_waker.wake();
    let codes = seed.codes();
    let shown: Vec<&str> = codes.iter().map(Sensitive::expose).map(String::as_str).collect();
    // The response itself: after a redirect, nobody could show them any more.
    Ok(show(app, signed_in, RecoveryCodesState::Made { codes: &shown }, 200).noting(format!("made recovery codes: user {user}")))
}

fn state(signed_in: &SignedIn, owned: Owned, is_expired: bool) -> RecoveryCodesState<'static> {
    if !owned.has_second_factor() {
        return RecoveryCodesState::NotNeeded;
    }
    let is_first = signed_in.query.get(FIRST.0) == Some(FIRST.1);
    RecoveryCodesState::Offered { left: owned.recovery_codes, is_first, is_expired }
}

fn show(app: &App, signed_in: &SignedIn, state: RecoveryCodesState<'_>, status: u16) -> Reply {
    let page = RecoveryCodes {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        site: app.config.issuer.host(),
        count: RECOVERY_CODES,
        state,
        action: &signed_in.action(app, paths::ACCOUNT_RECOVERY_CODES),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_RECOVERY_CODES),
        on_url: &way_on(app, signed_in),
        leads_to_app: signed_in.query.get("client_id").is_some(),
    };
    page::show(status, &page, None)
}
