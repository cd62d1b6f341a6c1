//! The page of devices and apps, `templates/devices.html`: the signed-in browsers, and each app with the access it has from each
//! device. Forms rename and end them; what else ends with one of them is not decided here.

use askama::Template;

use super::{Form, Layout, Owner, RequestedScope, ShownOrigin, When};
use crate::protocol::grant::end_reason::{EndReason, Inactive};

/// The page. Its forms send `what`, `id` and, to rename, `name`; an empty `name` removes the name.
#[derive(Debug, Template)]
#[template(path = "devices.html")]
pub struct Devices<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The part of the devices and apps that is shown.
    pub part: AccountPart,
    /// The URL of the overview.
    pub overview: &'a str,
    /// The signed-in browsers, this one first.
    pub browsers: &'a [ShownBrowser<'a>],
    /// The URL of the rest, if there are more.
    pub more_browsers: Option<&'a str>,
    /// The apps that have access, or would get it without asking the user.
    pub apps: &'a [ShownApp<'a>],
    /// The URL of the rest, if there are more.
    pub more_apps: Option<&'a str>,
    /// The number of browsers that sign in without a code, signed in or not.
    pub trusted: usize,
    /// The form that ends access: `what` is session, trust, grant, app, others, trusts or everything.
    pub end: Form<'a>,
    /// The form that renames a session or a grant, by `what`.
    pub rename: Form<'a>,
    /// The name that was typed and refused.
    pub retyped: Option<Retyped<'a>>,
    /// The maximum length of a name, in characters.
    pub name_limit: usize,
    /// For how long ended grants are listed, in words: "30 days".
    pub ended_within: &'a str,
    /// The result of the last form, if it succeeded.
    pub done: Option<AccountDone<'a>>,
    /// Why the last form failed.
    pub problem: Option<AccountProblem>,
}

/// A name that was typed for a browser or device, and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retyped<'a> {
    /// Whether for a `session` or a `grant`.
    pub what: &'a str,
    /// Its id.
    pub id: &'a str,
    /// What was typed.
    pub name: &'a str,
}

/// The part of the devices and apps that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountPart {
    /// The first browsers and apps, and the forms that end several at once.
    Overview,
    /// More browsers.
    Browsers,
    /// More apps.
    Apps,
    /// One app with its devices.
    App,
}

/// A signed-in browser: a session.
#[derive(Debug, Clone, Copy)]
pub struct ShownBrowser<'a> {
    /// The id of the session.
    pub id: &'a str,
    /// The name that the user gave it.
    pub name: Option<&'a str>,
    /// The browser, and the origin of its last use.
    pub origin: ShownOrigin<'a>,
    /// When the user signed in with it.
    pub first_used: When<'a>,
    /// When it was last used at this server.
    pub last_used: When<'a>,
    /// Whether the session survives closing the browser.
    pub is_remembered: bool,
    /// Until when it needs no code of an authenticator app, if so.
    pub trusted: Option<When<'a>>,
    /// Whether this page is shown in it.
    pub is_this: bool,
}

/// An app to which the user has consented, or the operator for the user.
#[derive(Debug, Clone, Copy)]
pub struct ShownApp<'a> {
    /// The id of the client.
    pub id: &'a str,
    /// The name of the client.
    pub name: &'a str,
    /// Who consented.
    pub consent: AppConsent,
    /// Whether it has to ask when the user signs in to it again, although there is a consent.
    pub asks: bool,
    /// Its active grants; empty if there is only the user's consent.
    pub grants: &'a [ShownGrant<'a>],
    /// Its grants that have ended lately.
    pub ended: &'a [ShownEnded<'a>],
    /// The URL of the page with more of them, if there are more.
    pub more_ended: Option<&'a str>,
    /// The URL of the remaining grants, if there are more.
    pub rest: Option<&'a str>,
}

/// Access that has ended.
#[derive(Debug, Clone, Copy)]
pub struct ShownEnded<'a> {
    /// The id of the grant.
    pub id: &'a str,
    /// The name that the user gave the device.
    pub name: Option<&'a str>,
    /// The device, and the origin of its last use.
    pub origin: ShownOrigin<'a>,
    /// When it ended.
    pub ended: When<'a>,
    /// Why.
    pub why: Inactive,
}

/// Who gave an app its access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppConsent {
    /// The user.
    User,
    /// The operator: it is an app of this server.
    Operator,
    /// The operator, when it was an app of this server: the user is asked next time.
    OperatorBefore,
    /// Nobody, or no longer: only its ended grants are left.
    Nobody,
}

/// The access of an app on a device: a grant.
#[derive(Debug, Clone, Copy)]
pub struct ShownGrant<'a> {
    /// The id of the grant.
    pub id: &'a str,
    /// The name that the user gave the device.
    pub name: Option<&'a str>,
    /// The device, and the origin of its last use.
    pub origin: ShownOrigin<'a>,
    /// When it was granted.
    pub first_used: When<'a>,
    /// When it was last used.
    pub last_used: When<'a>,
    /// The granted scopes.
    pub scopes: &'a [RequestedScope<'a>],
    /// When it expires.
    pub ends: Ends<'a>,
}

/// When an app's access expires.
#[derive(Debug, Clone, Copy)]
pub enum Ends<'a> {
    /// With the session in which it was granted.
    WithBrowser {
        /// Its absolute expiry.
        at_latest: When<'a>,
    },
    /// Independently of the session (`offline_access`).
    ByItself {
        /// When it expires if it is not used before.
        unused: When<'a>,
        /// Its absolute expiry.
        at_latest: When<'a>,
    },
}

/// The result of the last form. A missing name is left out of the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountDone<'a> {
    /// A browser was signed out.
    BrowserEnded {
        /// Its name, or a description.
        name: Option<&'a str>,
    },
    /// The access of an app on one device was ended.
    GrantEnded {
        /// The name of the device, or a description.
        name: Option<&'a str>,
        /// The name of the app.
        app: Option<&'a str>,
    },
    /// The consent to an app was withdrawn, and all its access was ended.
    AppEnded {
        /// The name of the app.
        app: Option<&'a str>,
    },
    /// Everything but this browser was ended.
    OthersEnded,
    /// A browser or device was renamed.
    Renamed,
    /// A browser is no longer trusted.
    TrustEnded,
}

/// Why a form failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountProblem {
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
    /// The item to be ended or renamed no longer exists.
    Gone,
    /// The name is too long, or not one line.
    NameNotTaken,
}

impl ShownEnded<'_> {
    /// Whether it ended because someone may have copied a code or token.
    const fn is_unusual(&self) -> bool {
        matches!(self.why, Inactive::Revoked(EndReason::CodeReused | EndReason::RefreshTokenReused))
    }
}

impl ShownApp<'_> {
    fn has_unusual(&self) -> bool {
        self.ended.iter().any(ShownEnded::is_unusual)
    }
}

impl Devices<'_> {
    fn has_browsers(&self) -> bool {
        matches!(self.part, AccountPart::Overview | AccountPart::Browsers)
    }

    fn has_apps(&self) -> bool {
        self.part != AccountPart::Browsers
    }

    fn is_overview(&self) -> bool {
        self.part == AccountPart::Overview
    }

    /// What was typed as the name of this session or grant, and refused.
    fn typed(&self, what: &str, id: &str) -> Option<&str> {
        self.retyped.filter(|retyped| retyped.what == what && retyped.id == id).map(|retyped| retyped.name)
    }

    /// Whether there are so many devices that some are collapsed.
    fn folds(&self, devices: usize) -> bool {
        devices > 5 && self.part != AccountPart::App
    }
}

#[cfg(test)]
#[path = "devices_tests.rs"]
pub(super) mod tests;
