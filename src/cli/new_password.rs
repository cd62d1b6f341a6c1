//! Reading a new password: the first line of standard input, or twice from the terminal without echo. Never an argument, which
//! every process on the machine could read.

use std::io::{BufRead, IsTerminal};

use super::{Error, refuse};
use crate::{
    passwords::{MAX_LENGTH, rules::Rules},
    protocol::{account::user::User, secrets::sensitive::Sensitive},
};

/// The maximum bytes read of a line: a longer password is too long even if composing it (NFC) shrinks it to a third.
const READ: usize = 4 * MAX_LENGTH;

/// Reads and checks the new password of a user.
pub fn read(rules: &Rules, user: &User, from_stdin: bool) -> Result<Sensitive<String>, Error> {
    let stdin = std::io::stdin();
    let password = if from_stdin {
        first_line(stdin.lock())?
    } else if stdin.is_terminal() {
        twice(rules, user)?
    } else {
        return refuse("password: expected a terminal or --password-stdin");
    };
    check(rules, user, password.expose())?;
    Ok(password)
}

fn check(rules: &Rules, user: &User, password: &str) -> Result<(), Error> {
    let context = [user.username.as_str(), &user.email, user.display_name.as_deref().unwrap_or_default()];
    rules.check(password, &context).map_err(|flaw| Error::Refused(flaw.to_string()))
}

fn twice(rules: &Rules, user: &User) -> Result<Sensitive<String>, Error> {
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt).map(Sensitive::new).map_err(|error| Error::Refused(format!("password: {error}")))
    };
    let password = ask(format!("New password for {}: ", super::output::clean(&user.username)))?;
    check(rules, user, password.expose())?;
    if ask("Repeat password: ".into())? != password {
        return refuse("the passwords do not match");
    }
    Ok(password)
}

/// The first line without its line end; of a longer line only as much as shows that it is too long.
fn first_line(input: impl BufRead) -> Result<Sensitive<String>, Error> {
    let mut line = Sensitive::new(Vec::with_capacity(READ));
    input.take(READ as u64).read_until(b'\n', line.expose_mut()).map_err(|error| format!("password: {error}"))?;
    let Ok(line) = str::from_utf8(line.expose()) else { return refuse("password: expected UTF-8") };
    let line = line.strip_suffix('\n').unwrap_or(line);
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_as_it_stands() {
        let read = |bytes: &[u8]| first_line(bytes).map(|line| line.expose().clone()).map_err(|error| error.to_string());
        assert_eq!(read(b" open sesame \nmore\n").as_deref(), Ok(" open sesame "));
        assert_eq!(read(b"open sesame\r\n").as_deref(), Ok("open sesame"));
        assert_eq!(read(b"open sesame").as_deref(), Ok("open sesame"));
        assert_eq!(read(b"").as_deref(), Ok(""));
        assert!(read(b"\xff\xfe12345678\n").unwrap_err().contains("UTF-8"));
        let long = read(&b"x".repeat(1 << 20)).unwrap();
        assert_eq!(long.len(), READ);
    }
}
