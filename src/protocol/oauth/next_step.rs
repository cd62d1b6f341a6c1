//! The next step of a valid authorization request: sign-in, consent, a code or an error. The only place that weighs `prompt`,
//! `max_age`, the hint and consent (OpenID Connect Core 3.1.2.1 to 3.1.2.6). Steps never call one another: each returns to
//! `/authorize`, which decides here again.

use super::{authorization::AuthorizationRequest, client::Client, required_class::Strength, resource, scope::Scopes};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    oidc::authentication::Class,
    values::{
        id::Id,
        names::names,
        time::{Span, Timestamp},
    },
};

/// How long a sign-in made for a request counts as fresh for that request: the time consent may take after it.
const FRESH_FOR: Span = Span::from_seconds(300);

/// The signed-in user, and when they authenticated.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: Id,
    /// When the user last authenticated.
    pub auth_time: Timestamp,
    /// The authentication context class of the sign-in.
    pub class: Option<Class>,
}

/// The user the client expects, by `id_token_hint` or by a required value of `sub`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Anyone.
    #[default]
    Anyone,
    /// This user.
    User(Id),
    /// A user who does not exist, or two different users.
    NoOne,
}

impl Expected {
    /// Combines both expectations.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anyone, one) | (one, Self::Anyone) => one,
            (one, other) if one == other => one,
            _ => Self::NoOne,
        }
    }

    fn is(self, user: Id) -> bool {
        match self {
            Self::Anyone => true,
            Self::User(expected) => expected == user,
            Self::NoOne => false,
        }
    }
}

/// What a user allows a client: scopes, and the resource servers they apply to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The scopes.
    pub scopes: Scopes,
    /// The resource servers.
    pub audiences: Vec<String>,
}

impl Allowed {
    /// Whether it covers everything requested.
    #[must_use]
    pub fn covers(&self, request: &AuthorizationRequest) -> bool {
        request.consent_scopes.first_outside(&self.scopes).is_none()
            && request.audiences.iter().all(|audience| resource::find(&self.audiences, audience).is_some())
    }

    /// The union of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let new = other.audiences.iter().filter(|audience| resource::find(&self.audiences, audience).is_none());
        Self { scopes: self.scopes.union(&other.scopes), audiences: self.audiences.iter().chain(new).cloned().collect() }
    }
}

/// Who gave a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentGiver {
    /// The user, on the consent page.
    User,
    /// The operator, for a first-party client.
    Operator,
}

names!(ConsentGiver { User = "user", Operator = "operator" });

impl ConsentGiver {
    /// Whether what they gave this client counts: the operator's does as long as it is first-party, and users are asked afterwards.
    #[must_use]
    pub const fn counts_for(self, client: &Client) -> bool {
        match self {
            Self::User => true,
            Self::Operator => client.settings.first_party,
        }
    }
}

/// The facts the decision depends on.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts<'a> {
    /// The session of this browser.
    pub signed_in: Option<SignedIn>,
    /// When this request last required a fresh sign-in, by an unexpired stamp.
    pub sign_in_requested: Option<Timestamp>,
    /// Whether consent to this very request was given in this session, by an unexpired stamp.
    pub consent_given: bool,
    /// Whether the account was chosen for this very request in this session, by an unexpired stamp.
    pub account_chosen: bool,
    /// What this user allowed this client before, where that may be used without asking again.
    pub remembered: Option<&'a Allowed>,
    /// Whether the operator gives the consent: to a first-party client of assured identity, and not after the user withdrew it.
    pub by_operator: bool,
    /// The user the client expects.
    pub expected: Expected,
    /// The maximum age of the sign-in configured for the client.
    pub max_auth_age: Option<Span>,
    /// Whether what the user has shown is enough.
    pub strength: Strength,
    /// Whether this user has answered "Not now" a short time ago, when asked to add another factor.
    pub is_enrolment_postponed: bool,
    /// The current time.
    pub now: Timestamp,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show the sign-in page.
    SignIn,
    /// Show the registration page.
    Register,
    /// Show the account selection page.
    SelectAccount,
    /// Show the page that asks for another factor.
    AnotherFactor,
    /// Show the page that asks the user to add another factor.
    Enrol,
    /// Show the consent page.
    Consent,
    /// Record the operator's consent, then issue a code.
    Allow,
    /// Issue a code.
    Issue,
    /// Return an error to the client.
    Refuse(ProtocolError),
}

/// Decides the next step.
#[must_use]
pub fn next_step(request: &AuthorizationRequest, facts: &Facts<'_>) -> Step {
    let silent = request.prompt.none;
    let or_sign_in = |refused: bool, code, description: &str| if refused { refuse(code, description) } else { Step::SignIn };
    if request.claims.essential_class().is_err() {
        return refuse(
            ErrorCode::UnmetAuthenticationRequirements,
            "this server does not support any of the acr values requested as essential",
        );
    }
    // Initiating User Registration §4: a user who has signed in since has created an account, or has one.
    let has_signed_in = facts.signed_in.is_some_and(|one| has_signed_in_since_requested(one, facts));
    if request.prompt.create && !has_signed_in {
        return Step::Register; // never silent: `none` stands alone
    }
    let Some(signed_in) = facts.signed_in else { return or_sign_in(silent, ErrorCode::LoginRequired, "no user is signed in") };
    // A sign-in since this request required one is fresh, even if it is older than max_age by now.
    let age = facts.now.age_of(signed_in.auth_time);
    let fresh = has_signed_in_since_requested(signed_in, facts) && age.is_at_most(FRESH_FOR);
    if !facts.expected.is(signed_in.user) {
        // Core 3.1.2.1: if the user was asked to sign in and is still a different user, return an error instead of an endless loop.
        return or_sign_in(silent || fresh, ErrorCode::LoginRequired, "the signed-in user is not the one the client expects");
    }
    let too_old = request.max_age.is_some_and(|max_age| !age.is_at_most(max_age))
        || facts.max_auth_age.is_some_and(|max_auth_age| !age.is_below(max_auth_age));
    if (request.prompt.login || too_old) && !fresh {
        return or_sign_in(
            silent,
            ErrorCode::LoginRequired,
            "the last sign-in is older than max_age or the client's sign-in limit allows",
        );
    }
    if request.prompt.select_account && !facts.account_chosen && !fresh {
        return Step::SelectAccount; // never silent: `none` stands alone
    }
    if let Some(step) = strengthen(facts, signed_in, silent, fresh) {
        return step;
    }
    let remembered = facts.remembered.is_some_and(|allowed| allowed.covers(request));
    if facts.consent_given || remembered && !request.prompt.consent {
        return Step::Issue;
    }
    if facts.by_operator && !request.prompt.consent {
        return Step::Allow;
    }
    if silent {
        refuse(ErrorCode::ConsentRequired, "the user has not given consent, or this type of client must ask each time")
    } else {
        Step::Consent
    }
}

/// The step that makes the sign-in strong enough, or the error where there is none; `None` if it is, or the request can go on with
/// it. A page that was left without an answer is shown again; nothing here redirects to a page that cannot help.
fn strengthen(facts: &Facts<'_>, signed_in: SignedIn, silent: bool, fresh: bool) -> Option<Step> {
    let unmet = |description| refuse(ErrorCode::UnmetAuthenticationRequirements, description);
    match facts.strength {
        Strength::Enough => None,
        Strength::Unreachable => Some(unmet("the user cannot reach any of the acr values requested as essential")),
        Strength::StepUp { is_optional: true, .. } | Strength::Enrol { from: Some(_), .. } if silent => None,
        Strength::Enrol { from: Some(_), .. } if facts.is_enrolment_postponed => None,
        _ if silent => Some(unmet("the sign-in is weaker than what the request, its client or an API requires")),
        // A session of a version that wrote no methods: nothing to add to.
        Strength::StepUp { .. } | Strength::Enrol { .. } if signed_in.class.is_none() => {
            Some(if fresh { unmet("the sign-in is of no class that this server knows") } else { Step::SignIn })
        }
        Strength::StepUp { .. } => Some(Step::AnotherFactor),
        Strength::Enrol { .. } => Some(Step::Enrol),
    }
}

/// Whether the user has signed in since this request required it. A sign-in in the future dates from before the clock was set back,
/// and does not count.
fn has_signed_in_since_requested(signed_in: SignedIn, facts: &Facts<'_>) -> bool {
    facts.sign_in_requested.is_some_and(|requested| signed_in.auth_time >= requested)
        && !signed_in.auth_time.is_ahead_of(facts.now)
}

fn refuse(code: ErrorCode, description: &str) -> Step {
    Step::Refuse(ProtocolError::new(code, description))
}

#[cfg(test)]
#[path = "next_step_tests.rs"]
mod tests;
