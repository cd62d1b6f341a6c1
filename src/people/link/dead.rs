//! Links of letters that do nothing (any more): why, and the page that says what to do.

use super::Visit;
use crate::{
    app::App,
    pages::{DeadLink, DeadLinkReason, LinkPurpose},
    paths,
    people::wording,
    protocol::link::LinkKind,
    store::{
        AnyConnection,
        links::{self, Link},
    },
    web::{fault::Fault, page, reply::Reply},
};

/// Why a link does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    Used,
    Expired,
    /// A later decision took its place, or its account is switched off.
    Superseded,
    OtherBrowser,
    Unknown,
    AddressTaken,
}

impl Visit {
    /// Why a link is good for nobody any more.
    pub(super) fn over(&self, link: &Link) -> Option<Dead> {
        match link {
            Link { used_at: Some(_), .. } => Some(Dead::Used),
            Link { ended_at: Some(_), .. } => Some(Dead::Superseded),
            _ if link.is_over(self.context.now) => Some(Dead::Expired),
            _ => None,
        }
    }

    /// The page for a link that was good when it was found, and is not any more.
    pub fn lost(&self, app: &App, connection: &mut AnyConnection, link: &Link) -> Result<Reply, Fault> {
        let now = links::find(connection, link.id)?;
        let why = now.and_then(|link| self.over(&link)).unwrap_or(Dead::Superseded);
        Ok(self.dead(app, Some(link.kind), why))
    }

    /// The page for a link of this kind, or of none, that does nothing.
    pub fn dead(&self, app: &App, kind: Option<LinkKind>, why: Dead) -> Reply {
        let base = app.config.issuer.base();
        let kind = kind.or(self.door.kinds.first().copied()).unwrap_or(LinkKind::Reset);
        let (purpose, again) = match kind {
            LinkKind::Register => (LinkPurpose::Register, app.is_registration_open().then_some(paths::REGISTER)),
            LinkKind::Invitation => (LinkPurpose::Invitation, None),
            LinkKind::Reset => (LinkPurpose::Reset, Some(paths::RECOVER)),
            LinkKind::ConfirmEmail => (LinkPurpose::ConfirmEmail, Some(paths::ACCOUNT_EMAIL)),
            LinkKind::NotMe => (LinkPurpose::NotMe, Some(paths::RECOVER)),
        };
        let again = again.map(|path| format!("{base}{path}"));
        let lasted = wording::span(kind.lifetime());
        let (status, reason) = match why {
            Dead::Used => (410, DeadLinkReason::Used),
            Dead::Expired => (410, DeadLinkReason::Expired { after: &lasted }),
            Dead::Superseded => (410, DeadLinkReason::Superseded),
            Dead::AddressTaken => (410, DeadLinkReason::AddressTaken),
            Dead::OtherBrowser => (400, DeadLinkReason::OtherBrowser),
            Dead::Unknown => (400, DeadLinkReason::Unknown),
        };
        let page = DeadLink {
            chrome: self.chrome(app),
            purpose,
            reason,
            again: again.as_deref(),
            login_url: &format!("{base}{}", paths::LOGIN),
        };
        page::show(status, &page, None).noting(format!("a dead link: {why:?}"))
    }
}
