//! Tests of the queue, by simulated time, and of the threads.

use std::sync::mpsc;

use tokio::task::JoinHandle;

use super::{
    queue::{CAPACITY, PriorityQueue, QueueState},
    *,
};

const SOON: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(5));
const AT_ONCE: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(5));
/// A short but sufficient time to start.
const QUICKLY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_mins(1));

fn job(since: Instant) -> Job {
    Job { since, state: Arc::default(), go: Box::new(|_| ()) }
}

/// A queue that receives a job every `every` ms and serves one every `each` ms: how long the jobs that were run had waited, and how
/// many were refused.
fn simulate(every: u64, each: u64, of: Priority, total: u64) -> (Vec<u64>, usize) {
    let (start, mut line, mut waits, mut refused) = (Instant::now(), PriorityQueue::default(), Vec::new(), 0);
    let at = |ms| start + Duration::from_millis(ms);
    let mut free_at = 0;
    for ms in 0..total {
        if ms % every == 0 {
            if line.is_shedding(of.shed_after(), at(ms)) {
                refused += 1;
            } else {
                line.jobs.push_back(job(at(ms)));
            }
        }
        while free_at <= ms {
            let Some((job, is_due)) = line.next(of.shed_after(), at(ms)) else { break };
            if is_due {
                waits.push(u64::try_from((at(ms) - job.since).as_millis()).unwrap());
                free_at = ms + each;
            } else {
                refused += 1;
            }
        }
    }
    (waits, refused)
}

#[test]
fn below_capacity_nobody_is_turned_away() {
    assert_eq!(simulate(2, 1, Priority::Clients, 10_000), (vec![0; 5000], 0));
}

#[test]
fn at_twice_the_capacity_what_is_accepted_waits_a_bounded_time() {
    let (waits, refused) = simulate(1, 2, Priority::Clients, 20_000);
    assert!(waits.len() > 9_900, "the work goes on at full speed: {}", waits.len());
    assert!((9_500..10_000).contains(&refused), "{refused}");
    let longest = waits.iter().max().unwrap();
    assert!(*longest <= 200, "{longest} ms");
}

#[test]
fn the_servers_own_work_is_never_turned_away() {
    let (waits, refused) = simulate(1, 2, Priority::Internal, 2_000);
    assert_eq!((waits.len(), refused), (1000, 0));
}

#[test]
fn a_burst_is_done_however_long_it_waited_if_it_is_over_soon() {
    let (start, mut line) = (Instant::now(), PriorityQueue::default());
    line.jobs.extend((0..90).map(|_| job(start)));
    let later = |ms| start + Duration::from_millis(ms);
    // A stall of a second, then a millisecond each.
    assert!((0..90).all(|n| line.next(Priority::Clients.shed_after(), later(1000 + n)).unwrap().1));
}

#[test]
fn an_emptied_queue_starts_afresh() {
    let (start, mut line) = (Instant::now(), PriorityQueue::default());
    let at = |ms| start + Duration::from_millis(ms);
    line.jobs.push_back(job(start));
    assert!(line.next(Priority::Clients.shed_after(), at(60)).unwrap().1);
    assert!(line.next(Priority::Clients.shed_after(), at(70)).is_none(), "a thread looks for work, and there is none");
    line.jobs.push_back(job(at(60_000)));
    assert!(line.next(Priority::Clients.shed_after(), at(60_060)).unwrap().1, "nobody else waited for a minute");
}

/// Two priorities, each of which receives a job at its own interval in ms, and one thread that needs a millisecond per job: how
/// many jobs of each are run.
fn race(machines: u64, users: u64, total: u64) -> [usize; 2] {
    let (start, mut waiting, mut done, mut free_at) = (Instant::now(), QueueState::default(), [0; 2], 0);
    let at = |ms| start + Duration::from_millis(ms);
    for ms in 0..total {
        for (priority, each) in [(Priority::Clients, machines), (Priority::Browsers, users)] {
            let line = &mut waiting.priorities[priority as usize];
            for _ in 0..each {
                if !line.is_shedding(priority.shed_after(), at(ms)) {
                    line.jobs.push_back(job(at(ms)));
                }
            }
        }
        while free_at <= ms {
            let before = waiting.priorities[0].jobs.len();
            let Some((_, is_due)) = waiting.next(at(ms)) else { break };
            let priority = usize::from(waiting.priorities[0].jobs.len() == before);
            done[priority] += usize::from(is_due);
            free_at += u64::from(is_due);
        }
    }
    done
}

#[test]
fn a_priority_that_sheds_is_still_served() {
    let [machines, users] = race(5, 1, 10_000);
    assert!(machines > 4_500 && users > 4_500, "{machines} {users}");
    let [machines, users] = race(1, 5, 10_000);
    assert!(machines > 4_500 && users > 4_500, "{machines} {users}");
}

#[test]
fn who_waits_alone_is_not_turned_away() {
    let (start, mut line) = (Instant::now(), PriorityQueue::default());
    for second in 0..10 {
        let came = start + Duration::from_secs(second);
        line.jobs.push_back(job(came));
        assert!(line.next(Priority::Clients.shed_after(), came + Duration::from_millis(900)).unwrap().1);
    }
}

#[test]
fn priorities_are_served_in_turn() {
    let mut waiting = QueueState::default();
    let now = Instant::now();
    for priority in [
        Priority::Clients,
        Priority::Clients,
        Priority::Clients,
        Priority::Reads,
        Priority::Browsers,
        Priority::Internal,
        Priority::Health,
    ] {
        waiting.priorities[priority as usize].jobs.push_back(job(now));
    }
    let mut seen = Vec::new();
    while waiting.next(now).is_some() {
        seen.push(waiting.priorities.iter().map(|line| line.jobs.len()).collect::<Vec<_>>());
    }
    assert_eq!(
        seen,
        [[2, 1, 1, 1, 1], [2, 0, 1, 1, 1], [2, 0, 0, 1, 1], [2, 0, 0, 0, 1], [2, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    );
}

#[tokio::test]
async fn work_is_done_and_goes_on_after_one_that_panics() {
    let pool = BlockingPool::start(1).unwrap();
    assert_eq!(pool.run(Priority::Browsers, SOON, || 1).await, Ok(1));
    assert_eq!(pool.run(Priority::Browsers, SOON, || -> u32 { panic!("a test") }).await, Err(PoolError::Panicked));
    assert_eq!(pool.run(Priority::Internal, SOON, || 2).await, Ok(2));
}

/// Keeps a thread busy until it is released; the job is given hardly any time to start, and has started. Retried where the machine
/// is too busy to start it in that time.
async fn keep_busy(pool: &Arc<BlockingPool>) -> (mpsc::Sender<()>, JoinHandle<Result<(), PoolError>>) {
    loop {
        let (release, held) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let pool = pool.clone();
        let holding = tokio::spawn(async move {
            let work = move || {
                let _ = begun.send(());
                let _ = held.recv();
            };
            pool.run(Priority::Clients, QUICKLY, work).await
        });
        if has_begun.await.is_ok() {
            tokio::time::sleep(2 * QUICKLY.0).await; // its time to start has passed, and it keeps running
            return (release, holding);
        }
        assert_eq!(holding.await.unwrap(), Err(PoolError::QueueTimeout));
    }
}

#[tokio::test]
async fn while_writes_wait_reads_go_on() {
    let pool = Arc::new(BlockingPool::start(3).unwrap());
    let (first, second) = (keep_busy(&pool).await, keep_busy(&pool).await);
    for _ in 0..100 {
        assert_eq!(pool.run(Priority::Reads, SOON, || 1).await, Ok(1), "the third thread does nothing else");
    }
    let blocked = pool.run(Priority::Clients, (Duration::from_millis(20), Duration::ZERO), || 2);
    assert_eq!(blocked.await, Err(PoolError::QueueTimeout));
    for (release, holding) in [first, second] {
        release.send(()).unwrap();
        assert_eq!(holding.await.unwrap(), Ok(()));
    }
    assert_eq!(pool.run(Priority::Clients, SOON, || 3).await, Ok(3));
}

#[tokio::test]
async fn what_is_not_begun_in_time_is_never_begun() {
    let pool = Arc::new(BlockingPool::start(1).unwrap());
    let (release, holding) = keep_busy(&pool).await;
    let (done, was_done) = mpsc::channel();
    let late = pool.run(Priority::Clients, AT_ONCE, move || done.send(()));
    assert_eq!(late.await.unwrap_err(), PoolError::QueueTimeout);
    release.send(()).unwrap();
    assert_eq!(holding.await.unwrap(), Ok(()), "what was begun is waited for");
    assert_eq!(pool.run(Priority::Clients, SOON, || 3).await, Ok(3));
    assert!(was_done.try_recv().is_err(), "it was taken along");
}

#[tokio::test]
async fn who_leaves_before_their_turn_takes_it_along() {
    let pool = Arc::new(BlockingPool::start(1).unwrap());
    let (release, holding) = keep_busy(&pool).await;
    let (done, was_done) = mpsc::channel();
    let waiting = pool.run(Priority::Clients, SOON, move || done.send(()));
    assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err(), "it is another's turn");
    release.send(()).unwrap();
    assert_eq!(holding.await.unwrap(), Ok(()));
    assert_eq!(pool.run(Priority::Clients, SOON, || 3).await, Ok(3));
    assert!(was_done.try_recv().is_err());
}

#[tokio::test]
async fn what_does_not_end_in_time_goes_on() {
    let pool = BlockingPool::start(1).unwrap();
    loop {
        let (release, held) = mpsc::channel::<()>();
        let (done, was_done) = mpsc::channel();
        let work = move || {
            let _ = held.recv();
            done.send(())
        };
        // It starts at once, as the pool is idle, and is given no time to finish.
        let unfinished = pool.run(Priority::Browsers, (QUICKLY.0, Duration::ZERO), work).await.unwrap_err();
        if unfinished == PoolError::QueueTimeout {
            continue; // the machine is busy: retry
        }
        assert_eq!(unfinished, PoolError::RunTimeout);
        release.send(()).unwrap();
        return assert_eq!(was_done.recv(), Ok(()));
    }
}

#[test]
fn a_full_priority_says_so_at_once() {
    let queue = Queue::default();
    for _ in 0..CAPACITY {
        assert!(queue.put(Priority::Browsers, job(Instant::now())));
    }
    assert!(!queue.put(Priority::Browsers, job(Instant::now())));
    assert!(queue.put(Priority::Clients, job(Instant::now())), "another lane is not");
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a test");
    }
}

#[tokio::test]
async fn work_that_panics_when_it_is_dropped_ends_no_thread() {
    let pool = Arc::new(BlockingPool::start(1).unwrap());
    let (release, holding) = keep_busy(&pool).await;
    for priority in [Priority::Clients, Priority::Browsers] {
        let held = Grenade;
        let left = pool.run(priority, AT_ONCE, move || std::mem::forget(held));
        assert_eq!(left.await, Err(PoolError::QueueTimeout));
    }
    release.send(()).unwrap();
    assert_eq!(holding.await.unwrap(), Ok(()));
    assert_eq!(pool.run(Priority::Clients, SOON, || 3).await, Ok(3));
}
