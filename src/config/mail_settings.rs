//! The types of the mail settings: how e-mails are sent, the sender, and the login. The texts of e-mails are `crate::pages`, sending
//! them `crate::mail`.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::protocol::{account::email_address::EmailAddress, secrets::sensitive::Sensitive};

/// The transport, as written in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailKind {
    /// None.
    Off,
    /// Standard output.
    Console,
    /// Files.
    File,
    /// SMTP.
    Smtp,
}

/// How the connection to the SMTP server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS after STARTTLS, which is required (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// None; for a server on this machine only.
    None,
}

impl SmtpSecurity {
    /// The usual port.
    pub(super) const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The sender of e-mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The display name.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address.as_str()),
            None => f.write_str(self.address.as_str()),
        }
    }
}

/// The password for the SMTP server, never shown to anyone else.
pub type SmtpPassword = Sensitive<String>;

/// The SMTP server and how to connect to it.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The host name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is secured.
    pub security: SmtpSecurity,
    /// User name and password, if it requires them.
    pub login: Option<(String, SmtpPassword)>,
    /// Root certificates in PEM, trusted besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

/// The transport of e-mails.
#[derive(Clone, Debug, Default)]
pub enum MailTransport {
    /// None: features that need e-mail are not offered.
    #[default]
    Off,
    /// To standard output, for development.
    Console,
    /// One file each, in this directory.
    File(PathBuf),
    /// By SMTP.
    Smtp(Box<SmtpSettings>),
}

/// The mail settings.
#[derive(Clone, Debug, Default)]
pub struct MailSettings {
    /// The transport.
    pub transport: MailTransport,
    /// The sender; always set unless the transport is off.
    pub from: Option<Sender>,
}

impl MailKind {
    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Console => "console",
            Self::File => "file",
            Self::Smtp => "smtp",
        }
    }
}

impl SmtpSecurity {
    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }
}
