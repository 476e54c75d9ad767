//! The asynchronous runtime, for the verbs that need one.
use std::future::Future;
use std::time::Duration;

use super::exit::Error;

/// Threads that have not come back by then are left behind.
const GRACE: Duration = Duration::from_secs(2);

/// Runs to its end on a runtime of all processors.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Error::machine("The program cannot start its threads", &error, "Close other programs, then try again.")
    })?;
    raise_file_limit();
    runtime.block_on(async { outlive_size_limit() });
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(GRACE);
    result
}

/// For writing without a runtime: see [`outlive_size_limit`].
pub(super) fn prepare_to_write() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        runtime.block_on(async { outlive_size_limit() });
    }
}

/// A write beyond the size that the system allows a file (`ulimit -f`) is then refused, as on a full disk, and does not end
/// the process. Where signals cannot be heeded, everything stays as it was.
#[cfg(unix)]
fn outlive_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    // What hears it goes at once; that it is heard stays for as long as the process lives.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).ok();
}

#[cfg(not(unix))]
fn outlive_size_limit() {}

/// Calls and webhooks under way take a file descriptor each, and systems begin with few (256, 1024), as they let everybody ask
/// for more.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 8192;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(WANTED, |it| it.min(WANTED));
    if current.is_some_and(|it| it < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).ok();
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}
