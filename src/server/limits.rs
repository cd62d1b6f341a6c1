//! The limit on open files, raised as far as the system allows, and the number of connections that fit below it beside the
//! database, files and outgoing calls.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Config, ConnectionSettings};

/// Open files reserved for everything but callers and the database: standard output and error, listeners, the threads' event loops,
/// files being read, calls to clients' servers, mail.
const OTHER_FILES: u64 = 128;
/// Open files per database connection: for SQLite the file itself, its write-ahead log, the log's index, and at times a journal.
const FILES_OF_A_CONNECTION: u64 = 4;
/// The default limit per address: enough for an office behind one address, with six connections per browser, and at most a quarter
/// of all, so that one address leaves room for others whatever the limits are.
const DEFAULT_OF_ONE_ADDRESS: usize = 512;

/// Raises the limit of open files to the maximum for this process. The initial limit, usually 1,024, is kept low for programs that
/// use `select`, and this one does not.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, limit.current, limit.maximum, "could not raise the limit of open files");
    }
}

/// The limit of open files; `None` if unlimited.
#[must_use]
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The limits on open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In total.
    pub in_all: usize,
    /// Per address.
    pub of_one_address: usize,
}

impl Bounds {
    /// The configured limits, reduced to fit the limit of open files.
    #[must_use]
    pub fn of(config: &Config, open_files: Option<u64>) -> Self {
        Self::within(config.connections, config.database_pool_size, open_files)
    }

    fn within(settings: ConnectionSettings, pool_size: u32, open_files: Option<u64>) -> Self {
        let kept = OTHER_FILES + FILES_OF_A_CONNECTION * u64::from(pool_size);
        // If the limit is so low that nothing would be left, half of the files serve callers all the same.
        let room = open_files.map_or(u64::MAX, |files| files.saturating_sub(kept).max(files / 2));
        let in_all = usize::try_from(room.min(settings.in_all.into())).unwrap_or(usize::MAX).max(1);
        let of_one_address = match settings.of_one_address {
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX).min(in_all),
            None => DEFAULT_OF_ONE_ADDRESS.min(in_all / 4),
        };
        Self { in_all, of_one_address: of_one_address.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_below_the_limit_of_open_files() {
        let settings = |in_all, of_one_address| ConnectionSettings { in_all, of_one_address };
        for (settings, open_files, expected) in [
            (settings(10_000, None), None, (10_000, 512)),
            (settings(10_000, None), Some(524_288), (10_000, 512)),
            (settings(10_000, None), Some(1024), (864, 216)),
            (settings(10_000, None), Some(256), (128, 32)),
            (settings(10_000, None), Some(0), (1, 1)),
            (settings(500, None), Some(1024), (500, 125)),
            (settings(10_000, Some(5000)), Some(524_288), (10_000, 5000)),
            (settings(10_000, Some(5000)), Some(1024), (864, 864)),
            (settings(10_000, Some(1)), Some(1024), (864, 1)),
        ] {
            let bounds = Bounds::within(settings, 8, open_files);
            assert_eq!((bounds.in_all, bounds.of_one_address), expected, "{settings:?} {open_files:?}");
        }
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        raise();
        assert_eq!(open_files(), getrlimit(Resource::Nofile).maximum);
    }
}
