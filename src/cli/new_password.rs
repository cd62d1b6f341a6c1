//! Reads a new password: the first line of standard input, or twice from the terminal without showing it. It
//! never stands in an argument, where every process of the machine could read it.

use std::io::{BufRead, IsTerminal};

use super::{Error, refuse};
use crate::passwords::{self, MAX_LENGTH};

/// Reads and checks the new password of `username`.
pub fn read(username: &str, from_stdin: bool) -> Result<String, Error> {
    let stdin = std::io::stdin();
    let password = if from_stdin {
        first_line(stdin.lock())?
    } else if stdin.is_terminal() {
        twice(username)?
    } else {
        return refuse("password: expected a terminal to ask for it on, or --password-stdin");
    };
    passwords::check_new(&password)?;
    Ok(password)
}

fn twice(username: &str) -> Result<String, Error> {
    let ask = |prompt: String| rpassword::prompt_password(prompt).map_err(|error| Error::Refused(format!("password: {error}")));
    let password = ask(format!("New password of {}: ", super::output::clean(username)))?;
    passwords::check_new(&password)?;
    if ask("The same again: ".into())? != password {
        return refuse("password: expected the same twice, received two");
    }
    Ok(password)
}

/// The first line without its end; of a longer one no more than shows that it is too long.
fn first_line(input: impl BufRead) -> Result<String, Error> {
    let mut line = Vec::new();
    let most = u64::try_from(MAX_LENGTH).unwrap_or(u64::MAX).saturating_add(3);
    input.take(most).read_until(b'\n', &mut line).map_err(|error| format!("password: {error}"))?;
    let Ok(line) = String::from_utf8(line) else { return refuse("password: expected UTF-8") };
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_as_it_stands() {
        let read = |bytes: &[u8]| first_line(bytes).map_err(|error| error.to_string());
        assert_eq!(read(b" open sesame \nmore\n").as_deref(), Ok(" open sesame "));
        assert_eq!(read(b"open sesame\r\n").as_deref(), Ok("open sesame"));
        assert_eq!(read(b"open sesame").as_deref(), Ok("open sesame"));
        assert_eq!(read(b"").as_deref(), Ok(""));
        assert!(read(b"\xff\xfe12345678\n").unwrap_err().contains("UTF-8"));
        let long = read(&b"x".repeat(1 << 20)).unwrap();
        assert!(passwords::check_new(&long).unwrap_err().contains("at most"));
    }
}
