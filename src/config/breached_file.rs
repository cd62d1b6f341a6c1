//! A list of breached passwords in the format of Have I Been Pwned: sorted lines of an upper-case SHA-1 in hex, with or without
//! `:count`. It may have many gigabytes: it is searched in place, and opened once, at start.

use std::{
    cmp::Ordering,
    fmt, fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::FileError;
use crate::protocol::error::Invalid;

/// The hex digits of a SHA-1.
const DIGITS: usize = 40;
/// More than the length of any line, with its count and line end.
const LINE: usize = 128;

/// The opened list.
#[derive(Clone)]
pub struct BreachedFile {
    path: PathBuf,
    file: Arc<fs::File>,
    /// The file size when it was opened, in bytes.
    length: u64,
}

/// A line of the list.
struct Line {
    /// The offset at which it begins.
    start: u64,
    digits: [u8; DIGITS],
}

impl BreachedFile {
    /// Opens the list and checks three of its lines.
    ///
    /// # Errors
    /// The expected format, with the file's name.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let say = |error: io::Error| FileError::new(path, error);
        let file = fs::File::open(path).map_err(say)?;
        let length = file.metadata().map_err(say)?.len();
        let list = Self { path: path.to_owned(), file: Arc::new(file), length };
        let mut before: Option<[u8; DIGITS]> = None;
        for at in [0, length / 2, (length / 2).max(length.saturating_sub(LINE as u64))] {
            let Some(line) = list.line_from(at).map_err(say)? else { continue };
            if before.is_some_and(|before| before > line.digits) {
                return Err(FileError::new(path, Invalid::from("expected its lines in ascending order")));
            }
            before = Some(line.digits);
        }
        if before.is_some() { Ok(list) } else { Err(say(malformed())) }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this SHA-1 (40 upper-case hex digits) is in the list. Reads the file some forty times: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// When the file cannot be read, or is not such a list.
    pub fn contains(&self, sha1: &str) -> io::Result<bool> {
        // The searched line begins in [low, high), if there is one.
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)? {
                Some(line) if line.start < high => match line.digits.as_slice().cmp(sha1.as_bytes()) {
                    Ordering::Equal => return Ok(true),
                    Ordering::Less => low = line.start + 1,
                    Ordering::Greater => high = middle,
                },
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that begins at or after this offset.
    fn line_from(&self, at: u64) -> io::Result<Option<Line>> {
        let mut start = at;
        if let Some(before) = at.checked_sub(1) {
            let (buffer, read) = self.read(before)?;
            match buffer.iter().take(read).position(|byte| *byte == b'\n') {
                Some(end) => start = at + end as u64,
                None if before + (read as u64) < self.length => return Err(malformed()),
                None => return Ok(None),
            }
        }
        if start >= self.length {
            return Ok(None);
        }
        let (buffer, read) = self.read(start)?;
        let line = buffer.get(..read).unwrap_or_default();
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_first_chunk::<DIGITS>().ok_or_else(malformed)?;
        let is_count =
            |rest: &[u8]| rest.split_first().is_none_or(|(colon, n)| *colon == b':' && n.iter().all(u8::is_ascii_digit));
        let is_hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
        if is_hex && is_count(rest) { Ok(Some(Line { start, digits: *digits })) } else { Err(malformed()) }
    }

    fn read(&self, at: u64) -> io::Result<([u8; LINE], usize)> {
        let mut buffer = [0; LINE];
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok((buffer, read))
    }
}

fn malformed() -> io::Error {
    io::Error::other("expected lines of an upper-case SHA-1 in hex, each with ':' and a count or without, sorted")
}

impl fmt::Debug for BreachedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BreachedFile({})", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<BreachedFile, FileError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        BreachedFile::open(file.path()) // stays open after the name is removed
    }

    fn digits(n: usize) -> String {
        format!("{:040X}", n * 7)
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for end in ["\n", "\r\n", ":3\n", ":12345678\r\n"] {
            for count in [1, 2, 3, 10, 101] {
                let text: String = (0..count).map(|n| digits(n) + end).collect();
                for text in [text.as_str(), text.trim_end()] {
                    let list = list(text).unwrap();
                    for n in 0..count {
                        assert!(list.contains(&digits(n)).unwrap(), "{n} of {count} with {end:?}");
                    }
                    for absent in [format!("{:040X}", 1), format!("{:040X}", (count - 1) * 7 + 1), "F".repeat(40)] {
                        assert!(!list.contains(&absent).unwrap(), "{absent} of {count} with {end:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn another_file_is_refused_at_start() {
        let lower = digits(1_000_003).to_lowercase();
        let unsorted = format!("{}\n{}\n{}\n", "F".repeat(40), "E".repeat(40), "A".repeat(40));
        for (text, words) in [
            ("", "SHA-1 in hex"),
            ("password\n", "SHA-1 in hex"),
            (lower.as_str(), "SHA-1 in hex"),
            (&"A".repeat(41), "SHA-1 in hex"),
            (&"A".repeat(4000), "SHA-1 in hex"),
            (&format!("{}:many\n", "A".repeat(40)), "SHA-1 in hex"),
            (&unsorted, "ascending"),
        ] {
            let why = list(text).unwrap_err().to_string();
            assert!(why.contains(words), "{text}: {why}");
        }
        assert!(BreachedFile::open(Path::new("absent.txt")).unwrap_err().to_string().contains("'absent.txt'"));
    }

    #[test]
    fn a_line_of_another_form_is_an_error_and_not_an_answer() {
        let mut lines: Vec<_> = (0..100).map(digits).collect();
        lines[25] = "x".repeat(40);
        let list = list(&(lines.join("\n") + "\n")).unwrap();
        assert!(list.contains(&digits(25)).is_err());
        assert!(list.contains(&digits(75)).unwrap());
    }
}
