//! `symbolon user invite`, `invitations` and `uninvite`.

use clap::Args;

use super::super::{
    Answer, Work,
    listing::Part,
    output::{self, Format},
};
use crate::{
    operations::{
        Actor, installation,
        invitations::{self, InvitationView, NewInvitation},
    },
    pages,
    protocol::account::link::LinkKind,
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

impl Options {
    pub fn run(self, work: &mut Work<'_>, format: Format) -> Answer {
        if self.print {
            installation::expect_working_links(work.connection, work.config)?;
        }
        let new = NewInvitation { email: self.email, roles: self.roles, groups: self.groups, returns_link: self.print };
        let invitation = invitations::create(work, Actor::OPERATOR, &new)?;
        let email = &invitation.email;
        let text = || {
            if let Some(url) = &invitation.link {
                let expires = invitation.expires.to_string();
                return output::fields(&[("invited", email.clone()), ("link", url.clone()), ("expires", expires)]);
            }
            let lasts = pages::span_text(LinkKind::Invitation.lifetime().seconds());
            output::clean(&format!("sent an invitation to {email}; the link is valid for {lasts}")) + "\n"
        };
        format.answer(&invitation, text)
    }
}

/// Lists the open invitations.
pub fn list(work: &mut Work<'_>, format: Format) -> Answer {
    Part::all(format).print(work, (["EMAIL", "ROLES", "GROUPS", "INVITED", "EXPIRES"], row), invitations::list)
}

fn row(one: &InvitationView) -> [String; 5] {
    let [roles, groups] = [&one.roles, &one.groups].map(|names| names.join(", "));
    [one.email.clone(), roles, groups, one.invited.to_string(), one.expires.to_string()]
}

/// Withdraws the invitations of an address.
pub fn withdraw(work: &mut Work<'_>, email: &str, format: Format) -> Answer {
    let withdrawn = invitations::withdraw(work, email)?;
    format.answer(&withdrawn, || output::clean(&format!("withdrew the invitation for {}", withdrawn.email)) + "\n")
}
