//! Flow files: any bytes are read or refused; a flow is written as it is read; a check and making it ready never panic, and
//! what a check finds no error in can be made ready.
use std::sync::LazyLock;

use flowyard::catalog::Catalog;
use flowyard::flow::{CheckContext, Flow, Order, Severity};
use flowyard::run::Program;

pub(crate) fn run(data: &[u8]) {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::shipped);
    let flow = match Flow::parse(data) {
        Ok(flow) => flow,
        Err(error) => {
            let lines = data.split(|it| *it == b'\n').count();
            assert!(error.line <= lines && !error.message.is_empty() && error.to_string().len() < 8000, "{error}");
            return;
        }
    };
    let text = flow.to_text();
    let again = Flow::parse(text.as_bytes()).expect("what is written can be read");
    assert_eq!(again, flow, "what is read is what was written");
    assert_eq!(again.to_text(), text);
    assert_eq!(again.content_hash(), flow.content_hash());
    let revision = Flow::parse(flow.revision_text().as_bytes()).expect("a revision can be read");
    assert_eq!(revision.content_hash(), flow.content_hash());

    let problems = flow.check(&CATALOG, &CheckContext::default());
    assert!(problems.len() <= 2001);
    for problem in &problems {
        assert!(!problem.message.is_empty() && problem.node.as_ref().is_none_or(|it| flow.nodes.contains_key(it)), "{problem}");
    }
    let program = Program::compile(&flow, &CATALOG);
    if problems.iter().all(|it| it.severity != Severity::Error) {
        assert!(Order::new(&flow).is_ok());
        assert!(program.is_ok(), "{program:?}");
    }
}
