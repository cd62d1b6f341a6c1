//! The pages and e-mails that users see: a struct for each template in `templates/`, with plain data and no words, which are in
//! the templates. Imports the plain values of `protocol`, nothing else of the project, and is the only importer of `askama`;
//! `flows` and `endpoints` fill the structs and choose the status and headers. Every page needs the policy `style-src 'self';
//! img-src 'self'; script-src 'self'` and nothing wider, the sign-in page `connect-src 'self'` as well.

mod account_frame;
mod activity;
pub mod assets;
mod confirm_email;
mod consent;
mod data;
mod details;
mod devices;
mod email;
mod enrol;
mod error;
mod everything_ended;
mod form_post;
mod form_problem;
mod home;
mod invalid_link;
mod login;
mod messages;
mod not_me;
mod passkeys;
mod password;
mod picture;
mod recover;
mod recover_password;
mod recovery_codes;
mod register;
mod register_finish;
mod second_factor;
mod security;
mod select_account;
mod sign_out;
mod span_text;
mod state;
mod timeline;
mod timeline_rows;
mod totp_add;
mod when;

#[cfg(test)]
mod markup;
#[cfg(test)]
mod password_flaw_samples;
#[cfg(test)]
mod samples;

pub use account_frame::{Form, Owner, ShownOrigin, When};
pub use activity::{ActivityDay, ActivityEntry, ActivityPage, ActivityProblem, NotMeEffect};
pub use askama::Error as MessageError;
pub use askama::Template;
pub use confirm_email::{ConfirmEmail, EmailConfirmed};
pub use consent::{Consent, ConsentProblem, Lifetime, RequestedResource, RequestedScope};
pub use data::{AccountData, AccountDeleted, DeletionProblem, Kept};
pub use details::{Details, DetailsProblem};
pub use devices::{
    AccountDone, AccountPart, AccountProblem, AppConsent, Devices, Ends, Retyped, ShownApp, ShownBrowser, ShownEnded, ShownGrant,
};
pub use email::{CurrentEmail, Email, EmailProblems, EmailState};
pub use enrol::{Enrol, MissingFactor};
pub use error::{Error, Problem, RedirectHint};
pub use everything_ended::{AfterEnd, EverythingEnded};
pub use form_post::FormPost;
pub use form_problem::FormProblem;
pub use home::{Home, SignedIn};
pub use invalid_link::{InvalidLink, LinkProblem};
pub use login::{Login, LoginNotice, LoginProblem, Remember};
pub use messages::{MessageFacts, message, test_message};
pub use not_me::{NotMe, ReportedEvent};
pub use passkeys::{PasskeyAdd, PasskeyForm, PasskeyOffer, PasskeyProblem};
pub use password::{NewPasswordProblem, Password, PasswordDone, PasswordProblems};
pub use recover::{Recover, RecoverOff, RecoverSent};
pub use recover_password::{RecoverPassword, RecoverPasswordProblem, RecoveryFactor};
pub use recovery_codes::{RecoveryCodes, RecoveryCodesState};
pub use register::{Register, RegisterProblem, RegisterSent};
pub use register_finish::{DisplayNameProblem, RegisterFinish, RegisterFinishProblems, UsernameProblem};
pub use second_factor::{SecondFactor, SecondFactorCode, SecondFactorOccasion, SecondFactorPassword, SecondFactorProblem};
pub use security::{
    MethodKind, RemoveMethod, RemoveMethodProblem, Security, SecurityDone, SecurityProblem, ShownMethod, method_name,
};
pub use select_account::{SelectAccount, SelectAccountProblem};
pub use sign_out::{SignOut, SignOutNote, SignOutOutcome, SignedOut};
pub use span_text::{relative, span_text};
pub use state::kebab;
pub use timeline::{EndGrant, GrantState, Timeline};
pub use timeline_rows::{Point, RowKind, TimelineRow};
pub use totp_add::{QrPicture, TotpAdd, TotpAddProblem};
pub use when::{CalendarDay, CalendarTime};

/// What every page has around its content.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The path part of the issuer, without a trailing slash: "" or "/tenant".
    pub base: &'a str,
    /// The id of this request in the log.
    pub request_id: &'a str,
}

impl Layout<'_> {
    /// The URL of an asset, for templates. A name unknown to `assets` is an error in the template.
    fn asset(&self, name: &str) -> askama::Result<String> {
        assets::url(self.base, name).ok_or_else(|| askama::Error::custom(format!("there is no asset {name}")))
    }
}
