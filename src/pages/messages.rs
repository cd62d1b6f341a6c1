//! What users are sent by mail, `templates/mail`: plain text, a subject and paragraphs, wrapped. Names in it are those of
//! unknown callers: whatever they hold, they stay in one line, are cut, and are not taken for a link. Which e-mail goes to whom, and
//! how it gets there, is not decided here.

use askama::Template;

use super::CalendarTime;
use crate::protocol::notification::NotificationKind;

/// How long a line is, where words allow.
const WIDTH: usize = 72;
/// How many characters of a name are shown.
const LONGEST_NAME: usize = 80;
/// How many characters of an e-mail address are shown: all that it can have.
const LONGEST_ADDRESS: usize = 254;

/// What an e-mail says.
#[derive(Debug, Clone, Copy)]
pub struct MessageFacts<'a> {
    /// Which e-mail.
    pub kind: NotificationKind,
    /// The host of the issuer.
    pub site: &'a str,
    /// The name of whom it is to. Not shown where the address may be an unknown caller's.
    pub name: Option<&'a str>,
    /// When it happened.
    pub when: CalendarTime,
    /// The browser or program in words, such as "Firefox on Linux".
    pub browser: Option<&'a str>,
    /// The place, coarsely.
    pub place: Option<&'a str>,
    /// The network address.
    pub address: Option<&'a str>,
    /// What it is about: an app's name, an e-mail address, a user name.
    pub about: Option<&'a str>,
    /// The URL of the link in it.
    pub link: Option<&'a str>,
    /// How long that is good, in words such as "10 minutes".
    pub lasts: Option<&'a str>,
}

/// The facts as the templates may show them.
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
}

/// The struct of an e-mail's template.
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
    AddressChanged = "mail/address_changed.txt",
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
}

/// The subject and the text of an e-mail.
///
/// # Errors
/// Where a link is needed and there is none, or it would not be one link in the e-mail.
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
    };
    let text = render(facts.kind, &shown)?;
    let (subject, text) = text.trim().split_once('\n').unwrap_or_default();
    Ok((subject.trim().to_owned(), wrapped(text)))
}

/// An unknown caller's text in one line, without quotes of its own, cut. Where programs would make a link of it, it is written so that
/// they do not: `http[:]//www[.]example[.]com`.
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

/// What ends a line, reorders what stands beside it, or is not seen itself.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Each line broken at spaces, and at most one empty line in a row.
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
