//! `symbolon user set`: changes the user details that apps receive.

use clap::Args;

use super::{
    super::{
        Answer, Work,
        output::{self, Format},
    },
    details::Details,
    shown,
};
use crate::operations::{
    Actor,
    user_changes::{self, NameChange, UserChanges},
};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Options {
    /// The user name or e-mail address
    #[arg(value_name = "NAME")]
    login: String,
    /// The display name
    #[arg(long = "name", value_name = "DISPLAY")]
    display_name: Option<String>,
    /// Remove the display name
    #[arg(long, conflicts_with = "display_name")]
    no_name: bool,
    /// The new e-mail address, not verified unless --email-verified is given. The old one is notified if it was verified; links
    /// in earlier e-mails stop working
    #[arg(long)]
    email: Option<String>,
    /// Remove the e-mail address
    #[arg(long, conflicts_with_all = ["email", "email_verified"])]
    no_email: bool,
    /// Mark the address as verified; apps see this
    #[arg(long)]
    email_verified: bool,
    /// Mark the address as not verified
    #[arg(long, visible_alias = "email-unverified", conflicts_with = "email_verified")]
    no_email_verified: bool,
    #[command(flatten)]
    details: Details,
    /// Remove all roles
    #[arg(long, conflicts_with = "roles")]
    no_role: bool,
    /// Remove all groups
    #[arg(long, conflicts_with = "groups")]
    no_group: bool,
}

impl Options {
    pub fn run(self, work: &mut Work<'_>, format: Format) -> Answer {
        let mut details = self.details.read(&work.config.scope_claims)?;
        details.roles = details.roles.or(self.no_role.then(Vec::new));
        details.groups = details.groups.or(self.no_group.then(Vec::new));
        let changes = UserChanges {
            display_name: if self.no_name { Some(NameChange::Remove) } else { self.display_name.map(NameChange::Set) },
            email: self.email,
            removes_email: self.no_email,
            email_verified: if self.no_email_verified { Some(false) } else { self.email_verified.then_some(true) },
            details,
        };
        let user = user_changes::change(work, Actor::OPERATOR, &self.login, &changes)?;
        let note = if changes.email.is_some() { super::unverified(&user, false) } else { String::new() };
        format.answer(&user, || output::fields(&shown::fields(&user)) + &note)
    }
}
