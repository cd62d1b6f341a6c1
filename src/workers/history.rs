//! The history that is written asynchronously, many entries at once: routine events of grants, and failed sign-ins. A request only
//! queues them; every second, and when the server stops, they go to the database in one transaction. The queue is bounded, and lost
//! entries are reported. A row that the database refuses for good is dropped and reported, so that it does not hold up the others.
//! Evidence of a theft is never queued here: it is written in the same transaction as its effect.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    protocol::{
        account::activity::{Activity, Origin},
        grant::history::HistoryEntry,
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{
        AnyConnection, Result,
        activity::{self, Event},
        grant_history::{self, Line},
    },
};

/// The maximum number of queued entries of each kind: some megabytes.
const WAITING: usize = 20_000;
/// The maximum number of rows in one transaction.
const AT_ONCE: usize = 500;

/// A failed sign-in.
#[derive(Clone, Debug)]
struct Failure {
    id: Id,
    user: Id,
    origin: Origin,
    at: Timestamp,
}

impl Failure {
    fn event(&self) -> Event<'_> {
        let Self { id, user, origin, at } = self;
        Event { id: *id, user: *user, activity: Activity::SignInFailed, origin, about: None, grant: None, at: *at }
    }
}

#[derive(Default)]
struct Queue {
    lines: Vec<Line>,
    failures: Vec<Failure>,
}

/// The queue.
#[derive(Default)]
pub struct History {
    queue: Mutex<Queue>,
    lost: AtomicU64,
    /// Held during a write: readers of the history wait for it.
    writing: Mutex<()>,
}

impl History {
    /// Queues an event of a grant.
    pub fn entry(&self, grant: Id, entry: HistoryEntry) {
        let line = Line { grant, id: random::id(entry.at), entry };
        self.put(|queue| &mut queue.lines, line);
    }

    /// Queues a failed sign-in as this user.
    pub fn failure(&self, user: Id, origin: Origin, at: Timestamp) {
        self.put(|queue| &mut queue.failures, Failure { id: random::id(at), user, origin, at });
    }

    fn put<T>(&self, list: impl Fn(&mut Queue) -> &mut Vec<T>, item: T) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let list = list(&mut queue);
        if list.len() < WAITING {
            list.push(item);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the queue is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.lines.is_empty() && queue.failures.is_empty()
    }

    /// Writes the queue for a page that shows the history; if that fails, the page shows what is stored.
    pub fn settle(&self, connection: &mut AnyConnection) {
        if let Err(error) = self.flush(connection) {
            tracing::warn!(%error, "history could not be written: will retry");
        }
    }

    /// Writes the queue. If the database fails, unwritten entries stay queued.
    ///
    /// # Errors
    /// When the database fails.
    pub fn flush(&self, connection: &mut AnyConnection) -> Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!(lost, "history: events were lost because they could not be written fast enough");
        }
        let taken = std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        let mut lines = taken.lines.as_slice();
        let mut failures = taken.failures.as_slice();
        let written = write(connection, (&mut lines, &mut failures));
        if written.is_err() {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let lost = put_back(&mut queue.lines, lines) + put_back(&mut queue.failures, failures);
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        written
    }
}

/// Puts unwritten entries back in front of those queued meanwhile, as far as there is room; returns how many are lost.
fn put_back<T: Clone>(queue: &mut Vec<T>, unwritten: &[T]) -> u64 {
    queue.splice(0..0, unwritten.iter().cloned());
    let lost = queue.len().saturating_sub(WAITING);
    queue.truncate(WAITING);
    u64::try_from(lost).unwrap_or(u64::MAX)
}

/// Writes as much as possible, and leaves the rest.
fn write(connection: &mut AnyConnection, (lines, failures): (&mut &[Line], &mut &[Failure])) -> Result<()> {
    let entries = Kind {
        write: |connection, lines| grant_history::append(connection, lines),
        takes_others: grant_history::takes_lines,
        name: |line: &Line| format!("an event of grant {}", line.grant),
    };
    entries.write_all(connection, lines)?;
    let sign_ins = Kind {
        write: |connection, batch: &[Failure]| activity::count_failures(connection, batch.iter().map(Failure::event).collect()),
        takes_others: activity::takes_events,
        name: |failure| format!("a failed sign-in of user {}", failure.user),
    };
    sign_ins.write_all(connection, failures)
}

/// A kind of queued entry.
struct Kind<T> {
    /// Writes some entries, all or none.
    write: fn(&mut AnyConnection, &[T]) -> Result<()>,
    /// Whether the table accepts a row that is known to be good.
    takes_others: fn(&mut AnyConnection) -> bool,
    /// An entry's name in the log, without its content.
    name: fn(&T) -> String,
}

impl<T> Kind<T> {
    /// Writes `items` from the beginning, and leaves there what is not written. If the database refuses a batch while it accepts
    /// other rows, the bad row is searched by halving, and dropped when it is refused twice, as a lock or a lost connection may
    /// explain the first refusal; the rest is written.
    fn write_all(&self, connection: &mut AnyConnection, items: &mut &[T]) -> Result<()> {
        let (mut size, mut is_suspect) = (AT_ONCE, false);
        while !items.is_empty() {
            let (batch, rest) = items.split_at(items.len().min(size));
            match (self.write)(connection, batch) {
                Ok(()) => (*items, size, is_suspect) = (rest, AT_ONCE, false),
                Err(error) if !(self.takes_others)(connection) => return Err(error),
                Err(_) if batch.len() > 1 => size = batch.len() / 2,
                Err(_) if !is_suspect => is_suspect = true,
                Err(error) => {
                    let what = batch.first().map(self.name).unwrap_or_default();
                    tracing::error!(%error, what, "history: the database rejected a row permanently: dropped");
                    (*items, size, is_suspect) = (rest, AT_ONCE, false);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::grant::history::GrantEvent;

    #[test]
    fn the_queue_is_bounded() {
        let (history, at) = (History::default(), Timestamp::from_millis(0));
        for generation in 0..u32::try_from(WAITING).unwrap() + 3 {
            let (address, place, user_agent, why) = (None, None, None, None);
            let entry = HistoryEntry { event: GrantEvent::Refreshed, at, generation, address, place, user_agent, why };
            history.entry(Id::from([1; 16]), entry);
        }
        assert_eq!(history.queue.lock().unwrap().lines.len(), WAITING);
        assert_eq!(history.lost.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_was_not_written_comes_first_and_no_more_than_there_is_room_for() {
        let mut queue: Vec<_> = (1..WAITING).collect();
        assert_eq!(put_back(&mut queue, &[0]), 0);
        assert_eq!((queue[0], queue.len()), (0, WAITING));
        assert_eq!(put_back(&mut queue, &[7, 8, 9]), 3);
        assert_eq!((&queue[..4], queue.len()), (&[7, 8, 9, 0][..], WAITING));
    }
}
