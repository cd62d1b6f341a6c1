//! RP-initiated logout (OpenID Connect RP-Initiated Logout §2 to §4): the client's request, whether the user is asked first, and
//! where they are redirected afterwards. Ending the session is left to the caller.

use crate::protocol::{
    oauth::{
        client::Client,
        return_address::{self, ReturnAddress},
    },
    values::{id::Id, params::Params},
};

/// The parameters of the request, without those of our own form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    /// An ID token of this server, issued in the session to end.
    pub id_token_hint: Option<String>,
    /// The requesting client.
    pub client_id: Option<String>,
    /// The post-logout redirect URI.
    pub return_to: Option<String>,
    /// Echoed byte for byte.
    pub state: Option<String>,
}

/// The claims of a verified `id_token_hint`; it may have expired (§2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The client it was issued to.
    pub client_id: String,
    /// The user it names, if they exist.
    pub user: Option<Id>,
    /// The session that the token was issued in, among those that the caller has to consider: that of this browser, or, if the
    /// request came without a cookie, those of the user that have not ended.
    pub session: Option<Id>,
}

/// The facts the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The hint: verified, or not ours; `None` if none was sent.
    pub hint: Option<Result<&'a Hint, NotOurs>>,
    /// The client named by `client_id` or else by the hint, if it exists and is enabled.
    pub client: Option<&'a Client>,
    /// The user signed in in this browser.
    pub signed_in: Option<SignedIn>,
}

/// A signed-in user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user: Id,
    /// The session.
    pub session: Id,
}

/// The hint is not an ID token that this server issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

/// A mistake in a request. The user can sign out nonetheless; they are asked first, and are not redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The hint is not an ID token of this server.
    HintNotOurs,
    /// The hint names another client, or a user other than the signed-in one.
    HintOfAnother,
    /// `client_id`, or else the hint, names an unknown or disabled client.
    ClientUnknown,
    /// There is a post-logout redirect URI, but neither a hint nor `client_id` says of which client.
    ClientMissing,
    /// The post-logout redirect URI is not registered for the client.
    ReturnNotRegistered,
}

/// What happens to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The user is asked first (§2: no hint, or one for another user, client or session).
    Ask,
    /// It ends at once: the hint shows that the client knows whose session it is.
    End,
    /// There is none: nobody is signed in, and the hint names no session either.
    Nothing,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens to the session.
    pub step: Step,
    /// Where the user is redirected once signed out; otherwise they see a page of ours.
    pub then: Option<ReturnAddress>,
    /// The mistake in the request.
    pub problem: Option<Problem>,
}

impl LogoutRequest {
    /// Parses the parameters.
    #[must_use]
    pub fn read(params: &Params) -> Self {
        let text = |name| params.get(name).map(str::to_owned);
        Self {
            id_token_hint: text("id_token_hint"),
            client_id: text("client_id"),
            return_to: text("post_logout_redirect_uri"),
            state: text("state"),
        }
    }

    /// Whether a client requests it, rather than the user directly.
    #[must_use]
    pub fn is_of_client(&self) -> bool {
        *self != Self::default()
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, facts: &Facts<'_>) -> Decision {
        let problem = self.problem(facts);
        let vouched = !matches!(problem, Some(Problem::HintOfAnother | Problem::ClientUnknown));
        let step = match (facts.signed_in, facts.hint) {
            // §2 leaves this case to the server: the client's own server calls, and no browser has a say. The hint names one session.
            (None, Some(Ok(hint))) if vouched && hint.session.is_some() => Step::End,
            (None, _) => Step::Nothing,
            // §2: a hint from another session of the user is suspect. Nor is a user signed out at once who was to return to an
            // address that is not the client's (§3).
            (Some(here), Some(Ok(hint))) if problem.is_none() && hint.session == Some(here.session) => Step::End,
            (Some(_), _) => Step::Ask,
        };
        let address = match (&self.return_to, facts.client, problem) {
            (Some(sent), Some(client), None) => return_address::find_after_logout(client, sent, self.state.as_deref()),
            _ => None,
        };
        Decision { step, then: address, problem }
    }

    fn problem(&self, facts: &Facts<'_>) -> Option<Problem> {
        match facts.hint {
            Some(Err(NotOurs)) => return Some(Problem::HintNotOurs),
            Some(Ok(hint)) => {
                let other_client = self.client_id.as_ref().is_some_and(|id| *id != hint.client_id);
                let other_user = facts.signed_in.is_some_and(|here| hint.user != Some(here.user));
                if other_client || other_user {
                    return Some(Problem::HintOfAnother);
                }
            }
            None => {}
        }
        if (self.client_id.is_some() || facts.hint.is_some()) && facts.client.is_none() {
            return Some(Problem::ClientUnknown);
        }
        let sent = self.return_to.as_ref()?;
        let Some(client) = facts.client else { return Some(Problem::ClientMissing) };
        return_address::find_after_logout(client, sent, None).is_none().then_some(Problem::ReturnNotRegistered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::{ClientKind, tests::client};

    const BYE: &str = "https://app.example.com/bye";
    const ALICE: SignedIn = SignedIn { user: Id::from_bytes([1; 16]), session: Id::from_bytes([9; 16]) };

    fn app() -> Client {
        let mut app = client(ClientKind::Web);
        app.settings.post_logout_redirect_uris = vec![BYE.into()];
        app
    }

    fn request(query: &str) -> LogoutRequest {
        LogoutRequest::read(&Params::parse(query))
    }

    fn hint(user: [u8; 16]) -> Hint {
        Hint { client_id: "app".into(), user: Some(Id::from(user)), session: Some(ALICE.session) }
    }

    #[test]
    fn a_hint_of_who_is_signed_in_ends_the_session_at_once() {
        let (app, hint) = (app(), hint([1; 16]));
        let facts = Facts { hint: Some(Ok(&hint)), client: Some(&app), signed_in: Some(ALICE) };
        let decision = request(&format!("id_token_hint=x&post_logout_redirect_uri={BYE}&state=s")).decide(&facts);
        assert_eq!((decision.step, decision.problem), (Step::End, None));
        let then = decision.then.unwrap();
        assert_eq!((then.uri(), then.state.as_deref()), (BYE, Some("s")));
        let ended = Hint { session: None, ..hint.clone() };
        let gone = request(&format!("id_token_hint=x&post_logout_redirect_uri={BYE}")).decide(&Facts {
            hint: Some(Ok(&ended)),
            signed_in: None,
            ..facts
        });
        assert_eq!((gone.step, gone.then.is_some()), (Step::Nothing, true), "who is signed out already goes on");
    }

    #[test]
    fn without_a_browser_a_hint_ends_the_session_that_it_names() {
        let (app, hint) = (app(), hint([1; 16]));
        let facts = Facts { hint: Some(Ok(&hint)), client: Some(&app), signed_in: None };
        assert_eq!(request("id_token_hint=x").decide(&facts).step, Step::End);
        assert_eq!(request("id_token_hint=x&client_id=app").decide(&facts).step, Step::End);
        assert_eq!(request("id_token_hint=x&client_id=other").decide(&facts).step, Step::Nothing, "of another client");
        assert_eq!(request("id_token_hint=x").decide(&Facts { client: None, ..facts }).step, Step::Nothing, "a disabled client");
        assert_eq!(request("id_token_hint=x").decide(&Facts { hint: Some(Err(NotOurs)), ..facts }).step, Step::Nothing);
        assert_eq!(request("client_id=app").decide(&Facts { hint: None, ..facts }).step, Step::Nothing);
    }

    #[test]
    fn without_a_hint_the_user_is_asked() {
        let app = app();
        let facts = Facts { hint: None, client: Some(&app), signed_in: Some(ALICE) };
        let decision = request(&format!("client_id=app&post_logout_redirect_uri={BYE}")).decide(&facts);
        assert_eq!((decision.step, decision.then.is_some(), decision.problem), (Step::Ask, true, None));
        let of_before = Hint { session: Some(Id::from([8; 16])), ..hint([1; 16]) };
        let suspect = request(&format!("post_logout_redirect_uri={BYE}")).decide(&Facts { hint: Some(Ok(&of_before)), ..facts });
        assert_eq!((suspect.step, suspect.then.is_some(), suspect.problem), (Step::Ask, true, None), "of another session");
        let own = request("").decide(&Facts { client: None, ..facts });
        assert_eq!((own.step, own.then, own.problem), (Step::Ask, None, None));
    }

    #[test]
    fn what_is_wrong_leads_to_a_question_and_never_away() {
        let (app, alice, bob) = (app(), hint([1; 16]), hint([2; 16]));
        let good = Facts { hint: Some(Ok(&alice)), client: Some(&app), signed_in: Some(ALICE) };
        let bye = format!("post_logout_redirect_uri={BYE}");
        for (query, facts, problem, step) in [
            (bye.clone(), Facts { hint: Some(Err(NotOurs)), ..good }, Problem::HintNotOurs, Step::Ask),
            (bye.clone(), Facts { hint: Some(Ok(&bob)), ..good }, Problem::HintOfAnother, Step::Ask),
            (format!("client_id=other&{bye}"), good, Problem::HintOfAnother, Step::Ask),
            (format!("client_id=other&{bye}"), Facts { hint: None, client: None, ..good }, Problem::ClientUnknown, Step::Ask),
            (bye.clone(), Facts { client: None, ..good }, Problem::ClientUnknown, Step::Ask),
            (bye.clone(), Facts { hint: None, client: None, ..good }, Problem::ClientMissing, Step::Ask),
            ("post_logout_redirect_uri=https://evil.example/".into(), good, Problem::ReturnNotRegistered, Step::Ask),
            (format!("{bye}/"), good, Problem::ReturnNotRegistered, Step::Ask),
            ("post_logout_redirect_uri=https://app.example.com/cb".into(), good, Problem::ReturnNotRegistered, Step::Ask),
        ] {
            let decision = request(&query).decide(&facts);
            assert_eq!((decision.step, decision.problem, decision.then), (step, Some(problem), None), "{query}");
        }
    }
}
