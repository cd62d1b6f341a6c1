//! Devices and apps, `templates/account.html`: the browsers signed in, and each app with the access it has from each device;
//! forms rename and end them. What ending one ends besides is not decided here.

use askama::Template;

use super::{Form, Layout, Owner, RequestedScope, ShownOrigin, When};

/// The page. Its forms send `what`, `id` and, to rename, `name`; an empty `name` takes the name away.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// Whose account it is.
    pub owner: Owner<'a>,
    /// Which part of it this is.
    pub part: AccountPart,
    /// Where it begins.
    pub overview: &'a str,
    /// The browsers signed in, this one first.
    pub browsers: &'a [ShownBrowser<'a>],
    /// Where there are more of them.
    pub more_browsers: Option<&'a str>,
    /// The apps that have access, or have it when they ask.
    pub apps: &'a [ShownApp<'a>],
    /// Where there are more of them.
    pub more_apps: Option<&'a str>,
    /// The form that ends something: `what` is session, grant, app, others or everything.
    pub end: Form<'a>,
    /// The form that renames something: `what` is session or grant.
    pub rename: Form<'a>,
    /// The most characters of a name.
    pub name_limit: usize,
    /// What has been done, just before.
    pub done: Option<AccountDone<'a>>,
    /// Why something was not done, just before.
    pub problem: Option<AccountProblem>,
}

/// Which part of the devices and apps is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountPart {
    /// The first browsers and the first apps, and the forms that end more at once.
    Overview,
    /// More browsers.
    Browsers,
    /// More apps.
    Apps,
    /// One app with its devices.
    App,
}

/// A browser that is signed in: a session.
#[derive(Debug, Clone, Copy)]
pub struct ShownBrowser<'a> {
    /// The id of the session.
    pub id: &'a str,
    /// The name the user gave it.
    pub name: Option<&'a str>,
    /// What it is, and from where it was last used.
    pub origin: ShownOrigin<'a>,
    /// When it signed in.
    pub first_used: When<'a>,
    /// When it was last used here.
    pub last_used: When<'a>,
    /// Whether it stays signed in when it is closed.
    pub is_remembered: bool,
    /// Whether it is the one this page is shown in.
    pub is_this: bool,
}

/// An app that was allowed something.
#[derive(Debug, Clone, Copy)]
pub struct ShownApp<'a> {
    /// The id of the client.
    pub id: &'a str,
    /// The name of the client.
    pub name: &'a str,
    /// The access it has now; empty if there is only the user's consent.
    pub grants: &'a [ShownGrant<'a>],
    /// Where there is more of it.
    pub rest: Option<&'a str>,
}

/// The access of an app on a device: a grant.
#[derive(Debug, Clone, Copy)]
pub struct ShownGrant<'a> {
    /// The id of the grant.
    pub id: &'a str,
    /// The name the user gave the device.
    pub name: Option<&'a str>,
    /// The device, and from where it was last used.
    pub origin: ShownOrigin<'a>,
    /// When it was given.
    pub first_used: When<'a>,
    /// When it was last used.
    pub last_used: When<'a>,
    /// What it allows.
    pub scopes: &'a [RequestedScope<'a>],
    /// When it ends.
    pub ends: Ends<'a>,
}

/// When an app's access ends.
#[derive(Debug, Clone, Copy)]
pub enum Ends<'a> {
    /// With the session of the browser in which it was given.
    WithBrowser {
        /// The latest it can last.
        at_latest: When<'a>,
    },
    /// By itself (`offline_access`).
    ByItself {
        /// It ends then, if it is not used before.
        unused: When<'a>,
        /// The latest it can last.
        at_latest: When<'a>,
    },
}

/// What has been done, just before this page. Without a name, it is told without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountDone<'a> {
    /// A browser was signed out.
    BrowserEnded {
        /// Its name, or what it is in words.
        name: Option<&'a str>,
    },
    /// The access of an app on one device was ended.
    GrantEnded {
        /// The name of the device, or what it is in words.
        name: Option<&'a str>,
        /// The name of the app.
        app: Option<&'a str>,
    },
    /// The consent to an app was taken back, and all its access was ended.
    AppEnded {
        /// The name of the app.
        app: Option<&'a str>,
    },
    /// Everything but this browser was ended.
    OthersEnded,
    /// A browser or device has another name.
    Renamed,
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountProblem {
    /// The form's proof is too old or of another session.
    FormExpired,
    /// What was to be ended or renamed is not there any more.
    Gone,
    /// The name is too long, or not one line.
    NameNotTaken,
}

impl Account<'_> {
    fn has_browsers(&self) -> bool {
        matches!(self.part, AccountPart::Overview | AccountPart::Browsers)
    }

    fn has_apps(&self) -> bool {
        self.part != AccountPart::Browsers
    }

    fn is_overview(&self) -> bool {
        self.part == AccountPart::Overview
    }

    /// Whether there are so many devices that some are shown only on demand.
    fn folds(&self, devices: usize) -> bool {
        devices > 5 && self.part != AccountPart::App
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
pub(super) mod tests;
