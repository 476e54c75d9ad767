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
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(GRACE);
    result
}
