//! The binary: the allocator, the command line, and nothing else. Everything is in the library, whose map is `lib.rs`.

/// Faster than the C library's allocator with many threads, and it returns unused memory to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    symbolon::run()
}
