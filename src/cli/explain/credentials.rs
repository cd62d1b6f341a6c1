//! Explains codes, refresh tokens and session cookies, which are derived from their rows, and client secrets, of which a hash is
//! stored. The verdict is `protocol::grant`'s; evaluating it here changes nothing.

use super::{
    super::{Error, Work, output::time},
    Explanation, username,
};
use crate::{
    caches::registrations::Registrations,
    inspection::Inspector,
    jose::keys::KeyRing,
    protocol::{
        grant::{
            self, AccountStatus, Grant, Presentation, TokenParams, Verdict,
            credential::{Credential, Kind, Provenance},
        },
        oauth::{client::Client, client_auth::secret_hash},
        secrets::SecretUse,
    },
    store::{clients, grants, sessions, users},
};

const SESSION: &str = "a session cookie";
const SECRET: &str = "a client secret";

/// A code or a refresh token.
pub fn of_grant(work: &mut Work<'_>, kind: Kind, text: &str) -> Result<Explanation, Error> {
    let is = if kind == Kind::Code { "an authorization code" } else { "a refresh token" };
    let (provenance, credential) = Credential::examine(&work.config.secrets, kind, text);
    let mut explanation = made(is, provenance);
    let Some(credential) = credential.filter(|_| provenance != Provenance::Forged) else { return Ok(explanation) };
    explanation.grant = Some(credential.id.to_string());
    explanation.generation = Some(credential.generation);
    let found = grants::find(work.connection, credential.id)?;
    let Some(found) = found else {
        return Ok(if is_ours(provenance) {
            Explanation { because: "its grant no longer exists".into(), ..explanation }
        } else {
            explanation
        });
    };
    let status = found.status(work.now, found.read_at);
    let grant = found.grant;
    explanation.username = Some(username(work, grant.user_id)?);
    explanation.client_id = Some(grant.client_id.clone());
    explanation.current_generation = Some(grant.generation);
    explanation.scope = Some(grant.scopes.to_string());
    explanation.audiences = Some(grant.audiences.clone());
    if !is_ours(provenance) {
        return Ok(explanation);
    }
    let Some(client) = clients::find(work.connection, &grant.client_id)? else {
        return Ok(Explanation { because: "its client was deleted".into(), ..explanation });
    };
    judge(&mut explanation, work, (&grant, credential), &client, &status);
    if explanation.active && kind == Kind::Refresh {
        // The verdict does not cover what was taken from the client since.
        let registrations = Registrations::default();
        let registered = registrations.now(work.connection, work.now)?;
        let inspector = Inspector { config: work.config, ring: &KeyRing::default(), registered, now: work.now, shift: 0 };
        match inspector.refresh_token(work.connection, text, None)? {
            Ok(found) => explanation.expires = Some(time(found.expires_at)),
            Err(inactive) => (explanation.active, explanation.row, explanation.because) = (false, None, inactive.reason),
        }
    }
    Ok(explanation)
}

fn judge(
    explanation: &mut Explanation,
    work: &Work<'_>,
    (grant, credential): (&Grant, Credential),
    client: &Client,
    status: &AccountStatus,
) {
    let policy = work.config.lifetimes.policy(client, grant);
    // The parameters presented with it are unknown here: they are taken to be right.
    let rightly = Grant { challenge: None, ..grant.clone() };
    let params = match credential.kind {
        Kind::Code => TokenParams::Code { redirect_uri: Some(&grant.redirect_uri), verifier: None },
        _ => TokenParams::Refresh { scopes: None },
    };
    let generation = credential.generation;
    let presented = Presentation { client, generation, params, proof: None, resources: &[] };
    let (row, verdict) = grant::rule(&rightly, &presented, &policy, status);
    explanation.row = Some(row);
    (explanation.active, explanation.because) = match verdict {
        Verdict::Advance if credential.kind == Kind::Code => {
            explanation.expires = Some(time(grant.created_at.plus(policy.code_lifetime)));
            let proof =
                if grant.challenge.is_some() { "code_verifier, which this command does not know" } else { "redirect URI" };
            (true, format!("its client can redeem it with the right {proof}"))
        }
        Verdict::Advance => (true, format!("using it advances its grant to generation {}", generation.saturating_add(1))),
        Verdict::Heal => {
            (true, "it is newer than the database, which was restored from an earlier time; its grant will follow it".into())
        }
        Verdict::Repeat => {
            (true, "it was used within the retry window: it can be exchanged again for the same new refresh token".into())
        }
        Verdict::Reused(..) => (false, "it was already used: presenting it again revokes its grant and all of its tokens".into()),
        Verdict::Refuse(error) => (false, error.description),
    };
}

/// A session cookie.
pub fn session(work: &mut Work<'_>, text: &str) -> Result<Explanation, Error> {
    let (provenance, credential) = Credential::examine(&work.config.secrets, Kind::Session, text);
    let mut explanation = made(SESSION, provenance);
    let Some(credential) = credential.filter(|_| provenance != Provenance::Forged) else { return Ok(explanation) };
    (explanation.session, explanation.generation) = (Some(credential.id.to_string()), Some(credential.generation));
    let Some(session) = sessions::find(work.connection, credential.id)? else {
        return Ok(if is_ours(provenance) {
            Explanation { because: "its session no longer exists".into(), ..explanation }
        } else {
            explanation
        });
    };
    explanation.username = Some(username(work, session.user_id)?);
    explanation.current_generation = Some(session.generation);
    if !is_ours(provenance) {
        return Ok(explanation);
    }
    let idle = work.config.lifetimes.idle(session.remembered);
    explanation.expires = Some(time(session.expires_at.min(session.last_seen_at.plus(idle))));
    let is_enabled = users::find(work.connection, session.user_id)?.is_some_and(|user| user.disabled_at.is_none());
    let flaw = if session.ended_at.is_some() {
        Some("its session was ended")
    } else if session.generation != credential.generation {
        Some("a later sign-in in the same session has replaced it")
    } else if session.sign_in_again_at.is_some_and(|since| session.auth_time < since) {
        Some("the user must sign in again")
    } else if session.is_over(work.now, idle) {
        Some("its session has expired")
    } else if !is_enabled {
        Some("the user is disabled or was deleted")
    } else {
        None
    };
    explanation.active = flaw.is_none();
    explanation.because = flaw.unwrap_or("the user is signed in with it").into();
    Ok(explanation)
}

/// A client secret: compared with that of every client.
pub fn client_secret(work: &mut Work<'_>, text: &str) -> Result<Explanation, Error> {
    let hash = secret_hash(text);
    let is = |kept: &Option<Vec<u8>>| kept.as_ref() == Some(&hash);
    let all = clients::all(work.connection)?;
    let Some(client) = all.iter().find(|client| is(&client.secret_hash) || is(&client.previous_secret_hash)) else {
        return Ok(Explanation::inactive(SECRET, "no client has this secret"));
    };
    let because = match (client.disabled_at.is_some(), is(&client.secret_hash)) {
        (true, _) => "its client is disabled",
        (false, _) if client.settings.secret_for_native => {
            "every copy of the native app contains it: it does not authenticate the app"
        }
        (false, true) => "it is its client's current secret",
        (false, false) => "it is its client's old secret, valid until it is retired",
    };
    let client_id = Some(client.id.clone());
    Ok(Explanation {
        is: SECRET,
        active: client.disabled_at.is_none(),
        because: because.into(),
        client_id,
        ..Explanation::default()
    })
}

fn is_ours(provenance: Provenance) -> bool {
    matches!(provenance, Provenance::Derived(_))
}

/// What the credential's text alone tells.
fn made(is: &'static str, provenance: Provenance) -> Explanation {
    let (made_by, because) = match provenance {
        Provenance::Derived(SecretUse::Derives) => (Some("the newest server secret"), ""),
        Provenance::Derived(SecretUse::Older) => (Some("an older server secret"), ""),
        Provenance::Derived(SecretUse::Next) => (Some("a server secret that is marked 'next'"), ""),
        Provenance::Unknown => (
            Some("an unknown server secret"),
            "its server secret was removed, or it was never issued by this server; its contents may be forged",
        ),
        Provenance::Forged => (None, "it is forged or was modified"),
        Provenance::Malformed => (None, "it is incomplete or malformed"),
    };
    Explanation { made_by, ..Explanation::inactive(is, because) }
}
