//! Invitations: a link with which the owner of an address creates an account, once, within seven days; sent by e-mail, or returned
//! to the operator. It is shown nowhere else: whoever has it can create the account, with its roles and groups.

use serde::Serialize;

use super::{
    Actor, Conflict, Context, DateTime, OperationError, Resource,
    details::{self, names},
    page::{Page, Slice},
};
use crate::{
    config::{MailTransport, Registration},
    paths,
    protocol::{
        account::{
            link::{Invited, LinkContent, LinkKind},
            login_name::LoginName,
            notification::{Notification, NotificationKind},
        },
        grant::credential::{Credential, Kind},
    },
    random,
    store::{
        self,
        links::{self, Link},
        mail_requests, users,
    },
};

/// Who is invited, and as what.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The address.
    pub email: String,
    /// The roles that the new user gets.
    pub roles: Vec<String>,
    /// The groups that the new user joins.
    pub groups: Vec<String>,
    /// Whether the link is returned instead of being sent by e-mail.
    pub returns_link: bool,
}

/// An invitation.
#[derive(Clone, Debug, Serialize)]
pub struct InvitationView {
    /// The address.
    pub email: String,
    /// The roles that the new user gets.
    pub roles: Vec<String>,
    /// The groups that the new user joins.
    pub groups: Vec<String>,
    /// When it was created.
    pub invited: DateTime,
    /// When it expires.
    pub expires: DateTime,
    /// The link, once: only on request, when it is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// An invitation that was withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawn {
    /// The address.
    pub email: String,
    /// Always true.
    pub withdrawn: bool,
}

impl TryFrom<&Link> for InvitationView {
    type Error = store::Error;

    fn try_from(link: &Link) -> Result<Self, store::Error> {
        let lacks = |column| store::Error::corrupt("links", column, link.id);
        let LinkContent::Invited(invited) = &link.content else { return Err(lacks("content")) };
        Ok(Self {
            email: link.email.clone().ok_or_else(|| lacks("email"))?,
            roles: invited.roles.clone(),
            groups: invited.groups.clone(),
            invited: DateTime(link.created_at),
            expires: DateTime(link.expires_at),
            link: None,
        })
    }
}

/// Invites the owner of an address; an earlier invitation to it ends.
///
/// # Errors
/// [`OperationError::Invalid`], [`OperationError::Conflict`] if nobody can register, no e-mail can be sent or they have an account,
/// or the database's.
pub fn create(context: &mut Context<'_>, actor: Actor<'_>, new: &NewInvitation) -> Result<InvitationView, OperationError> {
    if context.config.registration == Registration::Off {
        return Err(Conflict::RegistrationOff.into());
    }
    if !new.returns_link && matches!(context.config.mail.transport, MailTransport::Off) {
        return Err(Conflict::NoMail.into());
    }
    let (email, now) = (details::email(&new.email)?, context.now);
    if users::find_by_login(context.connection, &LoginName::parse(&email))?.is_some() {
        return Err(Conflict::HasAccount(email).into());
    }
    let invited = Invited { roles: names("role", &new.roles)?, groups: names("group", &new.groups)? };
    let link = Link {
        email: Some(email.clone()),
        content: LinkContent::Invited(invited),
        ..Link::new(random::id(now), LinkKind::Invitation, now)
    };
    let mut view = InvitationView::try_from(&link)?;
    if new.returns_link {
        mail_requests::invite(context.connection, &link, None)?;
        view.link = Some(url(context, &link));
    } else {
        let (kind, origin, id) = (NotificationKind::Invitation, actor.origin.clone(), Some(link.id));
        let notice = Notification { kind, to: email, name: None, at: now, origin, about: None, link: id, grant: None };
        mail_requests::invite(context.connection, &link, Some((random::id(now), &notice)))?;
    }
    Ok(view)
}

fn url(context: &Context<'_>, link: &Link) -> String {
    let credential = Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&context.config.secrets);
    context.config.issuer.url(&format!("{}?link={credential}", paths::of_link(link.kind)))
}

/// The open invitations, newest first; the key is the id.
///
/// # Errors
/// [`OperationError::Invalid`] if the key is no id, or the database's.
pub fn list(context: &mut Context<'_>, slice: &Slice) -> Result<Page<InvitationView>, OperationError> {
    let (limit, rows) = slice.limits();
    let open = links::invitations(context.connection, context.now, slice.after_id()?, rows)?;
    let Page { items, next } = Page::of(open, limit, |link| link.id.to_string());
    let items = items.iter().map(InvitationView::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// Withdraws the invitations of an address.
///
/// # Errors
/// [`OperationError::Invalid`], [`OperationError::NotFound`], or the database's.
pub fn withdraw(context: &mut Context<'_>, email: &str) -> Result<Withdrawn, OperationError> {
    let email = details::email(email)?;
    if links::withdraw(context.connection, &email, context.now)? == 0 {
        return Err(Resource::Invitation.missing(email));
    }
    Ok(Withdrawn { email, withdrawn: true })
}
