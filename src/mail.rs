//! E-mails leave the house: written down as mail (RFC 5322) and sent by SMTP, to a file or to standard output, as the
//! configuration says. The only importer of `lettre`. The words are `pages`', the queue and its patience the caller's.
//! Everything here blocks; by SMTP for at most a few times [`TIME`]: call it where that is allowed, with no database
//! connection in hand.

mod message_files;
mod smtp;

use std::{fmt, io::Write, path::PathBuf, time::Duration, time::UNIX_EPOCH};

use lettre::{
    Address,
    message::{
        Mailbox, Message as Mail,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use smtp::Smtp;

use crate::{
    config::{MailSettings, MailTransport, Sender},
    protocol::{registration::is_unsafe, time::Timestamp},
};

/// How long the SMTP server may take for each of its answers.
const TIME: Duration = Duration::from_secs(10);
/// The end of the year 9999 in milliseconds: the last that a date in an e-mail can be.
const LAST: u64 = 253_402_300_799_000;

/// How many characters of a subject are sent.
const LONGEST: usize = 200;

/// Sends e-mails. A clone shares the connections.
#[derive(Clone)]
pub struct Mailer {
    from: Option<Mailbox>,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Off,
    Console,
    Files(PathBuf),
    Smtp(Smtp),
}

/// An e-mail, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What makes it one e-mail however often it is sent: e-mails, digits, `-`, `_` and `.`. It becomes the left half of its
    /// Message-ID.
    pub id: String,
    /// The address it goes to.
    pub to: String,
    /// One line; characters that are none of a line become spaces.
    pub subject: String,
    /// The text, with `\n` at the ends of its lines.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A link in the text opens an account.
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why there is no mailer: the key, what came, what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailError(String);

/// Why an e-mail was not sent, told to the operator: no word of the e-mail and no password is part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It will never be: the address cannot be written, or the server refused this e-mail for good.
    #[error("{0}")]
    Permanent(String),
    /// It may be later: no connection, no login, or the server asked for patience.
    #[error("{0}")]
    Later(String),
}

impl SendError {
    /// Whether sending it again is of no use.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").finish_non_exhaustive()
    }
}

impl Mailer {
    /// Makes it ready; nothing is connected to.
    ///
    /// # Errors
    /// [`MailError`] where the sender or the certificates cannot be used.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        Self::build(settings, TIME)
    }

    fn build(settings: &MailSettings, time: Duration) -> Result<Self, MailError> {
        let from = settings.from.as_ref().map(mailbox).transpose()?;
        let way = match &settings.transport {
            MailTransport::Off => Way::Off,
            MailTransport::Console => Way::Console,
            MailTransport::File(directory) => Way::Files(directory.clone()),
            MailTransport::Smtp(smtp) => Way::Smtp(Smtp::new(smtp, time)?),
        };
        Ok(Self { from, way })
    }

    /// Whether e-mails leave at all; what needs one is not offered otherwise.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.way, Way::Off)
    }

    /// Sends an e-mail, and returns when whoever takes it has it.
    ///
    /// # Errors
    /// [`SendError`]. One that is not permanent may still have been sent: its Message-ID says that it is the same.
    pub fn send(&self, message: &Message) -> Result<(), SendError> {
        let Some(from) = &self.from else { return Err(off()) };
        let mail = write_down(from, message)?;
        match &self.way {
            Way::Off => Err(off()),
            Way::Console => {
                let mut out = std::io::stdout().lock();
                let written = out.write_all(on_a_terminal(message).as_bytes()).and_then(|()| out.flush());
                written.map_err(|error| SendError::Later(format!("standard output: {error}")))
            }
            Way::Files(directory) => message_files::write(directory, &message.id, &mail.formatted())
                .map_err(|error| SendError::Later(format!("'{}': {error}", directory.display()))),
            Way::Smtp(smtp) => smtp.send(&mail),
        }
    }
}

fn off() -> SendError {
    SendError::Later("mail is off".into())
}

fn mailbox(sender: &Sender) -> Result<Mailbox, MailError> {
    let refuse = |_| MailError(format!("mail_from: expected a valid e-mail address, received '{}'", sender.address.as_str()));
    sender.address.as_str().parse().map(|address| Mailbox::new(sender.name.as_deref().map(one_line), address)).map_err(refuse)
}

/// The e-mail as mail. Auto-Submitted (RFC 3834 §5) keeps automatic answers away.
fn write_down(from: &Mailbox, message: &Message) -> Result<Mail, SendError> {
    let permanent = |why: &str| SendError::Permanent(why.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let middle = message.id.trim_matches('.');
    if message.id.len() > 200 || middle.is_empty() || middle != message.id || !message.id.chars().all(plain) {
        return Err(permanent("the message ID: expected 1 to 200 letters, digits, '-', '_' and '.'"));
    }
    // Whatever `protocol::email_address` takes is one. What was kept before there was that rule need not be.
    let to: Address = message.to.parse().map_err(|_| permanent("invalid address: expected name@host"))?;
    let millis = u64::try_from(message.at.millis()).unwrap_or_default().min(LAST);
    let builder = Mail::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(&message.subject))
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    builder.body(message.text.clone()).map_err(|_| permanent("the message could not be encoded"))
}

/// The e-mail without what a terminal would obey.
fn on_a_terminal(message: &Message) -> String {
    let whole = format!("To: {}\nSubject: {}\n\n{}\n", message.to, one_line(&message.subject), message.text);
    whole.chars().filter(|c| *c == '\n' || !is_unsafe(*c)).collect()
}

/// A header's value: nothing in it begins another, and it does not grow without end.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().take(LONGEST).map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "mail/tests.rs"]
mod tests;
