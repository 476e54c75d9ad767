//! The `flowyard` program: without arguments it opens the window, with a verb it works headless.
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A run makes and drops some hundred small pieces of memory, on threads that pass them on; the system's allocator takes a
/// tenth of the time of a run for that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    flowyard::cli::main(std::env::args_os())
}
