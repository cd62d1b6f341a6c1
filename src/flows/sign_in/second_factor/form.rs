//! The form of the page: its fields, what was typed into them, and how it is shown again. What was typed and not yet checked goes along:
//! passwords and recovery codes sealed (`web::kept_password`), a code of an app as it is.

use actix_web::http::header;

use super::{
    USE,
    occasion::{Kind, Occasion},
};
use crate::{
    app::App,
    flows::{
        formatting, passkeys,
        sign_in::{trusted_browser, typed_code::TypedCode},
    },
    pages::{
        FormProblem, PasskeyForm, Remember, SecondFactor, SecondFactorCode, SecondFactorOccasion, SecondFactorPassword,
        SecondFactorProblem,
    },
    paths,
    protocol::{account::authenticator::Missing, secrets::sensitive::Sensitive},
    store::AnyConnection,
    web::{authorization_request, fault::Fault, kept_password, page, page_request::PageRequest, reply::Reply},
};

/// The fields.
const PASSWORD: &str = "password";
const CODE: &str = "code";
const RECOVERY_CODE: &str = "recovery_code";

/// Which code is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CodeKind {
    Totp,
    Recovery,
}

/// What the form asks for.
pub struct Form {
    has_password: bool,
    code: Option<CodeKind>,
    /// What would do: there may be a choice.
    missing: Missing,
    trusts: bool,
}

impl Form {
    /// The form for what is missing. A recovery code is asked for where the query says so, or where there is nothing else.
    pub fn of(app: &App, request: &PageRequest, occasion: &Occasion) -> Self {
        let missing = occasion.missing(app);
        let prefers_recovery = request.query.get(USE.0) == Some(USE.1) || !missing.code && !missing.passkey;
        let code = match (missing.code, missing.recovery_code && prefers_recovery) {
            (_, true) => Some(CodeKind::Recovery),
            (true, false) => Some(CodeKind::Totp),
            (false, false) => None,
        };
        Self {
            has_password: missing.password && (code.is_some() || !missing.recovery_code),
            code,
            missing,
            trusts: request.field("trust") == "yes",
        }
    }

    /// Whether it asks for the password.
    pub const fn asks_password(&self) -> bool {
        self.has_password
    }

    /// Whether the user wants to trust this browser.
    pub const fn trusts(&self) -> bool {
        self.trusts
    }

    /// The password that was typed, or kept.
    pub fn password(app: &App, request: &PageRequest) -> Sensitive<String> {
        kept_password::typed(app, request, binding(request), PASSWORD)
    }

    /// The code that was typed, or kept, if one is asked for.
    pub fn code(&self, app: &App, request: &PageRequest) -> Option<TypedCode> {
        self.code.map(|code| match code {
            CodeKind::Totp => TypedCode::Totp(request.field(CODE).into()),
            CodeKind::Recovery => TypedCode::Recovery(kept_password::typed(app, request, binding(request), RECOVERY_CODE)),
        })
    }

    /// What is left empty: nothing is checked then, and nothing counted.
    pub fn incomplete(&self, app: &App, request: &PageRequest) -> Option<SecondFactorProblem> {
        let is_empty = |code: TypedCode| code.text().expose().trim().is_empty();
        if self.has_password && Self::password(app, request).expose().is_empty() {
            return Some(SecondFactorProblem::PasswordMissing);
        }
        match self.code(app, request) {
            Some(code) => is_empty(code).then_some(SecondFactorProblem::CodeMissing),
            None => (!self.has_password).then_some(SecondFactorProblem::CodeMissing),
        }
    }

    /// The page.
    ///
    /// # Errors
    /// Database errors.
    pub fn show(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        request: &PageRequest,
        occasion: &Occasion,
        problem: Option<SecondFactorProblem>,
    ) -> Result<Reply, Fault> {
        let now = request.context.now;
        let then = if let Kind::Session { then, .. } = &occasion.kind { then.as_deref() } else { None };
        let pending = match then {
            None => authorization_request::pending(app, connection, &request.query, now)?,
            Some(_) => None, // the page it leads to goes on with it
        };
        let target = pending.as_ref().map(|(_, authorization)| authorization.address.form_action_source());
        let is_recovery = self.code == Some(CodeKind::Recovery);
        let has_other = if is_recovery { self.missing.code || self.missing.passkey } else { self.missing.recovery_code };
        let other_url = has_other.then(|| Occasion::url(app, request, !is_recovery));
        let kept = self.kept(app, request, problem);
        let account_url = then.map(|_| format!("{}{}", app.config.issuer.base(), paths::ACCOUNT_SECURITY));
        let lifetime = trusted_browser::lifetime(app).filter(|_| matches!(occasion.kind, Kind::SignIn(_)));
        let lasts = lifetime.filter(|_| self.code == Some(CodeKind::Totp)).map(formatting::span);
        let (action, csrf) = (Occasion::url(app, request, is_recovery), occasion.stamp(app, request));
        let passkey =
            if self.missing.passkey { passkeys::ask_user(app, connection, &occasion.user, occasion.owner())? } else { None };
        let page = SecondFactor {
            layout: request.layout(app),
            occasion: match (&occasion.kind, then) {
                (Kind::SignIn(_), _) => SecondFactorOccasion::SignIn,
                (Kind::Session { .. }, Some(_)) => SecondFactorOccasion::Confirm,
                (Kind::Session { .. }, None) => SecondFactorOccasion::StepUp,
            },
            client_name: pending.as_ref().map(|(client, _)| client.settings.client_name.as_str()),
            username: &occasion.user.claims.username,
            action: &action,
            csrf: &csrf,
            password: self.has_password.then_some(SecondFactorPassword { kept: kept.password.as_deref() }),
            code: self.code.map(|code| match code {
                CodeKind::Totp => SecondFactorCode::Totp { typed: kept.code },
                CodeKind::Recovery => SecondFactorCode::Recovery { kept: kept.recovery_code.as_deref() },
            }),
            other_url: other_url.as_deref(),
            passkey: passkey.as_ref().map(|passkey| PasskeyForm {
                action: &action,
                csrf: &csrf,
                options: &passkey.options,
                state: &passkey.state,
            }),
            trust: lasts.as_deref().map(|lasts| Remember { lasts, ticked: self.trusts }),
            account_url: account_url.as_deref(),
            problem,
        };
        let reply = page::show(status(problem), &page, target.as_deref());
        Ok(match problem {
            Some(SecondFactorProblem::Form(FormProblem::SlowedDown { seconds })) => {
                reply.with(header::RETRY_AFTER, &seconds.to_string()).noting("second factor rate limited")
            }
            Some(SecondFactorProblem::Form(FormProblem::FormExpired)) => reply.noting("form expired or forged"),
            _ => reply,
        })
    }

    /// What was typed and is not known to be wrong.
    fn kept<'a>(&self, app: &App, request: &'a PageRequest, problem: Option<SecondFactorProblem>) -> KeptFields<'a> {
        let Some(problem) = problem.filter(|problem| *problem != SecondFactorProblem::Form(FormProblem::FormExpired)) else {
            return KeptFields::default();
        };
        let is_code_wrong = matches!(problem, SecondFactorProblem::WrongCode | SecondFactorProblem::UsedCode);
        let seal = |field: &str, text: &Sensitive<String>| {
            kept_password::seal(app, binding(request), field, text.expose(), request.context.now)
        };
        let password = if problem == SecondFactorProblem::WrongPassword { None } else { Some(Self::password(app, request)) };
        let code = if is_code_wrong { None } else { self.code(app, request) };
        KeptFields {
            password: password.and_then(|password| seal(PASSWORD, &password)),
            recovery_code: match &code {
                Some(TypedCode::Recovery(text)) => seal(RECOVERY_CODE, text),
                _ => None,
            },
            code: if code.is_some() { request.field(CODE) } else { "" },
        }
    }
}

/// What goes along with the form.
#[derive(Default)]
struct KeptFields<'a> {
    password: Option<String>,
    code: &'a str,
    recovery_code: Option<String>,
}

/// What kept fields are bound to: this browser, whether or not a user is signed in there, and this page.
fn binding(request: &PageRequest) -> (&str, &'static str) {
    (request.session.as_deref().or(request.browser.as_deref()).unwrap_or_default(), paths::SECOND_FACTOR)
}

const fn status(problem: Option<SecondFactorProblem>) -> u16 {
    match problem {
        None => 200,
        Some(
            SecondFactorProblem::WrongPassword
            | SecondFactorProblem::WrongCode
            | SecondFactorProblem::UsedCode
            | SecondFactorProblem::PasskeyRefused,
        ) => 401,
        Some(SecondFactorProblem::Form(FormProblem::SlowedDown { .. })) => 429,
        Some(_) => 400,
    }
}
