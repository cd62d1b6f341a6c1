//! Outgoing e-mail: formats messages (RFC 5322) and sends them by SMTP, to a file or to standard output, as configured. The only
//! importer of `lettre`. The texts are `pages`', queueing and retrying the caller's. Everything here blocks; SMTP for at most a few
//! times [`TIME`]: call it where blocking is allowed, without holding a database connection.

mod message_files;
mod smtp;

use std::{fmt, io::Write, path::PathBuf, time::Duration, time::UNIX_EPOCH};

use lettre::{
    Address,
    message::{
        Body, Mailbox, Message as Mail,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use smtp::Smtp;

use crate::{
    config::{MailSettings, MailTransport, Sender},
    protocol::values::{plain_text::is_unsafe, time::Timestamp},
};

/// The timeout for each response of the SMTP server.
const TIME: Duration = Duration::from_secs(10);
/// The end of the year 9999 in milliseconds: the latest date that an e-mail can carry.
const LAST: u64 = 253_402_300_799_000;

/// The maximum length of a line in bytes (RFC 5322 §2.1.1).
const LONGEST_LINE: usize = 998;

/// The maximum length of a subject, in characters.
const LONGEST: usize = 200;

/// Sends e-mails. Clones share the connections.
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

/// An e-mail to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The identity of the e-mail, the same at each attempt: letters, digits, `-`, `_` and `.`. It becomes the left part of its
    /// Message-ID.
    pub id: String,
    /// The recipient's address.
    pub to: String,
    /// One line; characters not allowed in a line become spaces.
    pub subject: String,
    /// The text, with `\n` as line ends.
    pub text: String,
    /// The date of the e-mail.
    pub at: Timestamp,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may contain a link that opens an account.
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The reason why there is no mailer: the key, the received value, the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailError(String);

/// The reason why an e-mail was not sent, for the operator: it contains nothing of the e-mail, and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Permanent: the address is invalid, or the server rejected this e-mail for good.
    #[error("{0}")]
    Permanent(String),
    /// Temporary: no connection, no login, or the server deferred the e-mail.
    #[error("{0}")]
    Later(String),
}

#[cfg(feature = "testing")]
impl SendError {
    /// Whether a retry is pointless.
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
    /// Prepares the mailer; nothing is connected to.
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

    /// Whether e-mails are sent at all; features that need e-mail are not offered otherwise.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.way, Way::Off)
    }

    /// Sends an e-mail, and returns when the server, file or output has accepted it.
    ///
    /// # Errors
    /// [`SendError`]. After a temporary one the e-mail may still have been sent: its Message-ID identifies a duplicate.
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
            Way::Files(directory) => message_files::write(directory, &message.id, &write_plainly(from, message)?.formatted())
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

/// The e-mail in its wire format.
fn write_down(from: &Mailbox, message: &Message) -> Result<Mail, SendError> {
    let plain = plain(&message.text).filter(|body| body.encoding() == ContentTransferEncoding::SevenBit);
    written(from, message, plain.unwrap_or_else(|| Body::new(message.text.clone())))
}

/// The e-mail for a file: its text as it is also beyond ASCII, where SMTP would need a server that takes it.
fn write_plainly(from: &Mailbox, message: &Message) -> Result<Mail, SendError> {
    written(from, message, plain(&message.text).unwrap_or_else(|| Body::new(message.text.clone())))
}

/// The text as it is, so that a link stays in one piece, unless a line is longer than an e-mail allows. `lettre` would encode lines of
/// more than 76 characters, as links are.
fn plain(text: &str) -> Option<Body> {
    let encoding = if text.is_ascii() { ContentTransferEncoding::SevenBit } else { ContentTransferEncoding::EightBit };
    let is_plain = !text.contains(['\0', '\r']) && text.split('\n').all(|line| line.len() <= LONGEST_LINE);
    is_plain.then(|| Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), encoding))
}

/// The e-mail with this body. Auto-Submitted (RFC 3834 §5) suppresses automatic replies.
fn written(from: &Mailbox, message: &Message, body: Body) -> Result<Mail, SendError> {
    let permanent = |why: &str| SendError::Permanent(why.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let middle = message.id.trim_matches('.');
    if message.id.len() > 200 || middle.is_empty() || middle != message.id || !message.id.chars().all(plain) {
        return Err(permanent("the message ID: expected 1 to 200 letters, digits, '-', '_' and '.'"));
    }
    // Every address accepted by `protocol::account::email_address` is valid here. An address stored before that rule existed need not be.
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
    builder.body(body).map_err(|_| permanent("the message could not be encoded"))
}

/// The e-mail without characters that control a terminal.
fn on_a_terminal(message: &Message) -> String {
    let whole = format!("To: {}\nSubject: {}\n\n{}\n", message.to, one_line(&message.subject), message.text);
    whole.chars().filter(|c| *c == '\n' || !is_unsafe(*c)).collect()
}

/// A header value: it cannot start another header, and its length is bounded.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().take(LONGEST).map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "mail/tests.rs"]
mod tests;
