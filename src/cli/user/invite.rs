//! `symbolon user invite`: a link with which the owner of an address creates an account, once, within seven days; sent by e-mail,
//! or printed. It is shown nowhere else: whoever has it can create the account, with its roles and groups.

use clap::Args;
use serde::Serialize;

use super::{
    super::{
        Answer, Work,
        output::{self, Format, time},
        refuse,
    },
    details::{check_email, names},
};
use crate::{
    background::path_of,
    config::{MailTransport, Registration},
    pages,
    protocol::{
        account::{
            activity::UNKNOWN_ORIGIN,
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

#[derive(Debug, Args)]
pub struct Options {
    /// The e-mail address to invite
    #[arg(long)]
    email: String,
    /// A role that the new user gets; can be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A group that the new user joins; can be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Print the link once instead of sending it by e-mail; anyone who has it can create the account
    #[arg(long)]
    print: bool,
}

/// An invitation, as printed.
#[derive(Serialize)]
struct Shown {
    email: String,
    roles: Vec<String>,
    groups: Vec<String>,
    invited: String,
    expires: String,
    /// Only on request, when it is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Options {
    pub fn run(self, work: &mut Work<'_>, format: Format) -> Answer {
        if work.config.registration == Registration::Off {
            return refuse("registration: expected invitation or open in the configuration, received off");
        }
        if !self.print && matches!(work.config.mail.transport, MailTransport::Off) {
            return refuse("mail is not configured: configure it, or use --print");
        }
        let email = check_email(&self.email)?;
        if users::find_by_login(work.connection, &LoginName::parse(&email))?.is_some() {
            return refuse(format!("e-mail address '{email}' already belongs to a user"));
        }
        let invited = Invited { roles: names("role", &self.roles)?, groups: names("group", &self.groups)? };
        let link = Link {
            email: Some(email.clone()),
            content: LinkContent::Invited(invited),
            ..Link::new(random::id(work.now), LinkKind::Invitation, work.now)
        };
        if self.print {
            mail_requests::invite(work.connection, &link, None)?;
        } else {
            let (kind, at, origin, id) = (NotificationKind::Invitation, work.now, UNKNOWN_ORIGIN.clone(), Some(link.id));
            let notice = Notification { kind, to: email.clone(), name: None, at, origin, about: None, link: id };
            mail_requests::invite(work.connection, &link, Some((random::id(work.now), &notice)))?;
        }
        let mut shown = Shown::new(&link)?;
        shown.link = self.print.then(|| url(work, &link));
        let text = || {
            if let Some(url) = &shown.link {
                return output::fields(&[("invited", email.clone()), ("link", url.clone()), ("expires", shown.expires.clone())]);
            }
            let lasts = pages::span_text(LinkKind::Invitation.lifetime().seconds());
            output::clean(&format!("sent an invitation to {email}; the link is valid for {lasts}")) + "\n"
        };
        format.answer(&shown, text)
    }
}

/// Lists the open invitations.
pub fn list(work: &mut Work<'_>, format: Format) -> Answer {
    let shown: Vec<Shown> = links::invitations(work.connection, work.now)?.iter().map(Shown::new).collect::<Result<_, _>>()?;
    let row = |one: &Shown| {
        let [roles, groups] = [&one.roles, &one.groups].map(|names| names.join(", "));
        [one.email.clone(), roles, groups, one.invited.clone(), one.expires.clone()]
    };
    let text = || output::table(["EMAIL", "ROLES", "GROUPS", "INVITED", "EXPIRES"], &shown.iter().map(row).collect::<Vec<_>>());
    format.answer(&shown, text)
}

/// Withdraws the invitations of an address.
pub fn withdraw(work: &mut Work<'_>, email: &str, format: Format) -> Answer {
    let email = check_email(email)?;
    if links::withdraw(work.connection, &email, work.now)? == 0 {
        return refuse(format!("e-mail address '{email}': it has no open invitation (list all with symbolon user invitations)"));
    }
    let text = || output::clean(&format!("withdrew the invitation for {email}")) + "\n";
    format.answer(&serde_json::json!({ "email": email, "withdrawn": true }), text)
}

fn url(work: &Work<'_>, link: &Link) -> String {
    let credential = Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&work.config.secrets);
    work.config.issuer.url(&format!("{}?link={credential}", path_of(link.kind)))
}

impl Shown {
    fn new(link: &Link) -> Result<Self, store::Error> {
        let lacks = |column| store::Error::corrupt("links", column, link.id);
        let LinkContent::Invited(invited) = &link.content else { return Err(lacks("content")) };
        Ok(Self {
            email: link.email.clone().ok_or_else(|| lacks("email"))?,
            roles: invited.roles.clone(),
            groups: invited.groups.clone(),
            invited: time(link.created_at),
            expires: time(link.expires_at),
            link: None,
        })
    }
}
