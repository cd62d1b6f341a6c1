//! `symbolon user set`: changes the user details that apps receive. It ends no session and no grant: tokens and claims follow at
//! the next refresh and the next request. Its activity entries, notifications and ended links are `account::change_details`.

use clap::Args;

use super::{
    super::{
        Answer, Error, Work,
        output::{self, Format},
        refuse,
    },
    details::{Details, check_display_name, check_email},
    find, operated,
    shown::Shown,
    taken,
};
use crate::{
    protocol::oauth::scope::ScopeClaims,
    store::{self, account, users::User},
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
    /// Mark the address as verified; apps see this
    #[arg(long)]
    email_verified: bool,
    /// Mark the address as not verified
    #[arg(long, conflicts_with = "email_verified")]
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
        let (id, custom) = (find(work, &self.login)?.claims.id, &work.config.scope_claims);
        let event = |activity| operated(work.now, id, activity);
        match account::change_details(work.connection, id, event, |user| self.change(user, custom)) {
            Err(Error::Store(store::Error::Conflict(_))) => taken("e-mail address", self.email.as_deref().unwrap_or_default()),
            changed => {
                let Some(user) = changed? else { return refuse("the user was deleted by another process") };
                let shown = Shown::new(&user);
                format.answer(&shown, || output::fields(&shown.fields()))
            }
        }
    }

    fn change(&self, user: &mut User, custom: &ScopeClaims) -> Result<(), Error> {
        let claims = &mut user.claims;
        if let Some(name) = &self.display_name {
            claims.display_name = Some(check_display_name(name)?);
        }
        claims.display_name.take_if(|_| self.no_name);
        if let Some(email) = &self.email {
            let email = check_email(email)?;
            claims.email_verified &= email == claims.email;
            claims.email = email;
        }
        claims.email_verified = (claims.email_verified || self.email_verified) && !self.no_email_verified;
        if self.no_role {
            claims.roles.clear();
        }
        if self.no_group {
            claims.groups.clear();
        }
        self.details.give(claims, custom)
    }
}
