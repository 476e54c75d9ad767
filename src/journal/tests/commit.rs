//! What an acknowledgement means.
use proptest::prelude::*;

use super::*;

#[test]
fn an_append_is_acknowledged_only_when_others_can_read_it() {
    let bench = Bench::new();
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut commit = bench.journal.append(accepted(RunId(1), "a", None));
    let reader = Journal::open_reader(bench.dir.path()).unwrap();
    for _ in 0..1000 {
        assert!(is_pending(&mut commit));
        thread::yield_now();
    }
    assert_eq!(reader.run(RunId(1)).unwrap(), None);
    other.execute_batch("ROLLBACK").unwrap();
    commit.wait().unwrap();
    assert_eq!(reader.run(RunId(1)).unwrap().unwrap().flow_name, "Flow a");
    assert_eq!(reader.entries(RunId(1)).unwrap(), accepted(RunId(1), "a", None).entries);
}

#[test]
fn whatever_waits_shares_one_commit() {
    let bench = Bench::new();
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let commits: Vec<Commit> = (1..=200).map(|run| bench.journal.append(accepted(RunId(run), "a", None))).collect();
    other.execute_batch("ROLLBACK").unwrap();
    for commit in commits {
        commit.wait().unwrap();
    }
    let Written { appends, commits } = bench.journal.written();
    assert_eq!(appends, 200);
    // The writer held some of them when the lock went, and found the rest after.
    assert!(commits <= 2, "{commits}");
}

#[tokio::test]
async fn an_append_is_awaited_by_a_task() {
    let bench = Bench::new();
    let journal = bench.journal.clone();
    journal.room().await;
    let task = tokio::spawn(async move { journal.append(accepted(RunId(1), "a", None)).await });
    task.await.unwrap().unwrap();
    assert_eq!(bench.journal.unfinished().unwrap(), [RunId(1)]);
}

#[test]
fn what_is_kept_with_an_append_is_kept_if_that_is_written_and_in_the_same_moment() {
    let bench = Bench::new();
    let reader = Journal::open_reader(bench.dir.path()).unwrap();
    let kept = |value: Value| Some(Kept { scope: "told".to_owned(), key: "x".to_owned(), value });
    let send = |run, value| bench.journal.append_with(accepted(RunId(run), "a", Some("x")), kept(value));
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = send(1, json!(1));
    assert_eq!((reader.run(RunId(1)).unwrap(), bench.journal.state("told", "x").unwrap()), (None, None));
    other.execute_batch("ROLLBACK").unwrap();
    first.wait().unwrap();
    assert_eq!(bench.journal.state("told", "x").unwrap(), Some(json!(1)));
    // The same event once more is no run, and leaves what is kept as it was.
    assert_eq!(send(2, json!(2)).wait(), Err(JournalError::Duplicate { run: RunId(1) }));
    assert_eq!(bench.journal.state("told", "x").unwrap(), Some(json!(1)));
}

#[test]
fn a_delivery_is_taken_once_and_the_rest_of_the_group_is_written() {
    let bench = Bench::new();
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let send = |run, flow, delivery| bench.journal.append(accepted(RunId(run), flow, Some(delivery)));
    let commits = [send(1, "a", "x"), send(2, "a", "x"), send(3, "a", "y"), send(4, "b", "x")];
    let after = bench.journal.append(facts(RunId(2), vec![logged("never")]));
    other.execute_batch("ROLLBACK").unwrap();
    let results = commits.map(Commit::wait);
    let duplicate = Err(JournalError::Duplicate { run: RunId(1) });
    assert_eq!(results, [Ok(()), duplicate.clone(), Ok(()), Ok(())]);
    // What was sent on the belief that the run would be there is refused for the same reason.
    assert_eq!(after.wait(), duplicate);
    assert_eq!(bench.ids(&Filter::default()), [4, 3, 1]);
    let bench = bench.again();
    assert_eq!(bench.journal.append(accepted(RunId(9), "a", Some("y"))).wait(), Err(JournalError::Duplicate { run: RunId(3) }));
}

#[test]
fn facts_about_no_run_and_a_second_head_are_refused() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let unknown = bench.journal.append(facts(RunId(77), vec![logged("x")])).wait();
    assert_eq!(unknown, Err(JournalError::Unknown { run: RunId(77) }));
    assert_eq!(bench.journal.append(accepted(run, "a", None)).wait(), Err(JournalError::Exists { run }));
    assert_eq!(bench.journal.append(accepted(run, "a", Some("z"))).wait(), Err(JournalError::Exists { run }));
    bench.add(run, vec![logged("still works")]);
    assert_eq!(bench.journal.entries(run).unwrap().len(), 2);
    let beyond = bench.journal.append(accepted(RunId(u64::MAX), "a", None)).wait();
    assert_eq!(beyond, Err(JournalError::Unknown { run: RunId(u64::MAX) }));
}

#[test]
fn appends_stand_in_the_order_of_sending() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let sent: Vec<Commit> = (0..3000).map(|n| bench.journal.append(facts(run, vec![logged(&n.to_string())]))).collect();
    for commit in sent {
        commit.wait().unwrap();
    }
    let entries = bench.journal.entries(run).unwrap();
    let lines: Vec<String> = entries[1..]
        .iter()
        .map(|it| match it {
            Entry::Logged { message, .. } => message.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lines, (0..3000).map(|it| it.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_waits_is_written_before_closing_and_nothing_is_taken_after() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let sent: Vec<Commit> = (0..500).map(|n| bench.journal.append(facts(run, vec![logged(&n.to_string())]))).collect();
    bench.journal.close();
    for commit in sent {
        commit.wait().unwrap();
    }
    assert_eq!(bench.journal.append(facts(run, vec![logged("late")])).wait(), Err(JournalError::Closed));
    assert_eq!(bench.journal.entries(run).unwrap().len(), 501);
    bench.journal.close();
}

#[test]
fn dropping_the_last_clone_writes_what_waits() {
    let bench = Bench::new();
    for run in 1..=300 {
        drop(bench.journal.append(accepted(RunId(run), "a", None)));
    }
    let bench = bench.again();
    assert_eq!(bench.journal.unfinished().unwrap().len(), 300);
}

#[test]
fn another_program_that_keeps_the_file_locked_is_an_error_and_not_the_end() {
    let bench = Bench::with(Options { lock_wait: Duration::ZERO, ..Options::default() });
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let result = bench.journal.append(accepted(RunId(1), "a", None)).wait();
    let path = schema::path(bench.dir.path());
    assert_eq!(result, Err(JournalError::Locked { path }));
    other.execute_batch("ROLLBACK").unwrap();
    bench.journal.append(accepted(RunId(1), "a", None)).wait().unwrap();
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        "[a-z ]{400,900}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..6).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn step() -> impl Strategy<Value = StepKey> {
    ("[a-z_]{1,12}", proptest::collection::vec(any::<u32>(), 0..3))
        .prop_map(|(node, item)| StepKey { node: NodeId::from(&*node), item: crate::run::ItemPath(item) })
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (-9_000_000_000_i64..9_000_000_000, 0..1_000_000_000_i32)
        .prop_map(|(second, nano)| Timestamp::new(second, if second < 0 { -nano } else { nano }).unwrap())
}

fn failure() -> impl Strategy<Value = Failure> {
    (".{1,40}", ".{0,900}", ".{0,20}", proptest::option::of(100..600_u16)).prop_map(|(title, detail, at, status)| Failure {
        status,
        ..Failure::new(FailureKind::Refused, title).detail(detail).at(at)
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let outcome = prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Cancelled), failure().prop_map(Outcome::Failed)];
    let park = prop_oneof![Just(Park::Uncertain), ".{0,9}".prop_map(Park::Approval), ".{0,9}".prop_map(Park::SignIn)];
    let release = prop_oneof![
        Just(Release::Repeat),
        value().prop_map(|it| Release::Done(Arc::new(it))),
        Just(Release::Fail),
        Just(Release::Approve),
        Just(Release::Decline)
    ];
    prop_oneof![
        (value(), moment()).prop_map(|(it, at)| Entry::Accepted {
            trigger: NodeId::from("t"),
            payload: Arc::new(it),
            at,
            cause: Arc::default()
        }),
        (step(), value(), moment()).prop_map(|(step, it, at)| Entry::StepSucceeded {
            step,
            port: PortId::out(),
            output: Arc::new(it),
            at
        }),
        (step(), failure(), moment(), proptest::option::of(moment())).prop_map(|(step, failure, at, retry_at)| {
            let entry =
                json!({"e": "step_failed", "step": step, "attempt": 2, "failure": failure, "at": at, "retry_at": retry_at});
            serde_json::from_value(entry).unwrap()
        }),
        (step(), value(), moment()).prop_map(|(step, input, at)| {
            serde_json::from_value(json!({"e": "step_started", "step": step, "attempt": 1, "input": input, "at": at})).unwrap()
        }),
        (step(), moment(), moment()).prop_map(|(step, until, at)| Entry::StepWaiting { step, until, at }),
        (step(), any::<u32>(), moment()).prop_map(|(step, count, at)| Entry::ItemsOpened { step, count, at }),
        (step(), any::<u32>(), proptest::option::of(failure()), proptest::option::of(value()), moment()).prop_map(
            |(step, index, failure, result, at)| Entry::ItemFinished { step, index, failure, result: result.map(Arc::new), at }
        ),
        (step(), ".*", moment()).prop_map(|(step, message, at)| Entry::Logged { step, level: Level::Info, message, at }),
        (step(), park, moment()).prop_map(|(step, on, at)| Entry::StepParked { step, on, at }),
        (step(), release, moment()).prop_map(|(step, release, at)| Entry::StepReleased { step, release, at }),
        (".{0,20}", moment()).prop_map(|(by, at)| Entry::Cancelled { by, at }),
        (outcome, moment()).prop_map(|(outcome, at)| Entry::Finished { outcome, at }),
    ]
}

#[test]
fn any_facts_come_back_as_they_were_sent() {
    let bench = Bench::new();
    proptest!(|(appends in proptest::collection::vec(proptest::collection::vec(entry(), 0..8), 0..6))| {
        let run = bench.begin("a");
        let sent: Vec<Commit> = appends.iter().map(|it| bench.journal.append(facts(run, it.clone()))).collect();
        for commit in sent {
            commit.wait().unwrap();
        }
        let entries = bench.journal.entries(run).unwrap();
        prop_assert_eq!(&entries[1..], &appends.concat()[..]);
    });
}
