//! The threads on which stories run, as many as there are database connections, and the queue before them. Whoever waits does so
//! without a thread. Machines, people and the server itself wait in lanes of their own, which take turns, so that no flood of
//! one keeps the others waiting. Where a lane does not empty, those who have waited too long are turned away at once
//! (after `CoDel`, RFC 8289): what is accepted is answered soon, and a burst is not refused. One thread only reads: while commits
//! wait for a disk or a standby, tokens are still checked.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Clients and resource servers, whose request writes.
    Machines,
    /// Resource servers and others whose request only reads.
    Reads,
    /// Browsers.
    People,
    /// The server, and what goes on with something that was begun. Nobody is turned away here before the queue is full.
    Own,
    /// Whoever asks whether the server is ready, or for its keys: it only reads. Nobody is turned away here either.
    Checks,
}

/// Why work was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More came than could be done, for a while.
    Overload,
    /// It did not begin within the time that the caller gave.
    TooLate,
    /// It did not end within the time that the caller gave; it goes on.
    Unfinished,
    /// It panicked.
    Died,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overload => "more came than can be done",
            Self::TooLate => "every database connection was busy for too long",
            Self::Unfinished => "the database did not answer in time",
            Self::Died => "a story did not end",
        })
    }
}

const LANES: [Lane; 5] = [Lane::Machines, Lane::Reads, Lane::People, Lane::Own, Lane::Checks];
/// What the threads that only read take, in this order.
const OF_READERS: [Lane; 2] = [Lane::Checks, Lane::Reads];
/// From so many threads on one of them only reads.
const ENOUGH: u32 = 3;
/// So many wait in one lane at most.
const PLACES: usize = 4096;
/// When those who wait in a lane are turned away: where every one has waited for longer than the first time, for the second.
#[derive(Clone, Copy)]
struct Patience(Duration, Duration);

impl Lane {
    /// A machine asks again; a person would rather wait a second than read that they should. Nobody else is turned away.
    const fn patience(self) -> Option<Patience> {
        match self {
            Self::Machines | Self::Reads => Some(Patience(Duration::from_millis(50), Duration::from_millis(125))),
            Self::People => Some(Patience(Duration::from_millis(500), Duration::from_secs(1))),
            Self::Own | Self::Checks => None,
        }
    }
}

const IS_WAITING: u8 = 0;
const HAS_BEGUN: u8 = 1;
const IS_GONE: u8 = 2;

/// Whose turn it is, decided once: by the thread that begins, or by the caller who leaves.
#[derive(Default)]
struct Place(AtomicU8);

impl Place {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == IS_GONE
    }

    fn becomes(&self, state: u8) -> bool {
        self.0.compare_exchange(IS_WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

struct Job {
    since: Instant,
    place: Arc<Place>,
    /// Does the work, or tells the caller that it will not be done.
    go: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Since when every one had waited for too long.
    late_since: Option<Instant>,
}

impl Line {
    /// Whether whoever comes now is turned away at the door: some of those who wait are, and the first has waited for too long.
    /// It costs less than to take them in.
    fn is_shedding(&self, patience: Option<Patience>, now: Instant) -> bool {
        let (Some(Patience(target, interval)), Some(late_since), Some(first)) = (patience, self.late_since, self.jobs.front())
        else {
            return false;
        };
        now.saturating_duration_since(late_since) >= interval && now.saturating_duration_since(first.since) > target
    }

    /// The next one whose caller is still there, and whether it is to be done. Who waits alone always is.
    fn next(&mut self, patience: Option<Patience>, now: Instant) -> Option<(Job, bool)> {
        while self.jobs.front().is_some_and(|job| job.place.is_gone()) {
            self.jobs.pop_front();
        }
        let job = self.jobs.pop_front();
        if self.jobs.is_empty() {
            self.late_since = None;
            return Some((job?, true));
        }
        let job = job?;
        let Some(Patience(target, interval)) = patience else { return Some((job, true)) };
        if now.saturating_duration_since(job.since) <= target {
            self.late_since = None;
            return Some((job, true));
        }
        let late_since = *self.late_since.get_or_insert(now);
        Some((job, now.saturating_duration_since(late_since) < interval))
    }
}

#[derive(Default)]
struct Waiting {
    lanes: [Line; LANES.len()],
    turn: usize,
    /// Whether a thread is about to look again: whoever puts something here need wake no other.
    someone_looks: bool,
    /// How many threads that take everything are not at work.
    idle: usize,
    is_closed: bool,
}

impl Waiting {
    fn count(&self) -> usize {
        self.lanes.iter().map(|line| line.jobs.len()).sum()
    }

    fn has_reads(&self) -> bool {
        OF_READERS.into_iter().any(|lane| self.lanes.get(lane as usize).is_some_and(|line| !line.jobs.is_empty()))
    }

    fn next_read(&mut self, now: Instant) -> Option<(Job, bool)> {
        OF_READERS.into_iter().find_map(|lane| self.lanes.get_mut(lane as usize)?.next(lane.patience(), now))
    }

    fn next(&mut self, now: Instant) -> Option<(Job, bool)> {
        for step in 0..LANES.len() {
            let at = (self.turn + step) % LANES.len();
            let patience = LANES.get(at)?.patience();
            if let Some((job, is_due)) = self.lanes.get_mut(at)?.next(patience, now) {
                // Whom is refused costs the lane no turn.
                self.turn = if is_due { (at + 1) % LANES.len() } else { at };
                return Some((job, is_due));
            }
        }
        None
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    /// For the thread that only reads.
    readers: Condvar,
}

impl Queue {
    fn put(&self, lane: Lane, job: Job) -> bool {
        let mut waiting = self.lock();
        let open = |line: &&mut Line| line.jobs.len() < PLACES && !line.is_shedding(lane.patience(), job.since);
        let Some(jobs) = waiting.lanes.get_mut(lane as usize).filter(open).map(|line| &mut line.jobs) else { return false };
        jobs.push_back(job);
        let (is_seen, are_all_at_work) = (waiting.someone_looks, waiting.idle == 0);
        drop(waiting);
        if !is_seen {
            self.bell.notify_one();
        }
        if OF_READERS.contains(&lane) && are_all_at_work {
            self.readers.notify_one();
        }
        true
    }

    /// Waits for the next one that only reads; `None` when it is over. There is nothing to do here while other threads are idle.
    fn take_read(&self) -> Option<(Job, bool)> {
        let mut waiting = self.lock();
        loop {
            if waiting.idle == 0
                && let Some(next) = waiting.next_read(Instant::now())
            {
                return Some(next);
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.readers.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the next one; `None` when it is over. One thread looks once more before it sleeps: under load there mostly is
    /// one by then, and nobody has to be woken for it.
    fn take(&self) -> Option<(Job, bool)> {
        let mut waiting = self.lock();
        waiting.idle += 1;
        loop {
            if let Some(next) = waiting.next(Instant::now()) {
                waiting.idle -= 1;
                let are_all_at_work = waiting.idle == 0;
                if are_all_at_work && waiting.has_reads() {
                    self.readers.notify_one();
                }
                return Some(next);
            }
            if waiting.is_closed {
                return None;
            }
            if waiting.someone_looks {
                waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            waiting.someone_looks = true;
            drop(waiting);
            thread::yield_now();
            waiting = self.lock();
            waiting.someone_looks = false;
            match waiting.count() {
                0 if !waiting.is_closed => waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                0 | 1 => {}
                _ => self.bell.notify_all(), // for those that came meanwhile, and woke nobody
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, take: impl Fn(&Self) -> Option<(Job, bool)>) {
        while let Some((job, is_due)) = take(self) {
            if job.place.becomes(HAS_BEGUN) {
                // Whoever waits for one that panics is told by its end of the channel.
                let _ = catch_unwind(AssertUnwindSafe(|| (job.go)(is_due)));
            }
        }
    }
}

/// The threads and their queue; they end when this is dropped.
pub struct Stories(Arc<Queue>);

impl Stories {
    /// Starts so many threads, of which one only reads where there are enough.
    ///
    /// # Errors
    /// When the system does not give them.
    pub fn start(count: u32) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let stories = Self(queue.clone());
        for number in 0..count {
            let queue = queue.clone();
            let take = if number == 0 && count >= ENOUGH { Queue::take_read } else { Queue::take };
            thread::Builder::new().name(format!("story-{number}")).spawn(move || queue.work(take))?;
        }
        Ok(stories)
    }

    /// Has work done in its turn: to be begun within the first time, and to end within the second after that. Work that was
    /// begun goes on when its caller leaves; what was not begun then never is.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        (to_begin, to_end): (Duration, Duration),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (told, mut done) = oneshot::channel();
        let go = Box::new(move |is_due: bool| {
            let _ = told.send(if is_due { Ok(work()) } else { Err(Refused::Overload) }); // the caller may have left
        });
        let leaving = Leaving(Arc::new(Place::default()));
        if !self.0.put(lane, Job { since: Instant::now(), place: leaving.0.clone(), go }) {
            return Err(Refused::Overload);
        }
        let finished = match tokio::time::timeout(to_begin, &mut done).await {
            Ok(finished) => finished,
            Err(_) if leaving.0.becomes(IS_GONE) => return Err(Refused::TooLate),
            Err(_) => tokio::time::timeout(to_end, done).await.map_err(|_| Refused::Unfinished)?,
        };
        finished.unwrap_or(Err(Refused::Died))
    }
}

impl Drop for Stories {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.bell.notify_all();
        self.0.readers.notify_all();
    }
}

/// A caller who leaves before the work was begun takes it along.
struct Leaving(Arc<Place>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.becomes(IS_GONE);
    }
}

#[cfg(test)]
#[path = "stories_tests.rs"]
mod tests;
