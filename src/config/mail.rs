//! Reads the mail settings, whose types are `mail_settings`.

use std::{fs, net::IpAddr, path::Path};

use super::{
    ConfigError, FileError, OutboundSettings, Settings, bad,
    environment::variable,
    mail_settings::{MailKind, MailSettings, MailTransport, Sender, SmtpPassword, SmtpSecurity, SmtpSettings},
    secret_file,
};
use crate::protocol::{
    account::email_address::EmailAddress,
    values::plain_text::{is_unsafe, one_line},
};

impl MailSettings {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        only_where_meant(settings)?;
        let from = settings.mail_from.as_deref().map(sender).transpose()?;
        if from.is_none() && settings.mail != MailKind::Off {
            return Err(missing("mail_from", "the sender, such as Example <no-reply@example.com>"));
        }
        let transport = match settings.mail {
            MailKind::Off => MailTransport::Off,
            MailKind::Console => MailTransport::Console,
            MailKind::File => {
                MailTransport::File(settings.mail_directory.clone().unwrap_or_else(|| settings.data_dir.join("mail")))
            }
            MailKind::Smtp => MailTransport::Smtp(Box::new(smtp(settings)?)),
        };
        Ok(Self { transport, from })
    }
}

/// Refuses a key that has no effect with the chosen `mail`, instead of ignoring it.
fn only_where_meant(settings: &Settings) -> Result<(), ConfigError> {
    let smtp = [
        ("smtp_host", settings.smtp_host.is_some()),
        ("smtp_port", settings.smtp_port.is_some()),
        ("smtp_security", settings.smtp_security.is_some()),
        ("smtp_username", settings.smtp_username.is_some()),
        ("SYMBOLON_SMTP_PASSWORD", settings.smtp_password.is_some()),
        ("smtp_password_file", settings.smtp_password_file.is_some()),
        ("smtp_ca_file", settings.smtp_ca_file.is_some()),
    ];
    let of = |kind: MailKind, keys: &[(&'static str, bool)]| {
        let stray = keys.iter().find(|(_, given)| *given && settings.mail != kind);
        stray.map(|(key, _)| (*key, kind))
    };
    match of(MailKind::Smtp, &smtp).or_else(|| of(MailKind::File, &[("mail_directory", settings.mail_directory.is_some())])) {
        Some((key, kind)) => {
            let why = format!("expected mail = \"{}\" with it; received mail = \"{}\"", kind.name(), settings.mail.name());
            Err(ConfigError::new(key, why))
        }
        None => Ok(()),
    }
}

fn missing(key: &str, what: &str) -> ConfigError {
    ConfigError::new(key, format!("expected {what}; received none"))
}

fn smtp(settings: &Settings) -> Result<SmtpSettings, ConfigError> {
    let host = settings.smtp_host.clone().ok_or_else(|| missing("smtp_host", "the SMTP server, such as smtp.example.com"))?;
    let named = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || !host.chars().all(named) || host.contains(':') && host.parse::<IpAddr>().is_err() {
        return Err(bad("smtp_host", &host, "expected a host name or IP address alone; the port is smtp_port"));
    }
    let security = settings.smtp_security.unwrap_or(SmtpSecurity::StartTls);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if security == SmtpSecurity::None && !loopback {
        return Err(bad("smtp_security", "none", "expected starttls or tls: plain text does not leave the machine"));
    }
    if security == SmtpSecurity::None && settings.smtp_ca_file.is_some() {
        return Err(bad("smtp_ca_file", "a file", "expected none with smtp_security = \"none\""));
    }
    let port = settings.smtp_port.unwrap_or_else(|| security.port());
    if port == 0 {
        return Err(bad("smtp_port", "0", "expected 1 to 65535"));
    }
    let ca = settings.smtp_ca_file.as_deref().map(certificates).transpose()?;
    Ok(SmtpSettings { host, port, security, login: login(settings)?, ca_pem: ca })
}

fn login(settings: &Settings) -> Result<Option<(String, SmtpPassword)>, ConfigError> {
    let password = match (&settings.smtp_password, &settings.smtp_password_file) {
        (Some(password), _) => Some(password.clone()), // as with the server secret, the variable takes precedence over the file
        (None, Some(path)) => Some(password_file(path)?),
        (None, None) => None,
    };
    match (&settings.smtp_username, password) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing("smtp_username", "SYMBOLON_SMTP_PASSWORD or smtp_password_file with it")),
        (None, Some(_)) => Err(missing("smtp_username", "the user name that the password belongs to")),
        (Some(username), Some(_)) if username.is_empty() || username.contains(is_unsafe) => {
            Err(bad("smtp_username", &one_line(username), "expected text without control characters"))
        }
        (Some(_), Some(password)) if password.expose().is_empty() || password.expose().contains(is_unsafe) => {
            let name = settings.smtp_password.as_ref().map_or("smtp_password_file".into(), |_| variable("smtp_password"));
            Err(ConfigError::new(name, "expected one line of text without control characters"))
        }
        (Some(username), Some(password)) => Ok(Some((username.clone(), password))),
    }
}

fn password_file(path: &Path) -> Result<SmtpPassword, ConfigError> {
    let text = secret_file::read_private("smtp_password_file", path)?;
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}

fn certificates(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let say = |error: FileError| error.of_key("smtp_ca_file");
    let pem = fs::read(path).map_err(|error| say(FileError::new(path, error)))?;
    let read = OutboundSettings { ca_pem: Some(pem.clone()), ..OutboundSettings::default() };
    read.certificates().map_err(|why| say(FileError::new(path, why)))?;
    Ok(pem)
}

/// `Name <address>`, or the address alone.
fn sender(text: &str) -> Result<Sender, ConfigError> {
    let refuse = || {
        Err(bad(
            "mail_from",
            &one_line(text),
            "expected one address, such as no-reply@example.com or Example <no-reply@example.com>",
        ))
    };
    let (name, address) = match text.trim().strip_suffix('>').map(|text| text.split_once('<')) {
        Some(Some((name, address))) => (name.trim().trim_matches('"'), address),
        Some(None) => return refuse(),
        None => ("", text.trim()),
    };
    // A sender whose address is not ASCII would need an SMTP server with SMTPUTF8 for every e-mail.
    let address = EmailAddress::parse(address).filter(EmailAddress::is_ascii);
    let Some(address) = address.filter(|_| !name.contains(|c: char| is_unsafe(c) || "<>\"".contains(c)) && name.len() <= 100)
    else {
        return refuse();
    };
    Ok(Sender { name: (!name.is_empty()).then(|| name.to_owned()), address })
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
