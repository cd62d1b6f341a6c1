//! Adding a passkey, after a recent proof of the account's strongest kind. Reached with an authorization request in its query, the page
//! leads on with it. The offer after a sign-in is `offer`; what both share is here.

pub mod offer;

use actix_web::web::Data;

use super::{SignedIn, answer, confirmed_recently, recovery_codes};
use crate::{
    app::App,
    flows::passkeys::{self, ANSWER, Challenge, OnPage, Purpose, STATE},
    pages::{FormProblem, PasskeyAdd, PasskeyForm, PasskeyProblem, kebab},
    passkeys::{Created, Owner, models},
    paths,
    protocol::{
        account::{activity::Activity, authenticator::AuthenticatorKind},
        oidc::authentication::Method,
    },
    random,
    store::{
        AnyConnection,
        account::{self, Added},
        authenticators::Authenticator,
        error::Error,
        users,
    },
    web::{
        authorization_request,
        fault::Fault,
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The length of a user handle, in bytes.
const HANDLE: usize = 32;

/// `GET /account/passkeys/add`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let handle = |app: &App, connection: &mut AnyConnection, signed_in: &SignedIn| {
        confirmed_recently(app, connection, signed_in)?;
        Ok(show(app, connection, signed_in, None)?)
    };
    answer(request, &app, paths::ACCOUNT_PASSKEY_ADD, handle).await
}

/// `POST /account/passkeys/add`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_PASSKEY_ADD, submit).await
}

fn submit(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let before = confirmed_recently(app, connection, signed_in)?;
    if let Err(problem) = add(app, connection, signed_in, (paths::ACCOUNT_PASSKEY_ADD, false))? {
        return Ok(show(app, connection, signed_in, Some(problem))?);
    }
    let reply = recovery_codes::after_adding(app, signed_in, before);
    let reply = reply.noting(format!("added a passkey: user {}", signed_in.user.claims.id));
    signed_in.having_shown(app, connection, Method::Passkey, reply)
}

/// Asks for a new passkey of the signed-in user.
fn ask(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, is_offered: bool) -> Result<Option<OnPage>, Fault> {
    let Some(passkeys) = &app.passkeys else { return Ok(None) };
    let user = &signed_in.user;
    let handle = users::handle(connection, user.claims.id)?.unwrap_or_else(|| random::bytes::<HANDLE>().to_vec());
    let theirs = passkeys::of_user(connection, user)?;
    let known: Vec<_> = theirs.iter().filter_map(|one| one.credential_id.as_deref()).collect();
    let owner = Owner { handle: &handle, username: &user.claims.username, display_name: user.shown_name() };
    let requested = passkeys.ask_for_new(owner, &known, is_offered).map_err(passkeys::internal)?;
    let state = [&handle, requested.state.expose().as_slice()].concat();
    passkeys::on_page(app, purpose(signed_in, is_offered), &signed_in.cookie, requested.options, &state).map(Some)
}

/// Adds the passkey in the form that was sent to `about`.
fn add(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    (about, is_offered): (&str, bool),
) -> Result<Result<(), PasskeyProblem>, Fault> {
    let expired = PasskeyProblem::Form(FormProblem::FormExpired);
    let Some(passkeys) = &app.passkeys else { return Ok(Err(PasskeyProblem::Refused)) };
    if !signed_in.sent(app, about) {
        return Ok(Err(expired));
    }
    let now = app.clock.now();
    let purpose = purpose(signed_in, is_offered);
    let Some(challenge) = Challenge::open(app, purpose, &signed_in.cookie, signed_in.field(STATE), now) else {
        return Ok(Err(expired));
    };
    let Some((handle, state)) = challenge.state().expose().split_first_chunk::<HANDLE>() else { return Ok(Err(expired)) };
    let made = match passkeys.created(state, signed_in.field(ANSWER), is_offered) {
        Ok(made) => made,
        Err(why) => {
            tracing::info!(user = %signed_in.user.claims.id, %why, "passkey not added");
            return Ok(Err(PasskeyProblem::Refused));
        }
    };
    if !challenge.use_up(connection)? {
        return Ok(Err(expired));
    }
    insert(connection, signed_in, made, handle)
}

fn insert(
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    made: Created,
    handle: &[u8],
) -> Result<Result<(), PasskeyProblem>, Fault> {
    let now = signed_in.context.now;
    let new = Authenticator {
        id: random::id(now),
        user_id: signed_in.user.claims.id,
        kind: AuthenticatorKind::Passkey,
        name: None,
        credential_id: Some(made.id),
        content: made.key.to_stored().map_err(passkeys::internal)?,
        counter: made.counter,
        model: made.model,
        synced: made.is_synced,
        attested: made.is_attested,
        created_at: now,
        last_used_at: None,
    };
    let about = new.model.as_deref().and_then(models::name).unwrap_or("Passkey");
    let event = signed_in.event(Activity::AuthenticatorAdded, Some(about));
    let proof = (&signed_in.user, &signed_in.session);
    match account::add_passkey(connection, proof, (&new, handle), &event) {
        Ok(Added::Yes) => Ok(Ok(())),
        Ok(Added::TooMany) => Ok(Err(PasskeyProblem::TooMany)),
        Ok(Added::No) => Ok(Err(PasskeyProblem::Form(FormProblem::FormExpired))),
        Err(Error::Conflict(_)) => Ok(Err(PasskeyProblem::Known)),
        Err(error) => Err(error.into()),
    }
}

fn purpose(signed_in: &SignedIn, is_offered: bool) -> Purpose {
    let user = signed_in.user.claims.id;
    if is_offered { Purpose::Offer(user) } else { Purpose::Register(user) }
}

fn status(problem: Option<PasskeyProblem>) -> u16 {
    match problem {
        None => 200,
        Some(PasskeyProblem::Known | PasskeyProblem::TooMany) => 409,
        Some(PasskeyProblem::Refused | PasskeyProblem::Form(_)) => 400,
    }
}

fn noted(reply: Reply, problem: Option<PasskeyProblem>) -> Reply {
    match problem {
        Some(problem) => reply.noting(format!("no passkey added: {}", kebab(&problem))),
        None => reply,
    }
}

fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<PasskeyProblem>,
) -> Result<Reply, Fault> {
    let pending = authorization_request::pending(app, connection, &signed_in.query, signed_in.context.now)?;
    let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
    let requested = ask(app, connection, signed_in, false)?;
    let (action, csrf) = (signed_in.action(app, paths::ACCOUNT_PASSKEY_ADD), signed_in.stamp(app, paths::ACCOUNT_PASSKEY_ADD));
    let form = requested.as_ref().map(|requested| PasskeyForm {
        action: &action,
        csrf: &csrf,
        options: &requested.options,
        state: &requested.state,
    });
    let page = PasskeyAdd { layout: signed_in.layout(app), owner: signed_in.owner(), form, problem };
    Ok(noted(page::show(status(problem), &page, target.as_deref()), problem))
}
