//! E-mail by SMTP (RFC 5321), and the meaning of the server's replies for an e-mail. Connections are kept for a minute and shared.

use std::{error::Error as _, io, time::Duration};

use lettre::{
    SmtpTransport, Transport,
    message::Message as Mail,
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        response::Category,
    },
};

use super::{MailError, SendError};
use crate::{
    config::{OutboundSettings, SmtpSecurity, SmtpSettings},
    protocol::{secrets::sensitive::Sensitive, values::plain_text::is_unsafe},
};

/// The maximum number of characters reported of a server's reply.
const REPORTED: usize = 200;

/// An SMTP server.
#[derive(Clone)]
pub struct Smtp {
    transport: SmtpTransport,
    place: String,
    /// The password, to be redacted should the server repeat it.
    secret: Option<Sensitive<String>>,
}

impl Smtp {
    /// Prepares the connection pool; nothing is connected to.
    pub fn new(settings: &SmtpSettings, time: Duration) -> Result<Self, MailError> {
        let tls = match settings.security {
            SmtpSecurity::None => Tls::None,
            SmtpSecurity::StartTls => Tls::Required(parameters(settings)?),
            SmtpSecurity::Tls => Tls::Wrapper(parameters(settings)?),
        };
        let builder = SmtpTransport::builder_dangerous(&settings.host).port(settings.port).tls(tls).timeout(Some(time));
        let builder = match &settings.login {
            Some((username, password)) => builder.credentials(Credentials::new(username.clone(), password.expose().clone())),
            None => builder,
        };
        Ok(Self {
            transport: builder.build(),
            place: format!("{}:{}", settings.host, settings.port),
            secret: settings.login.as_ref().map(|(_, password)| password.clone()),
        })
    }

    /// Sends an e-mail.
    pub fn send(&self, mail: &Mail) -> Result<(), SendError> {
        // Tested apart from the e-mail: a failing connection or login says nothing about the e-mail.
        match self.transport.test_connection() {
            Ok(true) => (),
            Ok(false) => return Err(SendError::Later(format!("{}: the connection was closed", self.place))),
            Err(error) => return Err(SendError::Later(self.tell(&error))),
        }
        match self.transport.send(mail) {
            Ok(_) => Ok(()),
            Err(error) if is_final(&error, mail) => Err(SendError::Permanent(self.tell(&error))),
            Err(error) => Err(SendError::Later(self.tell(&error))),
        }
    }

    /// The error in one line. Parts of the server's reply that may contain a piece of the e-mail are left out.
    fn tell(&self, error: &Error) -> String {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let kept = said.split(|c: char| c.is_whitespace() || is_unsafe(c)).filter(|word| !word.is_empty());
        let plain = |word: &&str| word.len() <= 60 && !word.contains("://") && !word.contains("sym_");
        let said = kept.filter(plain).collect::<Vec<_>>().join(" ");
        let is_secret = self.secret.as_ref().is_some_and(|secret| said.contains(secret.expose().as_str()));
        let said: String = if is_secret { String::new() } else { said.chars().take(REPORTED).collect() };
        let what = match error.status() {
            Some(code) => format!("answered {code}"),
            None if is_timeout(error) => return format!("{}: no response in time", self.place),
            None if error.is_tls() => "TLS".to_owned(),
            None => "no connection".to_owned(),
        };
        format!("{}: {what}{}{said}", self.place, if said.is_empty() { "" } else { ": " })
    }
}

/// RFC 5321 §4.2.1: a 5yz reply is permanent. Those about the mail system (x5z) concern this e-mail, and so does 501, a path that
/// cannot be parsed; others (commands, login, encryption: RFC 4954 §6, RFC 3207 §4) are for the operator to fix. An address beyond
/// ASCII needs a server that supports it.
fn is_final(error: &Error, mail: &Mail) -> bool {
    if let Some(code) = error.status() {
        return error.is_permanent() && (code.category == Category::MailSystem || u16::from(code) == 501);
    }
    error.is_client() && !mail.envelope().to().iter().all(|to| to.to_string().is_ascii())
}

/// Where a socket has a timeout, Linux reports it as "would block".
fn is_timeout(error: &Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|error| [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock].contains(&error.kind()))
}

fn parameters(settings: &SmtpSettings) -> Result<TlsParameters, MailError> {
    let refuse = |error: &dyn std::fmt::Display| MailError(format!("smtp_ca_file: {error}"));
    let pem = OutboundSettings { ca_pem: settings.ca_pem.clone(), ..OutboundSettings::default() };
    let mut builder = TlsParameters::builder(settings.host.clone());
    for certificate in pem.certificates().map_err(|error| refuse(&error))? {
        let own = Certificate::from_der(certificate.to_vec()).map_err(|error| refuse(&error))?;
        builder = builder.add_root_certificate(own);
    }
    builder.build().map_err(|error| refuse(&error))
}
