//! How fast `flowyard serve` is where that is promised, one JSON line each:
//!
//! - `contacts`: 10,000 contacts are read and written against a limit of 1,000 requests a second, which the service announces in
//!   its headers; how much longer that takes than the limit alone allows, and how many requests were one too many.
//! - `idle`: 1,000 flows that wait for what is looked for now and then; what the process uses in a minute, where all ask the same,
//!   and where each asks something else.
//! - `webhook`: 64 senders at a time, each of whom sends the next event once the last was answered, at 5,000 a second, as fast as it
//!   goes, and at 5,000 a second again; how soon an event is on disk and answered, for a flow's own hook and for signed messages,
//!   beside how long the bare disk takes for a page, and how much of it is left where the machine did not stand still.
//!
//! `cargo bench --bench speed -- [contacts|idle|webhook]…`; without a name, all of them. It needs no other program, and reads what
//! processes use from `/proc`. `FLOWYARD_BENCH_PROGRAM` names another program to measure than the one that was built with it, and
//! `TMPDIR` another disk.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod contacts;
mod idle;
#[path = "../serve/process.rs"]
mod process;
mod server;
mod standstill;
mod webhook;

use std::error::Error;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let named: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    let dir = tempfile::tempdir()?;
    if is_wanted("contacts") {
        println!("{}", contacts::measure(&dir.path().join("contacts"))?);
    }
    if is_wanted("idle") {
        for same in [true, false] {
            println!("{}", idle::measure(&dir.path().join(format!("idle-{same}")), same)?);
        }
    }
    if is_wanted("webhook") {
        for signed in [false, true] {
            for line in webhook::measure(&dir.path().join(format!("webhook-{signed}")), signed)? {
                println!("{line}");
            }
        }
    }
    Ok(())
}
