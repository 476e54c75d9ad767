//! The binary: with a verb it works headless, without arguments it opens the window.
use std::process::ExitCode;

fn main() -> ExitCode {
    flowyard::cli::main(std::env::args_os())
}
