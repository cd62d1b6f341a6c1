//! Ports for the tests' servers: unused, on either address of localhost, and not given out by another test process at the same
//! time.

use std::{
    net::TcpListener,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

/// Below the range of ephemeral ports: the system might give one of those to a client before a server listens on it.
const FIRST: u16 = 11_000;
/// The size of a test process's own block.
const BLOCK: u16 = 500;
const BLOCKS: u16 = 18;
/// The first lock port: listening on it reserves the first block.
const FIRST_LOCK: u16 = 10_900;

/// The block of this process, and the lock that reserves it for as long as this process runs.
struct Block {
    first: u16,
    _lock: Option<TcpListener>,
}

static OWN: LazyLock<Block> = LazyLock::new(|| {
    let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap();
    let mut numbers = (0..BLOCKS).map(|step| (start + step) % BLOCKS);
    let free = numbers.find_map(|number| Some((number, TcpListener::bind(("127.0.0.1", FIRST_LOCK + number)).ok()?)));
    // If all blocks are taken, one is shared: then a port may be taken between the check and its use.
    let (number, lock) = free.map_or((start, None), |(number, lock)| (number, Some(lock)));
    Block { first: FIRST + number * BLOCK, _lock: lock }
});

/// A port, given out only once in some hundred calls.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of this many consecutive ports.
pub fn free_ports(count: u16) -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    loop {
        let at = GIVEN.fetch_add(count, Ordering::SeqCst) % BLOCK;
        let first = OWN.first + at;
        if at + count <= BLOCK && (first..first + count).all(is_free) {
            return first;
        }
    }
}

/// Whether nobody listens on a port. A machine may have no IPv6 address.
fn is_free(port: u16) -> bool {
    let in_use = |address| TcpListener::bind((address, port)).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse);
    !in_use("127.0.0.1") && !in_use("::1")
}
