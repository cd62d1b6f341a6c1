//! The e-mails to users, `templates/mail`: plain text, a subject and wrapped paragraphs. Names in them come from unknown callers:
//! whatever they contain, they stay on one line, are truncated, and are not turned into links. Who receives which e-mail, and how
//! it is delivered, is not decided here.

use askama::Template;

use super::CalendarTime;
use crate::protocol::account::notification::NotificationKind;

/// The line width, where words allow.
const WIDTH: usize = 72;
/// The maximum number of characters shown of a name.
const LONGEST_NAME: usize = 80;
/// The maximum number of characters shown of an e-mail address: its maximum length.
const LONGEST_ADDRESS: usize = 254;

/// The content of an e-mail.
#[derive(Debug, Clone, Copy)]
pub struct MessageFacts<'a> {
    /// The kind of e-mail.
    pub kind: NotificationKind,
    /// The host of the issuer.
    pub site: &'a str,
    /// The name of the recipient. Not shown where the address may belong to an unknown caller.
    pub name: Option<&'a str>,
    /// When it happened.
    pub when: CalendarTime,
    /// A description of the browser or program, such as "Firefox on Linux".
    pub browser: Option<&'a str>,
    /// The approximate location.
    pub place: Option<&'a str>,
    /// The network address.
    pub address: Option<&'a str>,
    /// The subject: an app's name, an e-mail address, or a username.
    pub about: Option<&'a str>,
    /// The URL of its link.
    pub link: Option<&'a str>,
    /// The lifetime of the link, in words such as "10 minutes".
    pub lasts: Option<&'a str>,
    /// The URL of the history of the grant that it is about, a page for the signed-in user.
    pub history: Option<&'a str>,
}

/// The facts, made safe for the templates.
struct Shown<'a> {
    site: &'a str,
    name: Option<String>,
    when: CalendarTime,
    browser: Option<String>,
    place: Option<String>,
    address: Option<String>,
    about: Option<String>,
    link: &'a str,
    lasts: Option<&'a str>,
    history: Option<&'a str>,
}

/// Defines the template struct of each e-mail.
macro_rules! messages {
    ($($kind:ident = $path:literal),+ $(,)?) => {
        $(
            #[derive(Template)]
            #[template(path = $path, escape = "none")]
            struct $kind<'a> {
                message: &'a Shown<'a>,
            }
        )+

        fn render(kind: NotificationKind, message: &Shown<'_>) -> askama::Result<String> {
            match kind {
                $(NotificationKind::$kind => $kind { message }.render(),)+
            }
        }
    };
}

messages! {
    NewDevice = "mail/new_device.txt",
    NewNetwork = "mail/new_network.txt",
    CredentialReused = "mail/credential_reused.txt",
    PasswordChanged = "mail/password_changed.txt",
    PasswordReset = "mail/password_reset.txt",
    PasswordTaken = "mail/password_taken.txt",
    EmailChanged = "mail/email_changed.txt",
    ConfirmEmail = "mail/confirm_email.txt",
    Reset = "mail/reset.txt",
    Register = "mail/register.txt",
    AlreadyRegistered = "mail/already_registered.txt",
    Invitation = "mail/invitation.txt",
    AuthenticatorAdded = "mail/authenticator_added.txt",
    AuthenticatorRemoved = "mail/authenticator_removed.txt",
    RecoveryCodesMade = "mail/recovery_codes_made.txt",
    RecoveryCodeUsed = "mail/recovery_code_used.txt",
    ResetPlanned = "mail/reset_planned.txt",
    ResetCancelled = "mail/reset_cancelled.txt",
    AuthenticatorsReset = "mail/authenticators_reset.txt",
}

/// The subject and the text of an e-mail.
///
/// # Errors
/// A required link is missing, or would not be a single link in the e-mail.
pub fn message(facts: &MessageFacts<'_>) -> askama::Result<(String, String)> {
    let link = facts.link.unwrap_or_default();
    let needs_none = facts.kind == NotificationKind::AlreadyRegistered || facts.kind.describes();
    if link.contains(|c: char| !c.is_ascii_graphic()) || link.is_empty() && !needs_none {
        return Err(askama::Error::custom(format!("the e-mail {:?} needs a link", facts.kind)));
    }
    let name = |text: Option<&str>| text.map(|text| tame(text, LONGEST_NAME)).filter(|text| !text.is_empty());
    let about = if facts.kind == NotificationKind::EmailChanged { LONGEST_ADDRESS } else { LONGEST_NAME };
    let shown = Shown {
        site: facts.site,
        name: name(facts.name),
        when: facts.when,
        browser: name(facts.browser),
        place: name(facts.place),
        address: name(facts.address),
        about: facts.about.map(|text| tame(text, about)).filter(|text| !text.is_empty()),
        link,
        lasts: facts.lasts,
        history: facts.history,
    };
    let text = render(facts.kind, &shown)?;
    let (subject, text) = text.trim().split_once('\n').unwrap_or_default();
    Ok((subject.trim().to_owned(), wrapped(text)))
}

#[derive(Template)]
#[template(path = "mail/test.txt", escape = "none")]
struct Test<'a> {
    site: &'a str,
    link: &'a str,
}

/// The subject and the text of an e-mail with which an operator tries whether e-mails can be sent. What looks like a link leads nowhere.
///
/// # Errors
/// Those of the template.
pub fn test_message(site: &str) -> askama::Result<(String, String)> {
    let link = format!("https://example.com/link?link={}", "0123456789".repeat(6));
    let text = Test { site, link: &link }.render()?;
    let (subject, text) = text.trim().split_once('\n').unwrap_or_default();
    Ok((subject.trim().to_owned(), wrapped(text)))
}

/// An unknown caller's text, on one line, without quotes and truncated. Where mail programs would turn it into a link, it is
/// defused: `http[:]//www[.]example[.]com`.
fn tame(text: &str, longest: usize) -> String {
    let plain: String =
        text.chars().map(|c| if c == '"' { '\'' } else { c }).map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    let mut line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(longest) {
        line.truncate(at);
        line.push('…');
    }
    let lower = line.to_lowercase();
    let like_a_link = lower.contains(":/") || lower.contains("www.") || lower.contains('/') && lower.contains('.');
    if !like_a_link {
        return line;
    }
    let mut defused = String::with_capacity(line.len() + 8);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            (':', Some('/')) => defused.push_str("[:]"),
            ('.', Some(next)) if next.is_alphanumeric() => defused.push_str("[.]"),
            _ => defused.push(c),
        }
    }
    defused
}

/// Whether the character ends a line, reorders the text beside it, or is invisible.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with each line wrapped at spaces, and at most one consecutive empty line.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        let mut current = String::new();
        for word in line.split_whitespace() {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        if !current.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(current);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
#[path = "messages_tests.rs"]
pub(super) mod tests;
