//! A file named on the command line: a client's public keys, read whole, or users to import, line by line.

use std::{
    fs,
    io::{BufRead, BufReader, Read, stdin},
    path::Path,
};

use super::FileError;
use crate::protocol::error::Invalid;

/// The maximum size in bytes: the same as for a `jwks_uri`.
const MAX_BYTES: u64 = 64 * 1024;

/// The file's text; that of standard input for the name `-`.
///
/// # Errors
/// The reason, with the file's name.
pub fn read(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let file: Box<dyn Read> = if path == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        Box::new(fs::File::open(path).map_err(|error| FileError::new(path, error))?)
    };
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| FileError::new(path, error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::new(path, Invalid::from("expected at most 64 KiB")));
    }
    String::from_utf8(without_mark(&bytes).to_vec()).map_err(|_| FileError::new(path, Invalid::from("expected text in UTF-8")))
}

/// Without the byte order mark with which some editors begin a file.
#[must_use]
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// The file's lines; those of standard input for the name `-`.
///
/// # Errors
/// The reason why it cannot be opened, with its name.
pub fn lines(path: &Path) -> Result<Box<dyn BufRead>, FileError> {
    if path == Path::new("-") {
        return Ok(Box::new(stdin().lock()));
    }
    let file = fs::File::open(path).map_err(|error| FileError::new(path, error))?;
    Ok(Box::new(BufReader::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.json");
        assert!(read(&file).unwrap_err().to_string().contains("keys.json"));
        for (bytes, words) in [(vec![b' '; 64 * 1024 + 1], "at most 64 KiB"), (vec![0xff], "UTF-8")] {
            fs::write(&file, bytes).unwrap();
            assert!(read(&file).unwrap_err().to_string().contains(words));
        }
        fs::write(&file, "\u{feff}{}").unwrap();
        assert_eq!(read(&file).unwrap(), "{}", "without a byte order mark");
        fs::write(&file, vec![b' '; 64 * 1024]).unwrap();
        assert_eq!(read(&file).unwrap().len(), 64 * 1024);
    }
}
