//! Links from e-mails that are unknown or no longer valid: why, and the page that says what to do.

use super::LinkRequest;
use crate::{
    app::App,
    flows::formatting,
    pages::{self, InvalidLink, LinkProblem},
    paths,
    protocol::account::link::LinkKind,
    store::{
        AnyConnection,
        links::{self, Link},
    },
    web::{page, page_request::PageError, reply::Reply},
};

impl LinkRequest {
    /// Why a link is no longer valid for anyone.
    pub(super) fn ended(&self, link: &Link) -> Option<LinkProblem> {
        match link {
            Link { used_at: Some(_), .. } => Some(LinkProblem::Used),
            Link { ended_at: Some(_), .. } => Some(LinkProblem::Superseded),
            _ if link.is_over(self.context.now) => Some(LinkProblem::Expired),
            _ => None,
        }
    }

    /// The page for a link that was valid when it was read, and no longer is.
    pub fn lost(&self, app: &App, connection: &mut AnyConnection, link: &Link) -> Result<Reply, PageError> {
        let now = links::find(connection, link.id)?;
        let why = now.and_then(|link| self.ended(&link)).unwrap_or(LinkProblem::Superseded);
        Ok(self.problem_of(app, Some(link.kind), why))
    }

    /// The page for an invalid link of this kind, or of an unknown one.
    pub fn problem_of(&self, app: &App, kind: Option<LinkKind>, why: LinkProblem) -> Reply {
        let base = app.config.issuer.base();
        let kind = kind.or(self.link_page.kinds.first().copied()).unwrap_or(LinkKind::Reset);
        let again = match kind {
            LinkKind::Register => app.is_registration_open().then_some(paths::REGISTER),
            LinkKind::Invitation => None,
            LinkKind::Reset | LinkKind::NotMe => Some(paths::RECOVER),
            LinkKind::ConfirmEmail => Some(paths::ACCOUNT_EMAIL),
        };
        let again = again.map(|path| format!("{base}{path}"));
        let status = match why {
            LinkProblem::Used | LinkProblem::Expired | LinkProblem::Superseded | LinkProblem::AddressTaken => 410,
            LinkProblem::OtherBrowser | LinkProblem::Unknown => 400,
        };
        let page = InvalidLink {
            layout: self.layout(app),
            purpose: kind,
            reason: why,
            lifetime: &formatting::span(kind.lifetime()),
            again: again.as_deref(),
            login_url: &format!("{base}{}", paths::LOGIN),
        };
        page::show(status, &page, None).noting(format!("invalid link: {}", pages::kebab(&why)))
    }
}
