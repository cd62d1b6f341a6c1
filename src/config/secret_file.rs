//! The file of the server secret: one secret per line, newest first, with `next` before one that only verifies yet. The file, the
//! data directory and the database's file are created at the first start, readable by their owner alone. How the secret is used is
//! `protocol::secrets`. Files with other secrets are read here as well.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    ConfigError, MissingSecret,
    error::{FileError, FileFlaw},
};
use crate::{
    protocol::secrets::{SecretRing, sensitive::Sensitive},
    random,
};

/// Reads the secret from the configured file, or from `data_dir/secret`, which is created if it is missing and `missing` allows it;
/// returns whether it exists.
pub fn read(configured: Option<&Path>, data_dir: &Path, missing: MissingSecret) -> Result<(SecretRing, bool), ConfigError> {
    let path = configured.map_or_else(|| data_dir.join("secret"), PathBuf::from);
    let say = |flaw: FileFlaw| FileError::new(&path, flaw).of_key("secret_file");
    let text = match fs::read_to_string(&path) {
        Ok(text) => Sensitive::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound && configured.is_none() => {
            if missing == MissingSecret::Leave {
                return SecretRing::new([random::text()])
                    .map(|ring| (ring, false))
                    .map_err(|why| ConfigError::new("secret_file", why));
            }
            make(&path, data_dir).map_err(|error| say(error.into()))?
        }
        Err(error) => return Err(say(error.into())),
    };
    private("secret_file", &path)?;
    SecretRing::new(text.expose().lines().map(str::trim).filter(|line| !line.is_empty()))
        .map(|ring| (ring, true))
        .map_err(|why| say(why.into()))
}

/// The text of a file that contains a secret, named by the setting `key`.
pub fn read_private(key: &str, path: &Path) -> Result<Sensitive<String>, ConfigError> {
    private(key, path)?;
    fs::read_to_string(path).map(Sensitive::new).map_err(|error| FileError::new(path, error).of_key(key))
}

fn private(key: &str, path: &Path) -> Result<(), ConfigError> {
    if is_open_to_others(path).map_err(|error| FileError::new(path, error).of_key(key))? {
        let why = "can be read by everyone on this machine; expected mode 0600, or 0640 where its group is meant to read it";
        return Err(ConfigError::new(key, format!("'{}' {why}", path.display())));
    }
    Ok(())
}

/// Whether users besides the file's owner and group may do anything with it.
pub fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o007 != 0)
}

/// Creates a directory accessible to its owner alone, unless it exists.
pub fn make_directory(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates an empty file readable by its owner alone, unless it exists: SQLite gives the files beside it the same mode.
pub fn make_empty(path: &Path) -> std::io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn make(path: &Path, data_dir: &Path) -> std::io::Result<Sensitive<String>> {
    make_directory(data_dir)?;
    let secret = Sensitive::new(random::text() + "\n");
    // Written whole under another name and then linked: of two processes that start at once, one wins.
    let draft = path.with_extension(random::id(crate::protocol::values::time::Timestamp::from_millis(0)).to_string());
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret.expose().as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::read_to_string(path).map(Sensitive::new),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert!(read(None, &data, MissingSecret::Leave).is_ok());
        assert!(!data.exists(), "a check writes nothing");
        assert!(read(None, &data, MissingSecret::Make).is_ok());
        let made = fs::read_to_string(data.join("secret")).unwrap();
        assert_eq!(made.trim().len(), 43);
        assert_eq!(fs::metadata(data.join("secret")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read(None, &data, MissingSecret::Make).is_ok());
        assert_eq!(fs::read_to_string(data.join("secret")).unwrap(), made, "made once");
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn open_missing_and_short_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s");
        assert!(read(Some(&file), dir.path(), MissingSecret::Make).unwrap_err().to_string().contains("secret_file"));
        fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(Some(&file), dir.path(), MissingSecret::Make).unwrap_err().to_string().contains("0600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(Some(&file), dir.path(), MissingSecret::Make).is_ok());
        fs::write(&file, "short\n").unwrap();
        assert!(read(Some(&file), dir.path(), MissingSecret::Make).unwrap_err().to_string().contains("at least 32"));
    }
}
