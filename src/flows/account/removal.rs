//! Removing a way to sign in: after a recent proof of the account's strongest kind, and never the last one. What is removed is shown once
//! more before; with the last app, the password must be long enough to protect the account alone.

use actix_web::{http::header, web::Data};

use super::{
    Guard, Refusal, SignedIn, answer, confirmed, confirmed_for, confirmed_recently,
    security::{kind, show},
    to_sign_in, url,
};
use crate::{
    app::App,
    flows::link,
    operations::authenticators as methods,
    pages::{self, FormProblem, MethodKind, RemoveMethod, RemoveMethodProblem, SecurityProblem},
    paths,
    protocol::{
        account::{
            activity::Activity,
            authenticator::{AuthenticatorKind, Owned},
        },
        values::id::Id,
    },
    store::{
        AnyConnection, account,
        authenticators::{self, Authenticator},
    },
    web::{
        fault::Fault,
        page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
    },
};

/// In place of an id: the password.
const PASSWORD: &str = "password";

/// `GET /account/security/remove`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT_SECURITY, |app, connection, signed_in| {
        let owned = confirmed_recently(app, connection, signed_in)?;
        let named = signed_in.query.get("id").unwrap_or_default().to_owned();
        match find(connection, signed_in, &named)? {
            Some(removed) => Ok(ask(app, signed_in, (&removed, owned), None)),
            None => show(app, connection, signed_in, Some(SecurityProblem::Gone)),
        }
    })
    .await
}

/// `POST /account/security/remove`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    if request.field("password").is_empty() {
        return answer(request, &app, paths::ACCOUNT_SECURITY, |app, connection, signed_in| {
            let owned = confirmed_for(app, connection, signed_in, paths::ACCOUNT_SECURITY)?;
            remove(app, connection, signed_in, owned, false)
        })
        .await;
    }
    let context = request.context.clone();
    let done = confirmed(&app, request, GUARD, |app, connection, signed_in, _| {
        let owned = methods::owned(connection, &signed_in.user)?;
        match remove(app, connection, signed_in, owned, true) {
            Ok(reply) | Err(PageError::Reply(reply)) => Ok(reply),
            Err(PageError::Fault(fault)) => Err(fault),
        }
    });
    page_request::reply(&app, &context, done.await.map(|confirmed| confirmed.done))
}

/// The form that asks for the password, because it will be all that protects the account.
const GUARD: Guard = Guard {
    back: paths::ACCOUNT_SECURITY,
    about: paths::ACCOUNT_REMOVE,
    check: |app, connection, signed_in| confirmed_for(app, connection, signed_in, paths::ACCOUNT_SECURITY).map(drop),
    refuse: |app, connection, signed_in, refusal| {
        let owned = methods::owned(connection, &signed_in.user)?;
        let problem = match refusal {
            Refusal::WrongPassword => RemoveMethodProblem::WrongPassword,
            Refusal::Form(problem) => RemoveMethodProblem::Form(problem),
        };
        match find(connection, signed_in, signed_in.field("id"))? {
            Some(removed) => Ok(ask(app, signed_in, (&removed, owned), Some(problem))),
            None => Ok(signed_in.not_found(app)),
        }
    },
};

/// What is to be removed.
enum Removed {
    Password,
    Row(Box<Authenticator>),
}

impl Removed {
    fn id(&self) -> String {
        match self {
            Self::Password => PASSWORD.to_owned(),
            Self::Row(row) => row.id.to_string(),
        }
    }

    fn kind(&self) -> MethodKind {
        match self {
            Self::Password => MethodKind::Password,
            Self::Row(row) => kind(row.kind),
        }
    }

    /// What is left after it.
    const fn rest(&self, owned: Owned) -> Owned {
        match self {
            Self::Password => Owned { password: false, ..owned },
            Self::Row(row) => match row.kind {
                AuthenticatorKind::Passkey => Owned { passkeys: owned.passkeys.saturating_sub(1), ..owned },
                AuthenticatorKind::Totp => Owned { totp: owned.totp.saturating_sub(1), ..owned },
                AuthenticatorKind::RecoveryCodes => Owned { recovery_codes: 0, ..owned },
            },
        }
    }

    /// Whether the password will be all that is needed to sign in, and may be too short for that: nobody knows but who types it.
    fn bares_password(&self, app: &App, owned: Owned) -> bool {
        let rules = &app.password_rules;
        let is_shorter = rules.beside_second_factor().min_length() < rules.min_length();
        is_shorter && owned.password && owned.needs_code() && !self.rest(owned).needs_code()
    }

    /// Why it has to stay.
    const fn obstacle(&self, owned: Owned) -> Option<RemoveMethodProblem> {
        match self {
            Self::Row(_) if self.rest(owned).strongest().is_none() => Some(RemoveMethodProblem::LastOne),
            Self::Password if owned.passkeys == 0 => Some(RemoveMethodProblem::LastOne),
            _ => None,
        }
    }
}

fn find(connection: &mut AnyConnection, signed_in: &SignedIn, id: &str) -> Result<Option<Removed>, Fault> {
    if id == PASSWORD {
        return Ok(signed_in.user.password_hash.is_some().then_some(Removed::Password));
    }
    let Ok(id) = Id::parse(id) else { return Ok(None) };
    let row = authenticators::find(connection, id)?.filter(|row| row.user_id == signed_in.user.claims.id);
    Ok(row.map(Box::new).map(Removed::Row))
}

/// Removes what the form names; `has_password` says whether its password was verified.
fn remove(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    owned: Owned,
    has_password: bool,
) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_REMOVE) {
        return show(app, connection, signed_in, Some(SecurityProblem::FormExpired));
    }
    let Some(removed) = find(connection, signed_in, signed_in.field("id"))? else {
        return show(app, connection, signed_in, Some(SecurityProblem::Gone));
    };
    if let Some(problem) = removed.obstacle(owned) {
        return Ok(ask(app, signed_in, (&removed, owned), Some(problem)));
    }
    if removed.bares_password(app, owned) {
        let problem = match has_password {
            false => Some(RemoveMethodProblem::PasswordMissing),
            true if !app.password_rules.is_long_enough(signed_in.field("password")) => {
                Some(RemoveMethodProblem::PasswordTooShort)
            }
            true => None,
        };
        if problem.is_some() {
            return Ok(ask(app, signed_in, (&removed, owned), problem));
        }
    }
    let proof = (&signed_in.user, &signed_in.session);
    let is_done = match &removed {
        Removed::Password => {
            let event = signed_in.event(Activity::AuthenticatorRemoved, Some(pages::method_name(MethodKind::Password)));
            account::remove_password(connection, proof, &event)?
        }
        Removed::Row(row) => {
            let name = row.name.as_deref().unwrap_or_else(|| pages::method_name(kind(row.kind)));
            account::remove_authenticator(
                connection,
                proof,
                row.id,
                &signed_in.event(Activity::AuthenticatorRemoved, Some(name)),
            )?
        }
    };
    if !is_done {
        return Ok(
            to_sign_in(app, paths::ACCOUNT_SECURITY).noting("nothing removed: the account or the session changed meanwhile")
        );
    }
    app.delivery_waker.wake();
    let note = format!("removed a way to sign in ({}): user {}", removed.id(), signed_in.user.claims.id);
    Ok(signed_in.done_at(app, paths::ACCOUNT_SECURITY, "removed", None).noting(note))
}

/// The page that shows once more what is removed, or why it cannot be.
fn ask(app: &App, signed_in: &SignedIn, (removed, owned): (&Removed, Owned), problem: Option<RemoveMethodProblem>) -> Reply {
    let name = match removed {
        Removed::Password => None,
        Removed::Row(row) => row.name.as_deref(),
    };
    let page = RemoveMethod {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        kind: removed.kind(),
        name,
        id: &removed.id(),
        asks_password: removed.bares_password(app, owned),
        min_length: app.password_rules.min_length(),
        is_last_second_factor: owned.has_second_factor() && !removed.rest(owned).has_second_factor(),
        action: &url(app, paths::ACCOUNT_REMOVE),
        csrf: &signed_in.stamp(app, paths::ACCOUNT_REMOVE),
        back: &url(app, paths::ACCOUNT_SECURITY),
        problem: problem.or_else(|| removed.obstacle(owned)),
    };
    let shown = page::show(status(problem), &page, None);
    match problem {
        Some(RemoveMethodProblem::Form(FormProblem::SlowedDown { seconds })) => {
            shown.with(header::RETRY_AFTER, &seconds.to_string()).noting("password attempts rate limited")
        }
        Some(problem) => shown.noting(format!("nothing removed: {}", pages::kebab(&problem))),
        None => shown,
    }
}

const fn status(problem: Option<RemoveMethodProblem>) -> u16 {
    match problem {
        None => 200,
        Some(RemoveMethodProblem::LastOne) => 409,
        Some(RemoveMethodProblem::WrongPassword) => 401,
        Some(RemoveMethodProblem::PasswordMissing | RemoveMethodProblem::PasswordTooShort) => 400,
        Some(RemoveMethodProblem::Form(problem)) => link::status(Some(problem)),
    }
}
