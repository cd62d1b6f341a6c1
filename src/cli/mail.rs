//! `symbolon mail`: whether e-mails can be sent, tried with one of them. It needs no database.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer,
    output::{self, Format},
    refuse,
};
use crate::{
    clock::Clock,
    config::{Config, MailTransport},
    mail::{Mailer, Message, SendError},
    operations::details,
    pages, random,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a test e-mail as the server would, and say what happened
    #[command(
        long_about = "Send a test e-mail as the server would, with the configured transport and sender.\n\nThe exit status is 0 if it \
                            was accepted; otherwise the output says what the mail server answered, or why it could not be reached."
    )]
    Test {
        /// The recipient
        #[arg(value_name = "ADDRESS")]
        address: String,
        #[command(flatten)]
        format: Format,
    },
}

/// A test e-mail that was accepted.
#[derive(Serialize)]
struct Sent {
    to: String,
    by: String,
}

impl Command {
    pub fn run(self, config: &Config) -> Answer {
        let Self::Test { address, format } = self;
        let to = details::email(&address)?;
        let by = match &config.mail.transport {
            MailTransport::Off => {
                return refuse(
                    "mail is off: expected mail = \"smtp\", \"file\" or \"console\" in the configuration (docs/configuration.md)",
                );
            }
            MailTransport::Console => "standard output".to_owned(),
            MailTransport::File(directory) => format!("a file in {}", directory.display()),
            MailTransport::Smtp(smtp) => format!("{}:{}", smtp.host, smtp.port),
        };
        let now = Clock::system().now();
        let (subject, text) = pages::test_message(config.issuer.host()).map_err(|error| error.to_string())?;
        let message = Message { id: random::id(now).to_string(), to: to.clone(), subject, text, at: now };
        let mailer = Mailer::new(&config.mail).map_err(|error| error.to_string())?;
        if let Err(error) = mailer.send(&message) {
            let what = match &error {
                SendError::Permanent(_) => "the e-mail was rejected",
                SendError::Later(_) => "the e-mail was not sent",
            };
            return refuse(format!("{what}: {error}{}", advice(config, &error)));
        }
        let sent = Sent { to, by };
        format.answer(&sent, || output::clean(&format!("sent a test e-mail to {} by {}", sent.to, sent.by)) + "\n")
    }
}

/// What usually helps.
fn advice(config: &Config, error: &SendError) -> &'static str {
    let MailTransport::Smtp(smtp) = &config.mail.transport else { return "" };
    let said = error.to_string();
    let answered = |code: &str| said.contains(&format!("answered {code}"));
    if answered("535") || answered("534") {
        " (the server refused smtp_username or the password)"
    } else if answered("530") || smtp.login.is_none() && ["5.7.", "relay", "authenticat"].iter().any(|sign| said.contains(sign)) {
        " (the server may require smtp_username and a password)"
    } else if said.contains("InvalidContentType") || said.contains("STARTTLS is not supported") {
        " (smtp_security does not fit this port: 465 is usually for tls, 587 for starttls)"
    } else if said.contains("No compatible authentication mechanism") {
        " (the server takes no password over this connection: try smtp_security = \"starttls\" or \"tls\", or no smtp_username)"
    } else if said.contains("no response in time") {
        " (is smtp_port the right one for smtp_security? 465 is for tls, 587 for starttls)"
    } else if said.contains(": TLS") {
        " (smtp_host must be a name in the server's certificate, and the authority that signed it a public one, or smtp_ca_file)"
    } else if said.contains("no connection") {
        " (check smtp_host and smtp_port, and whether a firewall lets this machine connect there)"
    } else {
        ""
    }
}
