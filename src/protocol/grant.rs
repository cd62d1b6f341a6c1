//! The token endpoint's verdict: what presenting a code or a refresh token means for its grant. A grant is one user's authorization
//! of one client, and one row holds its whole life. The code is the credential of generation 0, a refresh token that of generation
//! n; each use advances the row by a compare-and-swap. Generations are integers: nothing here orders credentials by time. Rows are
//! numbered as in the table of `docs/decisions/0001-one-row-is-a-whole-authorization.md`; the first that matches decides.

pub mod credential;
pub mod end_reason;
pub mod entitlement;
pub mod history;
pub mod retention;

use super::{
    account::activity::Origin,
    error::{ErrorCode, ProtocolError},
    grant::end_reason::{EndReason, Inactive},
    oauth::{
        client::Client,
        pkce::Challenge,
        resource, return_address,
        scope::{OFFLINE_ACCESS, Scopes},
    },
    oidc::{
        authentication::{Amr, Class},
        claims_request::ClaimsRequest,
    },
    values::{
        id::Id,
        time::{Age, Span, Timestamp},
    },
};

/// One user's authorization of one client.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The primary key of its row.
    pub id: Id,
    /// The client it was issued to.
    pub client_id: String,
    /// The user who authorized the client.
    pub user_id: Id,
    /// The browser session it ends with; `None` when it outlives the session (`offline_access`).
    pub session_id: Option<Id>,
    /// The `sid` claim of its tokens: the session in which it was issued.
    pub sid: Id,
    /// 0 until the code is redeemed, incremented by each rotation.
    pub generation: u32,
    /// The scopes consented to.
    pub scopes: Scopes,
    /// The resource servers consented to.
    pub audiences: Vec<String>,
    /// The redirect URI the code was sent to.
    pub redirect_uri: String,
    /// Whether the authorization request had it; otherwise it was filled in.
    pub redirect_uri_sent: bool,
    /// The PKCE challenge.
    pub challenge: Option<Challenge>,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// The thumbprint of the DPoP key it is bound to (RFC 9449 §10). Nothing binds a grant yet: the column and row 2 of the verdict
    /// are kept for DPoP, so that a version without it refuses what a version with it has bound.
    pub dpop_jkt: Option<String>,
    /// When the user last authenticated.
    pub auth_time: Timestamp,
    /// When it was issued, at consent.
    pub created_at: Timestamp,
    /// When it last advanced to the next generation.
    pub rotated_at: Option<Timestamp>,
    /// Its absolute expiry; never moved.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    pub end_reason: Option<EndReason>,
    /// The user's subject at this client: pairwise (OpenID Connect Core §8.1), or of another provider; `None` means the user's id.
    pub subject: Option<String>,
    /// How the user authenticated (RFC 8176).
    pub amr: Amr,
    /// The individually requested claims (Core §5.5).
    pub claims: ClaimsRequest,
    /// The name the user gave to the device that holds it.
    pub device_name: Option<String>,
    /// Where it was last used from; until the code is redeemed, the browser in which it was issued.
    pub seen: Origin,
    /// Whether the session it ends with is a remembered one.
    pub remembered: bool,
}

impl Grant {
    /// The `sub` claim of its tokens.
    #[must_use]
    pub fn sub(&self) -> String {
        self.subject.clone().unwrap_or_else(|| self.user_id.to_string())
    }

    /// The class of its sign-in: what was shown.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        Class::of(&self.amr)
    }

    /// The class that its tokens tell: the one that was requested and met, or that of the sign-in. Never one above what was shown.
    #[must_use]
    pub fn acr(&self) -> Option<Class> {
        self.class().map(|class| self.claims.reported_acr.map_or(class, |reported| reported.min(class)))
    }
}

/// A credential of the grant, opened and presented by an authenticated client.
#[derive(Clone, Copy, Debug)]
pub struct Presentation<'a> {
    /// The client that presents it.
    pub client: &'a Client,
    /// The generation of the credential.
    pub generation: u32,
    /// The request parameters that accompany it.
    pub params: TokenParams<'a>,
    /// The key thumbprint of a valid DPoP proof, if one was sent.
    pub proof: Option<&'a str>,
    /// The requested resources; empty means all that were granted (RFC 8707 §2).
    pub resources: &'a [String],
}

/// The request parameters that accompany the credential.
#[derive(Clone, Copy, Debug)]
pub enum TokenParams<'a> {
    /// Parameters of an authorization code.
    Code {
        /// `redirect_uri`, if sent.
        redirect_uri: Option<&'a str>,
        /// `code_verifier`, if sent.
        verifier: Option<&'a str>,
    },
    /// Parameters of a refresh token.
    Refresh {
        /// `scope`, if sent.
        scopes: Option<&'a Scopes>,
    },
}

/// The lifetimes that apply.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long a code is valid.
    pub code_lifetime: Span,
    /// How long a grant stays valid without a refresh.
    pub idle_lifetime: Span,
    /// The maximum age of the sign-in; `None` means the grant's own lifetime.
    pub max_auth_age: Option<Span>,
    /// The weakest class of sign-in that the client's grants may have; `None` means any.
    pub min_class: Option<Class>,
    /// How long a rotated token may be exchanged again for the same successor; zero is strict.
    pub retry_window: Span,
}

/// The state of the user a grant depends on, read along with the grant.
#[derive(Clone, Copy, Debug)]
pub struct AccountStatus {
    /// Whether the user may sign in.
    pub user_enabled: bool,
    /// Whether an operator requires the user to sign in again before any grant can be used.
    pub must_sign_in: bool,
    /// The current time, by this server's clock.
    pub now: Timestamp,
    /// The current time by the clock that dates rotations: the database's, when the row was read. Servers whose clocks differ then
    /// agree on the age of a rotation.
    pub by_database: Timestamp,
}

/// The outcome of presenting the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Row 10: compare-and-swap to the next generation, then answer.
    Advance,
    /// Row 4: the database was restored to an earlier state. Advance the row past the credential, then answer as for `Advance`.
    Heal,
    /// Row 6: return the same successor again, with a fresh access token.
    Repeat,
    /// Rows 5 and 7: revoke the grant for this reason. A verdict rather than an error, so that no transaction rolls it back.
    Reused(EndReason, ProtocolError),
    /// Every other row: the grant stays as it is.
    Refuse(ProtocolError),
}

/// Judges a presentation against the row as it was read.
#[must_use]
pub fn judge(grant: &Grant, presented: &Presentation<'_>, policy: &Policy, status: &AccountStatus) -> Verdict {
    rule(grant, presented, policy, status).1
}

/// As [`judge`], with the number of the table row that decides.
#[must_use]
pub fn rule(grant: &Grant, presented: &Presentation<'_>, policy: &Policy, status: &AccountStatus) -> (u8, Verdict) {
    let now = status.now;
    let refuse = |row, description: &str| (row, Verdict::Refuse(ProtocolError::new(ErrorCode::InvalidGrant, description)));
    // 1. Another client must not be able to end the grant.
    if presented.client.id != grant.client_id {
        return refuse(1, "the credential was issued to another client");
    }
    // 2. RFC 9449 §5: a public client's refresh token is valid only with the key it was bound to.
    if presented.client.settings.is_public() && grant.dpop_jkt.is_some() && presented.proof != grant.dpop_jkt.as_deref() {
        let text = "DPoP: expected a proof of the key that this grant is bound to";
        return (2, Verdict::Refuse(ProtocolError::new(ErrorCode::InvalidDpopProof, text)));
    }
    // 3. An inactive grant is refused, whatever else is presented.
    if let Some(inactive) = inactive(grant, presented.client, policy, status) {
        return refuse(3, inactive.description());
    }
    // 4. The token was issued, but the row does not know it: a backup was restored, or a lagging standby promoted. An attacker who
    // can forge it has the server secret, and could forge the current token as well (docs/decisions/0027).
    if presented.generation > grant.generation {
        return too_wide(grant, presented).map_or((4, Verdict::Heal), |error| (9, Verdict::Refuse(error)));
    }
    match presented.params {
        TokenParams::Code { redirect_uri, verifier } => {
            let mistake = code_mistake(grant, redirect_uri, verifier);
            // 5. RFC 6749 §4.1.2: only a replay that could have succeeded indicates theft.
            if grant.generation > 0 {
                let text = "the code was already redeemed; its grant and all of its tokens are now revoked";
                return match mistake {
                    None => (5, Verdict::Reused(EndReason::CodeReused, ProtocolError::new(ErrorCode::InvalidGrant, text))),
                    Some(_) => refuse(5, "the code was already redeemed"),
                };
            }
            // 8. The right verifier still works after a wrong one.
            if !is_code_fresh(grant, policy, now) {
                return refuse(8, "the code has expired");
            }
            if let Some(mistake) = mistake {
                return refuse(8, mistake);
            }
            if return_address::find(presented.client, Some(&grant.redirect_uri), true).is_err() {
                return refuse(8, "the redirect URI that the code was sent to is no longer registered");
            }
        }
        TokenParams::Refresh { .. } if presented.generation < grant.generation => {
            let previous = presented.generation + 1 == grant.generation && presented.generation > 0;
            let age = grant.rotated_at.map(|at| status.by_database.age_of(at));
            // 11. The database's clock was set back since that rotation, so a retry cannot be told from a reuse: no token is
            // returned, and the grant is not revoked. Without a retry window, or for an older token, the time does not matter:
            // row 7.
            if previous && policy.retry_window > Span::ZERO && age == Some(Age::FromTheFuture) {
                let text = "the refresh token was already used, at an unknown time because the server's clock was set back";
                let detail = format!("grant {} was last rotated in the future; the clock may have been set back", grant.id);
                return (11, Verdict::Refuse(ProtocolError::new(ErrorCode::InvalidGrant, text).with_detail(detail)));
            }
            let in_window = age.is_some_and(|age| age.is_below(policy.retry_window));
            // 7. Older than the previous token, or past the retry window.
            if !(previous && in_window) {
                let text = "the refresh token was already used; its grant and all of its tokens are now revoked";
                let detail = format!(
                    "grant {}: generation {} presented at generation {}",
                    grant.id, presented.generation, grant.generation
                );
                let error = ProtocolError::new(ErrorCode::InvalidGrant, text).with_detail(detail);
                return (7, Verdict::Reused(EndReason::RefreshTokenReused, error));
            }
            // 6. The successor was never presented: return it again, unless the requested scope or resource is too wide.
            return too_wide(grant, presented).map_or((6, Verdict::Repeat), |error| (9, Verdict::Refuse(error)));
        }
        TokenParams::Refresh { .. } => {}
    }
    // 9. RFC 6749 §6, RFC 8707 §2.2: never more than was granted.
    too_wide(grant, presented).map_or((10, Verdict::Advance), |error| (9, Verdict::Refuse(error)))
}

/// Whether the grant's code is still within its lifetime.
#[must_use]
pub fn is_code_fresh(grant: &Grant, policy: &Policy, now: Timestamp) -> bool {
    now.age_of(grant.created_at).is_at_most(policy.code_lifetime)
}

/// Why the grant is inactive: revoked, expired, idle, its user or client disabled, or its `offline_access` withdrawn from the
/// client. Setting a clock back ends no grant: a last use or a sign-in in the future counts as having just happened. The grant then
/// expires later by as much as the clock was ahead, and no more.
#[must_use]
pub fn inactive(grant: &Grant, client: &Client, policy: &Policy, status: &AccountStatus) -> Option<Inactive> {
    let last_use = grant.rotated_at.unwrap_or(grant.created_at);
    if grant.revoked_at.is_some() {
        Some(Inactive::Revoked(grant.end_reason.unwrap_or(EndReason::Other)))
    } else if status.now >= grant.expires_at {
        Some(Inactive::Expired)
    } else if grant.generation > 0 && status.now.since(last_use) >= policy.idle_lifetime {
        Some(Inactive::Idle)
    } else if !status.user_enabled {
        Some(Inactive::UserDisabled)
    } else if status.must_sign_in {
        Some(Inactive::SignInRequired)
    } else if policy.max_auth_age.is_some_and(|max_auth_age| status.now.since(grant.auth_time) >= max_auth_age) {
        // NIST SP 800-63B-4 §2.1.3: counted from the sign-in, not from the grant.
        Some(Inactive::SignInTooOld)
    } else if policy.min_class > grant.class() {
        Some(Inactive::SignInTooWeak)
    } else if client.disabled_at.is_some() {
        Some(Inactive::ClientDisabled)
    } else if grant.session_id.is_none() && !client.settings.scope.contains(OFFLINE_ACCESS) {
        Some(Inactive::OfflineAccessWithdrawn)
    } else {
        None
    }
}

fn code_mistake(grant: &Grant, redirect_uri: Option<&str>, verifier: Option<&str>) -> Option<&'static str> {
    match redirect_uri {
        Some(sent) if sent != grant.redirect_uri => return Some("redirect_uri does not match the one the code was sent to"),
        // RFC 6749 §4.1.3 requires it if the authorization request had it; OAuth 2.1 §10.2 lets PKCE stand in for it.
        None if grant.redirect_uri_sent && grant.challenge.is_none() => {
            return Some("redirect_uri: expected the one the code was sent to, received none");
        }
        _ => {}
    }
    match (&grant.challenge, verifier) {
        (Some(challenge), Some(verifier)) if challenge.is_answered_by(verifier) => None,
        (Some(_), Some(_)) => Some("code_verifier does not match the code_challenge"),
        (Some(_), None) => Some("code_verifier: expected one that matches the code_challenge, received none"),
        // RFC 9700 §4.8.2: a verifier without a challenge is a downgrade attack.
        (None, Some(_)) => Some("code_verifier was sent, but the authorization request had no code_challenge"),
        (None, None) => None,
    }
}

fn too_wide(grant: &Grant, presented: &Presentation<'_>) -> Option<ProtocolError> {
    if let TokenParams::Refresh { scopes: Some(scopes) } = presented.params
        && let Some(outside) = scopes.first_outside(&grant.scopes)
    {
        return Some(ProtocolError::new(
            ErrorCode::InvalidScope,
            format!("scope: '{outside}' was not granted; the granted scope is '{}'", grant.scopes),
        ));
    }
    let outside = presented.resources.iter().find(|sent| resource::find(&grant.audiences, sent).is_none())?;
    Some(ProtocolError::new(ErrorCode::InvalidTarget, format!("resource: '{outside}' was not granted")))
}

#[cfg(test)]
#[path = "grant_code_tests.rs"]
mod code_tests;
#[cfg(test)]
#[path = "grant_model_tests.rs"]
mod model_tests;
#[cfg(test)]
#[path = "grant_tests.rs"]
pub(super) mod tests;
