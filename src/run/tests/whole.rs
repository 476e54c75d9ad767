//! A run whose event shows a part of its record reads the whole of it first.
use super::*;
use crate::flow::Watch;

/// The task that a message tells of, with whatever the catalogue says is read of it.
fn task(watch: Watch) -> Arc<Program> {
    let trigger = NodeKind::Trigger(Trigger::Event {
        event: OperationId::new("highlevel.webhook.TaskCreate"),
        slot: "crm".into(),
        input: BTreeMap::new(),
        watch,
        sample: Value::Null,
    });
    let mut flow = flow(&[("hook", trigger), ("a", set("hook.contactId"))], &["hook -> a"]);
    flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
    Arc::new(Program::compile(&flow, &Catalog::shipped()).expect("a sound flow"))
}

fn told() -> Value {
    json!({ "type": "TaskCreate", "id": "t2", "title": "Call" })
}

fn answer() -> Conclusion {
    Conclusion::Succeeded(Arc::new(json!({ "tasks": [{ "_id": "t1", "contactId": "c1" }, { "_id": "t2", "contactId": "c2" }] })))
}

#[test]
fn what_a_message_lacks_is_read_and_what_follows_sees_it() {
    let mut world = World::new(|perform| {
        let Call::Operation { operation, input, slot, .. } = &perform.call else { unreachable!("a read") };
        assert_eq!((operation.id.as_str(), slot.as_str()), ("highlevel.locations.task-search", "crm"));
        assert_eq!(Value::Object(input.clone()), json!({ "query": "Call", "limit": 100 }));
        answer()
    });
    let (journal, run) = run(&task(Watch::default()), told(), &mut world);
    assert_eq!(run.outcome(), Some(&Outcome::Succeeded));
    assert_eq!(world.names(), ["hook"]);
    let whole = json!({ "type": "TaskCreate", "id": "t2", "title": "Call", "_id": "t2", "contactId": "c2" });
    assert_eq!((done(&run, "hook"), done(&run, "a")), (Some(whole.clone()), Some(json!({ "value": "c2" }))));
    // One that is done again from a later step begins with what was read, and from its start with what was told.
    let flow = Flow::clone(&flow(&[hook(), ("a", set("1"))], &["hook -> a"]));
    let payload = |from: &RetryFrom| Value::clone(&again(&flow, &journal, from).expect("a plan").payload);
    assert_eq!(payload(&RetryFrom::Step(StepKey::new("a"))), whole);
    assert_eq!(payload(&RetryFrom::Start), told());
}

#[test]
fn what_is_gone_is_no_failure_and_what_is_not_to_be_read_is_not() {
    let gone = |status: u16, kind: FailureKind, detail: &str| {
        Conclusion::Failed(Failure::new(kind, "No").status(status).detail(detail.to_owned()))
    };
    for (conclusion, is_ok) in [
        (gone(404, FailureKind::NotFound, ""), true),
        (gone(400, FailureKind::Refused, "Contact not found"), true),
        (gone(400, FailureKind::Refused, "limit must be a number"), false),
        (gone(403, FailureKind::Forbidden, ""), false),
        (Conclusion::Succeeded(Arc::new(json!({ "tasks": [] }))), true),
    ] {
        let words = format!("{conclusion:?}");
        let mut answers = vec![conclusion];
        let mut world = World::new(move |_| answers.pop().expect("one call"));
        let (_, run) = run(&task(Watch::default()), json!({ "id": "t2", "title": "Call", "contactId": "c9" }), &mut world);
        let output = is_ok.then(|| json!({ "value": "c9" }));
        assert_eq!((run.outcome() == Some(&Outcome::Succeeded), done(&run, "a")), (is_ok, output), "{words}");
    }
    let mut world = World::echo();
    let unread = task(Watch { whole: Some(false), ..Watch::default() });
    let (_, run) = run(&unread, json!({ "contactId": "c9" }), &mut world);
    assert_eq!((world.names(), done(&run, "a")), (Vec::new(), Some(json!({ "value": "c9" }))));
}

#[test]
fn a_read_is_tried_again_and_made_again_after_a_crash() {
    let mut first = vec![Conclusion::Retry { after: None, failure: Failure::new(FailureKind::Network, "Not now") }];
    let mut world = World::new(move |_| first.pop().unwrap_or_else(answer));
    let (journal, run) = run(&task(Watch::default()), told(), &mut world);
    assert_eq!((world.names(), run.outcome()), (vec!["hook", "hook"], Some(&Outcome::Succeeded)));
    for cut in 1..journal.len() {
        let mut journal = accepted(told());
        drive(&mut journal, &task(Watch::default()), &mut World::new(|_| answer()), cut);
        let run = drive(&mut journal, &task(Watch::default()), &mut World::new(|_| answer()), usize::MAX);
        assert_eq!(done(&run, "a"), Some(json!({ "value": "c2" })), "{cut}");
    }
}
