//! What a browser's answer shows: whose passkey was used. An answer is accepted from the passkey's owner alone, once, with user
//! verification; a failure counts against the budget of its owner, as a wrong password does. A right passkey is accepted whatever
//! that budget: nobody can guess one, and nobody is to be locked out.

use super::{ANSWER, Challenge, Purpose, STATE, internal};
use crate::{
    app::App,
    flows::sign_in::{
        known_browser,
        throttle::{Admission, Attempt, Who},
    },
    passkeys::{Answer, Key, Passkeys, Unacceptable, Use, models},
    protocol::{
        account::{activity::Activity, login_name::LoginName},
        oidc::authentication::Method,
    },
    random,
    store::{
        AnyConnection,
        account::{self, PasskeyUse, Used},
        activity::Event,
        authenticators::{self, Authenticator},
        users::{self, User},
    },
    web::{fault::Fault, page_request::PageRequest},
};

/// A passkey that was shown.
pub struct Shown {
    /// Whose it is.
    pub user: User,
    /// What it proves.
    pub method: Method,
}

/// Why none was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The challenge is too old, of another page, or was used.
    Expired,
    /// The passkey with this id is not known here.
    Unknown(Vec<u8>),
    /// Anything else, for the log.
    Wrong(Unacceptable),
}

/// Verifies the answer in the form of a request. `owner` is the cookie that the challenge is bound to; `of` is the user who has to
/// show a passkey, if that is known.
///
/// # Errors
/// Database errors.
pub fn verify(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    (purpose, owner): (Purpose, &str),
    of: Option<&User>,
) -> Result<Result<Shown, Refused>, Fault> {
    let wrong = |why| Ok(Err(Refused::Wrong(Unacceptable(why))));
    let Some(ours) = &app.passkeys else { return wrong("there are no passkeys at an address") };
    let Some(challenge) = Challenge::open(app, purpose, owner, request.field(STATE), app.clock.now()) else {
        return Ok(Err(Refused::Expired));
    };
    let Some(answer) = Answer::read(request.field(ANSWER)) else { return wrong("not a passkey that was used") };
    let Some(passkey) = authenticators::find_passkey(connection, answer.id())? else {
        return Ok(Err(Refused::Unknown(answer.id().to_vec())));
    };
    let holder = match (answer.handle(), of) {
        (Some(handle), _) => users::find_by_handle(connection, handle)?,
        // Web Authentication Level 3 §7.2, step 6: only where the user is known already may the handle be missing.
        (None, Some(user)) => Some(user.clone()),
        (None, None) => return wrong("no user handle"),
    };
    let is_theirs = |user: &User| user.claims.id == passkey.user_id && of.is_none_or(|of| of.claims.id == passkey.user_id);
    let Some(user) = holder.filter(is_theirs) else {
        if let Some(user) = of {
            count_failure(app, connection, request, user)?;
        }
        return wrong("a passkey of another user");
    };
    let key = Key::from_stored(&passkey.content).ok_or_else(|| internal("a stored passkey cannot be read"))?;
    let verified = ours.used(challenge.state().expose(), &answer, (answer.id(), &key), passkey.synced);
    let verified = match verified {
        Ok(verified) => verified,
        Err(why) => {
            count_failure(app, connection, request, &user)?;
            return Ok(Err(Refused::Wrong(why)));
        }
    };
    if user.disabled_at.is_some() {
        return wrong("the account is disabled");
    }
    if !challenge.use_up(connection)? {
        return Ok(Err(Refused::Expired));
    }
    match record(app, connection, request, (&passkey, &key, verified))? {
        Used::Yes | Used::CounterFell => Ok(Ok(Shown { user, method: method(ours, &passkey) })),
        Used::Copied => {
            count_failure(app, connection, request, &user)?;
            wrong("the counter of a passkey that cannot be copied has fallen")
        }
        Used::Gone => wrong("the passkey was removed meanwhile"),
    }
}

fn method(passkeys: &Passkeys, passkey: &Authenticator) -> Method {
    let is_hardware = passkey.attested && passkeys.is_hardware(passkey.model.as_deref());
    if is_hardware { Method::HardwareKey } else { Method::Passkey }
}

/// Records the use, and what its counter says.
fn record(
    app: &App,
    connection: &mut AnyConnection,
    request: &PageRequest,
    (passkey, key, used): (&Authenticator, &Key, Use),
) -> Result<Used, Fault> {
    let (at, origin) = (app.clock.now(), request.context.origin());
    let about = passkey.name.as_deref().or_else(|| models::name(passkey.model.as_deref()?));
    let (id, activity) = (random::id(at), Activity::PasskeyCounterFell);
    let event = Event { id, user: passkey.user_id, activity, origin: &origin, about, grant: None, at };
    let used = PasskeyUse { counter: used.counter, is_synced: used.is_synced, is_device_bound: !key.is_backup_eligible };
    Ok(account::use_passkey(connection, passkey, used, &event)?)
}

/// Counts a failure for the owner of a passkey, as one of their password.
fn count_failure(app: &App, connection: &mut AnyConnection, request: &PageRequest, user: &User) -> Result<(), Fault> {
    let (now, id) = (app.clock.now(), user.claims.id);
    let name = LoginName::parse(&user.claims.username);
    let from = known_browser::from(app, connection, (request.device.as_deref(), request.context.address), Some(id), now)?;
    let mut attempt = Attempt::to_sign_in(&app.config.secrets, Who { user_id: Some(id), name: &name }, from, now);
    if !matches!(attempt.begin(connection, now)?, Admission::Wait(_)) {
        attempt.failed(connection, now)?;
    }
    app.history.failure(id, request.context.origin(), now);
    Ok(())
}
