//! The binary: the allocator, the command line, and nothing else. Everything is in the library, whose map is `lib.rs`.

/// Faster than the C library's with many threads, and it gives back what they no longer use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    symbolon::cli::run()
}
