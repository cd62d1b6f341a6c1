//! The queue of the blocking pool: its priorities and their turns, load shedding, and how threads wait for jobs.

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

use super::Priority;

pub(super) const PRIORITIES: [Priority; 5] =
    [Priority::Clients, Priority::Reads, Priority::Browsers, Priority::Internal, Priority::Health];
/// The priorities that the read-only thread serves, in this order.
const READER_PRIORITIES: [Priority; 2] = [Priority::Health, Priority::Reads];
/// The maximum number of jobs waiting in one priority.
pub(super) const CAPACITY: usize = 4096;
/// The shedding rule: a priority sheds load once every job taken from it, throughout the second duration, had waited longer than
/// the first.
#[derive(Clone, Copy)]
pub(super) struct ShedAfter(Duration, Duration);

impl Priority {
    /// Machines retry by themselves and are refused early; a user would rather wait a second than be asked to try again. The other
    /// priorities never shed load.
    pub(super) const fn shed_after(self) -> Option<ShedAfter> {
        match self {
            Self::Clients | Self::Reads => Some(ShedAfter(Duration::from_millis(50), Duration::from_millis(125))),
            Self::Browsers => Some(ShedAfter(Duration::from_millis(500), Duration::from_secs(1))),
            Self::Internal | Self::Health => None,
        }
    }
}

const WAITING: u8 = 0;
const STARTED: u8 = 1;
pub(super) const CANCELLED: u8 = 2;

/// The state of a job, changed from waiting only once: by the thread that starts it, or by the caller that leaves.
#[derive(Default)]
pub(super) struct JobState(AtomicU8);

impl JobState {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) == CANCELLED
    }

    pub(super) fn transition(&self, state: u8) -> bool {
        self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

pub(super) struct Job {
    pub(super) since: Instant,
    pub(super) state: Arc<JobState>,
    /// Runs the job (`true`), or tells the caller that it was refused (`false`).
    pub(super) go: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
pub(super) struct PriorityQueue {
    pub(super) jobs: VecDeque<Job>,
    /// The time since which every job taken had waited too long.
    late_since: Option<Instant>,
}

impl PriorityQueue {
    /// Whether a new job is refused at once: the priority is shedding load and its first job has waited too long. Refusing on
    /// arrival costs less than letting the job wait first.
    pub(super) fn is_shedding(&self, shed_after: Option<ShedAfter>, now: Instant) -> bool {
        let (Some(ShedAfter(target, interval)), Some(late_since), Some(first)) = (shed_after, self.late_since, self.jobs.front())
        else {
            return false;
        };
        now.saturating_duration_since(late_since) >= interval && now.saturating_duration_since(first.since) > target
    }

    /// The next job whose caller is still there, and whether to run it. A job that waits alone is always run.
    pub(super) fn next(&mut self, shed_after: Option<ShedAfter>, now: Instant) -> Option<(Job, bool)> {
        while self.jobs.front().is_some_and(|job| job.state.is_cancelled()) {
            let job = self.jobs.pop_front();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(job))); // a panic would end the polling thread
        }
        let job = self.jobs.pop_front();
        if self.jobs.is_empty() {
            self.late_since = None;
            return Some((job?, true));
        }
        let job = job?;
        let Some(ShedAfter(target, interval)) = shed_after else { return Some((job, true)) };
        if now.saturating_duration_since(job.since) <= target {
            self.late_since = None;
            return Some((job, true));
        }
        let late_since = *self.late_since.get_or_insert(now);
        Some((job, now.saturating_duration_since(late_since) < interval))
    }
}

#[derive(Default)]
pub(super) struct QueueState {
    pub(super) priorities: [PriorityQueue; PRIORITIES.len()],
    next_priority: usize,
    /// Whether a thread is about to poll again, so that a new job need wake no other.
    is_being_polled: bool,
    /// How many of the threads that serve every priority are idle.
    idle: usize,
    pub(super) is_closed: bool,
}

impl QueueState {
    fn count(&self) -> usize {
        self.priorities.iter().map(|line| line.jobs.len()).sum()
    }

    fn has_reads(&self) -> bool {
        READER_PRIORITIES
            .into_iter()
            .any(|priority| self.priorities.get(priority as usize).is_some_and(|line| !line.jobs.is_empty()))
    }

    fn next_read(&mut self, now: Instant) -> Option<(Job, bool)> {
        READER_PRIORITIES
            .into_iter()
            .find_map(|priority| self.priorities.get_mut(priority as usize)?.next(priority.shed_after(), now))
    }

    pub(super) fn next(&mut self, now: Instant) -> Option<(Job, bool)> {
        for step in 0..PRIORITIES.len() {
            let at = (self.next_priority + step) % PRIORITIES.len();
            let shed_after = PRIORITIES.get(at)?.shed_after();
            if let Some((job, is_due)) = self.priorities.get_mut(at)?.next(shed_after, now) {
                // A refused job does not use up its priority's turn.
                self.next_priority = if is_due { (at + 1) % PRIORITIES.len() } else { at };
                return Some((job, is_due));
            }
        }
        None
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<QueueState>,
    pub(super) wakeup: Condvar,
    /// Wakes the read-only thread.
    pub(super) readers: Condvar,
}

impl Queue {
    pub(super) fn put(&self, priority: Priority, job: Job) -> bool {
        let mut waiting = self.lock();
        let open = |line: &&mut PriorityQueue| line.jobs.len() < CAPACITY && !line.is_shedding(priority.shed_after(), job.since);
        let Some(jobs) = waiting.priorities.get_mut(priority as usize).filter(open).map(|line| &mut line.jobs) else {
            return false;
        };
        jobs.push_back(job);
        let (is_seen, are_all_at_work) = (waiting.is_being_polled, waiting.idle == 0);
        drop(waiting);
        if !is_seen {
            self.wakeup.notify_one();
        }
        if READER_PRIORITIES.contains(&priority) && are_all_at_work {
            self.readers.notify_one();
        }
        true
    }

    /// Waits for the next read-only job; `None` when the pool is closed. This thread takes nothing while other threads are idle.
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

    /// Waits for the next job; `None` when the pool is closed. One thread polls once more before it sleeps: under load the next job
    /// has mostly arrived by then, and no thread has to be woken for it.
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
            if waiting.is_being_polled {
                waiting = self.wakeup.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            waiting.is_being_polled = true;
            drop(waiting);
            thread::yield_now();
            waiting = self.lock();
            waiting.is_being_polled = false;
            match waiting.count() {
                0 if !waiting.is_closed => waiting = self.wakeup.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                0 | 1 => {}
                _ => self.wakeup.notify_all(), // for the jobs that arrived meanwhile and woke no thread
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn work(&self, take: impl Fn(&Self) -> Option<(Job, bool)>) {
        while let Some((job, is_due)) = take(self) {
            // The caller of a job that panics learns of it by the closed channel.
            let _ = catch_unwind(AssertUnwindSafe(move || {
                if job.state.transition(STARTED) {
                    (job.go)(is_due);
                }
            }));
        }
    }
}
