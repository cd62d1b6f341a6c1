//! The queue before the threads: the lanes with their turns, who is turned away and when, and how threads wait for what comes.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::Lane;

pub(super) const LANES: [Lane; 5] = [Lane::Machines, Lane::Reads, Lane::People, Lane::Own, Lane::Checks];
/// What the thread that only reads takes, in this order.
const OF_READER: [Lane; 2] = [Lane::Checks, Lane::Reads];
/// So many wait in one lane at most.
pub(super) const PLACES: usize = 4096;
/// When requests are turned away: once, throughout the second time, each that waited in the lane had waited for longer than the
/// first.
#[derive(Clone, Copy)]
pub(super) struct Patience(Duration, Duration);

impl Lane {
    /// A machine tries again by itself; a person would rather wait for a second than be told to try again. Nothing else is turned
    /// away.
    pub(super) const fn patience(self) -> Option<Patience> {
        match self {
            Self::Machines | Self::Reads => Some(Patience(Duration::from_millis(50), Duration::from_millis(125))),
            Self::People => Some(Patience(Duration::from_millis(500), Duration::from_secs(1))),
            Self::Own | Self::Checks => None,
        }
    }
}

const IS_WAITING: u8 = 0;
const HAS_BEGUN: u8 = 1;
pub(super) const IS_GONE: u8 = 2;

/// Whose turn it is, decided once: by the thread that begins, or by the caller who leaves.
#[derive(Default)]
pub(super) struct Place(AtomicU8);

impl Place {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == IS_GONE
    }

    pub(super) fn becomes(&self, state: u8) -> bool {
        self.0.compare_exchange(IS_WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

pub(super) struct Job {
    pub(super) since: Instant,
    pub(super) place: Arc<Place>,
    /// Does the work, or tells the caller that it will not be done.
    pub(super) go: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
pub(super) struct Line {
    pub(super) jobs: VecDeque<Job>,
    /// Since when every one had waited for too long.
    late_since: Option<Instant>,
}

impl Line {
    /// Whether whoever comes now is turned away at the door: some of those who wait are, and the first has waited for too long.
    /// That costs less than to let them wait first.
    pub(super) fn is_shedding(&self, patience: Option<Patience>, now: Instant) -> bool {
        let (Some(Patience(target, interval)), Some(late_since), Some(first)) = (patience, self.late_since, self.jobs.front())
        else {
            return false;
        };
        now.saturating_duration_since(late_since) >= interval && now.saturating_duration_since(first.since) > target
    }

    /// The next one whose caller is still there, and whether it is to be done. One that waits alone always is.
    pub(super) fn next(&mut self, patience: Option<Patience>, now: Instant) -> Option<(Job, bool)> {
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
pub(super) struct Waiting {
    pub(super) lanes: [Line; LANES.len()],
    turn: usize,
    /// Whether a thread is about to look again: whoever puts something here need wake no other.
    someone_looks: bool,
    /// How many threads that take everything are not at work.
    idle: usize,
    pub(super) is_closed: bool,
}

impl Waiting {
    fn count(&self) -> usize {
        self.lanes.iter().map(|line| line.jobs.len()).sum()
    }

    fn has_reads(&self) -> bool {
        OF_READER.into_iter().any(|lane| self.lanes.get(lane as usize).is_some_and(|line| !line.jobs.is_empty()))
    }

    fn next_read(&mut self, now: Instant) -> Option<(Job, bool)> {
        OF_READER.into_iter().find_map(|lane| self.lanes.get_mut(lane as usize)?.next(lane.patience(), now))
    }

    pub(super) fn next(&mut self, now: Instant) -> Option<(Job, bool)> {
        for step in 0..LANES.len() {
            let at = (self.turn + step) % LANES.len();
            let patience = LANES.get(at)?.patience();
            if let Some((job, is_due)) = self.lanes.get_mut(at)?.next(patience, now) {
                // Refusing one does not use up the lane's turn.
                self.turn = if is_due { (at + 1) % LANES.len() } else { at };
                return Some((job, is_due));
            }
        }
        None
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    pub(super) bell: Condvar,
    /// For the thread that only reads.
    pub(super) readers: Condvar,
}

impl Queue {
    pub(super) fn put(&self, lane: Lane, job: Job) -> bool {
        let mut waiting = self.lock();
        let open = |line: &&mut Line| line.jobs.len() < PLACES && !line.is_shedding(lane.patience(), job.since);
        let Some(jobs) = waiting.lanes.get_mut(lane as usize).filter(open).map(|line| &mut line.jobs) else { return false };
        jobs.push_back(job);
        let (is_seen, are_all_at_work) = (waiting.someone_looks, waiting.idle == 0);
        drop(waiting);
        if !is_seen {
            self.bell.notify_one();
        }
        if OF_READER.contains(&lane) && are_all_at_work {
            self.readers.notify_one();
        }
        true
    }

    /// Waits for the next one that only reads; `None` when it is over. There is nothing to do here while other threads are idle.
    pub(super) fn take_read(&self) -> Option<(Job, bool)> {
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
    pub(super) fn take(&self) -> Option<(Job, bool)> {
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

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn work(&self, take: impl Fn(&Self) -> Option<(Job, bool)>) {
        while let Some((job, is_due)) = take(self) {
            if job.place.becomes(HAS_BEGUN) {
                // Whoever waits for one that panics is told by its end of the channel.
                let _ = catch_unwind(AssertUnwindSafe(|| (job.go)(is_due)));
            }
        }
    }
}
