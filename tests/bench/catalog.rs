//! What the catalogue costs: reading it at the start, one operation of each kind when it is first asked for, a query over all
//! of it, reading all of it. In microseconds of time that passed, the median of many. One JSON line each.
//!
//! `cargo bench --bench catalog`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;
use std::time::Instant;

use flowyard::catalog::{Catalog, Event, OperationId};
use serde_json::json;

const TIMES: usize = 50;
const QUERIES: &[&str] =
    &["", "c", "create contact", "booking", "appointmnet", "send an invocie", "zzzzzzzz", "list all of the shipping zone rates"];

fn main() {
    tell("start", "", TIMES, || Catalog::read_shipped().connectors().count());
    tell("start_and_first_operation", "", TIMES, || {
        let catalog = Catalog::read_shipped();
        usize::from(catalog.operation(&OperationId::new("highlevel.contacts.create-contact")).is_some())
    });
    tell("start_and_index", "", TIMES, || Catalog::read_shipped().search("contact").len());
    tell("start_and_read_all", "", TIMES, || {
        let catalog = Catalog::read_shipped();
        catalog.connectors().map(|it| it.operations.values().count() + it.schemas.iter().count()).sum()
    });
    tell("events", "", 1, || Event::shipped().len());
    let catalog = Catalog::shipped();
    let found = catalog.search("contact").len();
    assert!(found > 0, "the catalogue is there");
    for query in QUERIES {
        tell("query", query, TIMES, || catalog.search(query).len());
    }
}

fn tell(what: &str, query: &str, times: usize, mut act: impl FnMut() -> usize) {
    let mut took: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            black_box(act());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (middle, worst) = (took[took.len() / 2].round(), took[took.len() - 1].round());
    println!("{}", json!({"what": what, "query": query, "us": middle, "worst_us": worst, "times": times}));
}
