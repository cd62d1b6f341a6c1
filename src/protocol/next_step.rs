//! What a good authorization request needs next: a sign-in, consent, an answer or a refusal. The only place
//! that weighs `prompt`, `max_age`, the hint and consent (OpenID Connect Core 3.1.2.1 to 3.1.2.6). Steps
//! never call one another: each returns to `/authorize`, which asks here again.

use super::{
    authentication::Class,
    authorization::AuthorizationRequest,
    error::{ErrorCode, ProtocolError},
    id::Id,
    scope::Scopes,
    time::{Span, Timestamp},
};

/// For how long a sign-in that a request asked for counts as fresh for it: what consent may take after it.
const FRESH_FOR: Span = Span::from_seconds(300);

/// Who is signed in, and since when.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn {
    /// The person.
    pub person: Id,
    /// When they last proved who they are.
    pub auth_time: Timestamp,
    /// What that was worth.
    pub class: Option<Class>,
}

/// Whom the client expects, by `id_token_hint` or by the value of `sub` that it insists on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Anyone.
    #[default]
    Anyone,
    /// This person.
    Person(Id),
    /// Someone who does not exist, or two people at once.
    NoOne,
}

impl Expected {
    /// What this and the other expect together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anyone, one) | (one, Self::Anyone) => one,
            (one, other) if one == other => one,
            _ => Self::NoOne,
        }
    }

    fn is(self, person: Id) -> bool {
        match self {
            Self::Anyone => true,
            Self::Person(expected) => expected == person,
            Self::NoOne => false,
        }
    }
}

/// What a person allows a client: scopes, and the resource servers they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The scopes.
    pub scopes: Scopes,
    /// The resource servers.
    pub audiences: Vec<String>,
}

impl Allowed {
    /// Whether this covers all that the request asks for.
    #[must_use]
    pub fn covers(&self, request: &AuthorizationRequest) -> bool {
        request.consent_scopes.first_outside(&self.scopes).is_none()
            && request.audiences.iter().all(|audience| self.audiences.contains(audience))
    }

    /// What this and the other allow together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let new = other.audiences.iter().filter(|audience| !self.audiences.contains(audience));
        Self { scopes: self.scopes.union(&other.scopes), audiences: self.audiences.iter().chain(new).cloned().collect() }
    }
}

/// What is known when the decision is made.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The session of this browser.
    pub signed_in: Option<SignedIn>,
    /// When this request last asked for a fresh sign-in, by an unexpired stamp.
    pub sign_in_asked: Option<Timestamp>,
    /// Whether consent was given to this very request in this session, by an unexpired stamp.
    pub consent_given: bool,
    /// Whether the account was chosen for this very request in this session, by an unexpired stamp.
    pub account_chosen: bool,
    /// What this person allowed this client before, where it may be used without asking.
    pub remembered: Option<&'a Allowed>,
    /// Whom the client expects.
    pub expected: Expected,
    /// The time.
    pub now: Timestamp,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show the sign-in page.
    SignIn,
    /// Show the page on which an account is chosen.
    SelectAccount,
    /// Show the consent page.
    Consent,
    /// Issue a code.
    Issue,
    /// Answer the client with an error.
    Refuse(ProtocolError),
}

/// Decides.
#[must_use]
pub fn next_step(request: &AuthorizationRequest, facts: &Facts<'_>) -> Step {
    let silent = request.prompt.none;
    let or_sign_in = |refused: bool, code, description: &str| if refused { refuse(code, description) } else { Step::SignIn };
    if !Class::ALL.iter().any(|class| request.claims.is_met_by(Some(*class))) {
        return refuse(
            ErrorCode::UnmetAuthenticationRequirements,
            "no sign-in here is of an acr that was asked for as essential",
        );
    }
    let Some(signed_in) = facts.signed_in else { return or_sign_in(silent, ErrorCode::LoginRequired, "nobody is signed in") };
    // A sign-in since this request asked for one is fresh, whatever max_age says by now.
    let fresh = facts.sign_in_asked.is_some_and(|asked| signed_in.auth_time >= asked)
        && facts.now.since(signed_in.auth_time) <= FRESH_FOR;
    if !facts.expected.is(signed_in.person) {
        // Core 3.1.2.1: who was asked and is still another gets an error, not another try without end.
        return or_sign_in(silent || fresh, ErrorCode::LoginRequired, "another person than the client expects is signed in");
    }
    if !request.claims.is_met_by(signed_in.class) {
        let unmet = "the sign-in is not of an acr that was asked for as essential";
        return or_sign_in(silent || fresh, ErrorCode::UnmetAuthenticationRequirements, unmet);
    }
    let too_old = request.max_age.is_some_and(|max_age| facts.now.since(signed_in.auth_time) > max_age);
    if (request.prompt.login || too_old) && !fresh {
        return or_sign_in(silent, ErrorCode::LoginRequired, "the sign-in is older than max_age allows");
    }
    if request.prompt.select_account && !facts.account_chosen && !fresh {
        return Step::SelectAccount; // never silent: `none` stands alone
    }
    let remembered = facts.remembered.is_some_and(|allowed| allowed.covers(request));
    if facts.consent_given || remembered && !request.prompt.consent {
        return Step::Issue;
    }
    if silent {
        refuse(ErrorCode::ConsentRequired, "consent was not given yet, or is asked for each time for this kind of app")
    } else {
        Step::Consent
    }
}

fn refuse(code: ErrorCode, description: &str) -> Step {
    Step::Refuse(ProtocolError::new(code, description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        client::{ClientKind, tests::client},
        params::Params,
        scope::ScopeClaims,
    };

    const ALICE: [u8; 16] = [1; 16];

    fn request(extra: &str) -> AuthorizationRequest {
        let query = format!(
            "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=openid+email&code_challenge={}&code_challenge_method=S256&{extra}",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        AuthorizationRequest::parse(&Params::parse(&query), &client(ClientKind::Spa), &ScopeClaims::default()).unwrap()
    }

    fn facts<'a>() -> Facts<'a> {
        Facts {
            signed_in: Some(SignedIn {
                person: Id::from(ALICE),
                auth_time: Timestamp::from_millis(1_000_000),
                class: Some(Class::Password),
            }),
            sign_in_asked: None,
            consent_given: false,
            account_chosen: false,
            remembered: None,
            expected: Expected::Anyone,
            now: Timestamp::from_millis(1_060_000),
        }
    }

    fn allowed(scopes: &str) -> Allowed {
        let audiences = client(ClientKind::Spa).audiences;
        Allowed { scopes: Scopes::parse(scopes).unwrap(), audiences }
    }

    fn code(step: Step) -> &'static str {
        match step {
            Step::SignIn => "sign in",
            Step::SelectAccount => "select account",
            Step::Consent => "consent",
            Step::Issue => "issue",
            Step::Refuse(error) => error.code.as_str(),
        }
    }

    #[test]
    fn without_prompt_each_step_comes_when_needed() {
        let all = allowed("openid email profile");
        let some = allowed("openid");
        assert_eq!(code(next_step(&request(""), &Facts { signed_in: None, ..facts() })), "sign in");
        assert_eq!(code(next_step(&request(""), &facts())), "consent");
        assert_eq!(code(next_step(&request(""), &Facts { remembered: Some(&some), ..facts() })), "consent");
        assert_eq!(code(next_step(&request(""), &Facts { remembered: Some(&all), ..facts() })), "issue");
        assert_eq!(code(next_step(&request(""), &Facts { consent_given: true, ..facts() })), "issue");
    }

    #[test]
    fn another_resource_asks_again() {
        let mut one = allowed("openid email");
        one.audiences.truncate(1);
        assert_eq!(
            code(next_step(&request("resource=https://api.example.com"), &Facts { remembered: Some(&one), ..facts() })),
            "issue"
        );
        assert_eq!(code(next_step(&request(""), &Facts { remembered: Some(&one), ..facts() })), "consent", "all of the client's");
        assert_eq!(one.and(&allowed("profile")), allowed("openid email profile"));
    }

    #[test]
    fn prompt_none_never_shows_a_page() {
        let all = allowed("openid email");
        let none = request("prompt=none");
        assert_eq!(code(next_step(&none, &Facts { signed_in: None, ..facts() })), "login_required");
        assert_eq!(code(next_step(&none, &facts())), "consent_required");
        assert_eq!(code(next_step(&none, &Facts { remembered: Some(&all), ..facts() })), "issue");
        let old = request("prompt=none&max_age=59");
        assert_eq!(code(next_step(&old, &Facts { remembered: Some(&all), ..facts() })), "login_required");
        let other = Facts { remembered: Some(&all), expected: Expected::Person(Id::from([2; 16])), ..facts() };
        assert_eq!(code(next_step(&none, &other)), "login_required");
    }

    #[test]
    fn prompt_login_and_max_age_ask_once_and_are_then_content() {
        let all = allowed("openid email");
        let base = Facts { remembered: Some(&all), ..facts() };
        for extra in ["prompt=login", "max_age=59", "max_age=0"] {
            assert_eq!(code(next_step(&request(extra), &base)), "sign in", "{extra}");
            let asked_before = Facts { sign_in_asked: Some(Timestamp::from_millis(1_000_000)), ..base };
            assert_eq!(code(next_step(&request(extra), &asked_before)), "issue", "{extra}");
            let asked_after = Facts { sign_in_asked: Some(Timestamp::from_millis(1_000_001)), ..base };
            assert_eq!(code(next_step(&request(extra), &asked_after)), "sign in", "{extra}");
        }
        assert_eq!(code(next_step(&request("max_age=60"), &base)), "issue");
    }

    #[test]
    fn prompt_consent_asks_although_it_was_given_before() {
        let all = allowed("openid email");
        assert_eq!(code(next_step(&request("prompt=consent"), &Facts { remembered: Some(&all), ..facts() })), "consent");
        assert_eq!(code(next_step(&request("prompt=consent"), &Facts { consent_given: true, ..facts() })), "issue");
    }

    #[test]
    fn a_hint_for_someone_else_leads_to_sign_in() {
        let other = Facts { expected: Expected::Person(Id::from([2; 16])), consent_given: true, ..facts() };
        assert_eq!(code(next_step(&request(""), &other)), "sign in");
        let asked = Facts { sign_in_asked: Some(Timestamp::from_millis(1_000_000)), ..other };
        assert_eq!(code(next_step(&request(""), &asked)), "login_required", "and once only");
        let same = Facts { expected: Expected::Person(Id::from(ALICE)), consent_given: true, ..facts() };
        assert_eq!(code(next_step(&request(""), &same)), "issue");
    }

    #[test]
    fn an_account_is_chosen_once_or_by_signing_in() {
        let all = allowed("openid email");
        let base = Facts { remembered: Some(&all), ..facts() };
        let chooses = request("prompt=select_account");
        assert_eq!(code(next_step(&chooses, &Facts { signed_in: None, ..base })), "sign in");
        assert_eq!(code(next_step(&chooses, &base)), "select account");
        assert_eq!(code(next_step(&chooses, &Facts { account_chosen: true, ..base })), "issue");
        let signed_in_for_it = Facts { sign_in_asked: Some(Timestamp::from_millis(1_000_000)), ..base };
        assert_eq!(code(next_step(&chooses, &signed_in_for_it)), "issue");
        assert_eq!(code(next_step(&request("prompt=select_account+login"), &Facts { account_chosen: true, ..base })), "sign in");
    }

    #[test]
    fn who_is_expected_must_be_who_is_signed_in() {
        let [alice, bob] = [Expected::Person(Id::from(ALICE)), Expected::Person(Id::from([2; 16]))];
        assert_eq!((alice.and(Expected::Anyone), Expected::Anyone.and(bob), alice.and(alice)), (alice, bob, alice));
        assert_eq!(alice.and(bob), Expected::NoOne);
        let nobody = Facts { expected: Expected::NoOne, consent_given: true, ..facts() };
        assert_eq!(code(next_step(&request(""), &nobody)), "sign in");
        assert_eq!(code(next_step(&request("prompt=none"), &nobody)), "login_required");
    }

    #[test]
    fn an_essential_acr_that_cannot_be_met_is_an_error_at_once() {
        let all = allowed("openid email");
        let base = Facts { remembered: Some(&all), ..facts() };
        let wants =
            |acr: &str| request(&format!("claims={{\"id_token\":{{\"acr\":{{\"essential\":true,\"value\":\"{acr}\"}}}}}}"));
        assert_eq!(code(next_step(&wants("other"), &Facts { signed_in: None, ..base })), "unmet_authentication_requirements");
        let password = wants(Class::Password.as_str());
        assert_eq!(code(next_step(&password, &base)), "issue");
        let signed_in = facts().signed_in.map(|signed_in| SignedIn { class: None, ..signed_in });
        assert_eq!(code(next_step(&password, &Facts { signed_in, ..base })), "sign in");
    }

    #[test]
    fn claims_are_consented_to_by_their_scopes() {
        let asked = request("claims={\"userinfo\":{\"name\":null}}");
        assert_eq!(asked.consent_scopes.to_string(), "openid email profile");
        let (some, all) = (allowed("openid email"), allowed("openid email profile"));
        assert_eq!(code(next_step(&asked, &Facts { remembered: Some(&some), ..facts() })), "consent");
        assert_eq!(code(next_step(&asked, &Facts { remembered: Some(&all), ..facts() })), "issue");
    }
}
