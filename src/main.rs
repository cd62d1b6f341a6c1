//! The binary: the command line and nothing else. Everything is in the library, whose map is `lib.rs`.

fn main() -> std::process::ExitCode {
    symbolon::cli::run()
}
