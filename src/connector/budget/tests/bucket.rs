//! Budgets on a paused clock.
use super::*;

fn bucket(requests: u32, per_ms: u64) -> Arc<Bucket> {
    Arc::new(Bucket::new(&[Rate { requests, per_ms }], None))
}

const LONG: Duration = Duration::from_hours(1);

fn used(mut permit: Permit) {
    permit.sending();
    permit.answered(Told::default());
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_rate_wait_and_go_in_order() {
    let bucket = bucket(2, 10_000);
    let start = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut all = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (bucket, order) = (Arc::clone(&bucket), Arc::clone(&order));
        all.spawn(async move {
            let permit = bucket.take(Priority::Background, LONG).await.unwrap();
            order.lock().unwrap().push((number, start.elapsed().as_secs()));
            used(permit);
        });
        tokio::task::yield_now().await;
    }
    all.join_all().await;
    assert_eq!(*order.lock().unwrap(), [(0, 0), (1, 0), (2, 10), (3, 10), (4, 20), (5, 20)]);
    assert_eq!(bucket.state().unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_given_up_takes_no_place() {
    let bucket = bucket(1, 10_000);
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    let start = Instant::now();
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_secs(1), bucket.take(Priority::Background, LONG)).await;
        assert!(given_up.is_err());
    }
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(bucket.state().unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_never_used_goes_to_the_next_at_once() {
    let bucket = bucket(1, 10_000);
    let permit = bucket.take(Priority::Background, LONG).await.unwrap();
    let next = tokio::spawn({
        let bucket = Arc::clone(&bucket);
        async move { bucket.take(Priority::Background, LONG).await.map(|_| Instant::now()) }
    });
    tokio::task::yield_now().await;
    assert_eq!(bucket.state().unwrap().waiting, 1);
    let now = Instant::now();
    drop(permit);
    assert_eq!(next.await.unwrap().unwrap(), now);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_keeps_its_place_for_an_interval() {
    let bucket = bucket(1, 10_000);
    let mut permit = bucket.take(Priority::Background, LONG).await.unwrap();
    permit.sending();
    drop(permit);
    let start = Instant::now();
    drop(bucket.take(Priority::Background, LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_not_begun() {
    let bucket = bucket(1, 10_000);
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    let put_off = bucket.take(Priority::Background, Duration::from_secs(5)).await.unwrap_err();
    assert!(!put_off.spent && put_off.after.as_secs() == 10, "{put_off:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_becomes_too_long_ends() {
    let bucket = bucket(1, 10_000);
    let mut held = bucket.take(Priority::Background, LONG).await.unwrap();
    held.sending();
    let start = Instant::now();
    let put_off = bucket.take(Priority::Background, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((start.elapsed().as_secs(), put_off.spent), (5, false));
    assert!(put_off.after > Duration::ZERO);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_spent_day_is_told_at_once() {
    let bucket = bucket(1, 86_400_000);
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    let put_off = bucket.take(Priority::Background, LONG).await.unwrap_err();
    assert!(put_off.spent && put_off.after <= Duration::from_hours(24));
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_the_others_too() {
    let bucket = bucket(100, 10_000);
    let mut permit = bucket.take(Priority::Background, LONG).await.unwrap();
    permit.sending();
    permit.block(Duration::from_secs(30));
    permit.answered(Told::default());
    let start = Instant::now();
    assert_eq!(bucket.state().unwrap().remaining, 0);
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_tells_is_believed() {
    let bucket = bucket(100, 10_000);
    let mut permit = bucket.take(Priority::Background, LONG).await.unwrap();
    permit.sending();
    permit.answered(Told { max: Some(100), remaining: Some(0), interval: Some(Duration::from_secs(20)), daily_remaining: None });
    let start = Instant::now();
    used(bucket.take(Priority::Background, LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 20, "the interval that it counts in, not the one that was known when it was sent");
}

/// The uses of one directory on the same clock, as two processes on a machine are.
struct Place {
    dir: tempfile::TempDir,
    clock: Clock,
    rates: Vec<Rate>,
}

impl Place {
    fn new(rates: &[(u32, u64)]) -> Self {
        let rates = rates.iter().map(|(requests, per_ms)| Rate { requests: *requests, per_ms: *per_ms }).collect();
        Self { dir: tempfile::tempdir().unwrap(), clock: Clock::steady(), rates }
    }

    fn process(&self) -> Arc<Bucket> {
        let member = Arc::new(Member::of(self.dir.path()));
        Arc::new(Bucket::with_clock(&self.rates, Some((member, "account")), self.clock))
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("budgets/account.budget")
    }

    /// The files by which processes are known to live.
    fn alive(&self) -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(self.dir.path().join("budgets")).unwrap().map(|it| it.unwrap().path());
        all.filter(|it| it.extension().is_some_and(|it| it == "alive")).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn processes_on_one_directory_hold_to_one_budget() {
    let place = Place::new(&[(4, 10_000), (100, 86_400_000)]);
    let start = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let mut all = tokio::task::JoinSet::new();
    for process in [place.process(), place.process()] {
        for _ in 0..6 {
            let (process, times) = (Arc::clone(&process), Arc::clone(&times));
            all.spawn(async move {
                let mut permit = process.take(Priority::Background, LONG).await.unwrap();
                permit.sending();
                tokio::time::sleep(Duration::from_millis(30)).await;
                permit.answered(Told::default());
                times.lock().unwrap().push(start.elapsed().as_secs());
            });
        }
    }
    all.join_all().await;
    assert_eq!(*times.lock().unwrap(), [0, 0, 0, 0, 10, 10, 10, 10, 20, 20, 20, 20]);
    let state = place.process().state().unwrap();
    assert_eq!((state.used_today, state.used, state.waiting), (12, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_person_goes_before_what_waits_in_another_process() {
    let place = Place::new(&[(1, 1_000)]);
    let (serve, window) = (place.process(), place.process());
    used(serve.take(Priority::Background, LONG).await.unwrap());
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut all = tokio::task::JoinSet::new();
    for (process, priority, name) in [
        (&serve, Priority::Background, "hook 1"),
        (&serve, Priority::Background, "hook 2"),
        (&window, Priority::First, "test"),
        (&window, Priority::Background, "poll"),
    ] {
        let (process, order) = (Arc::clone(process), Arc::clone(&order));
        all.spawn(async move {
            let permit = process.take(priority, LONG).await.unwrap();
            order.lock().unwrap().push(name);
            used(permit);
        });
        tokio::task::yield_now().await;
    }
    all.join_all().await;
    assert_eq!(order.lock().unwrap()[0], "test");
    assert_eq!(order.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_background_is_not_starved_by_people() {
    let bucket = bucket(1, 1_000);
    used(bucket.take(Priority::First, LONG).await.unwrap());
    let order = Arc::new(Mutex::new(String::new()));
    let mut all = tokio::task::JoinSet::new();
    for at in 0..20 {
        let (bucket, order) = (Arc::clone(&bucket), Arc::clone(&order));
        let (priority, letter) = if at == 0 { (Priority::Background, 'b') } else { (Priority::First, 'f') };
        all.spawn(async move {
            let permit = bucket.take(priority, LONG).await.unwrap();
            order.lock().unwrap().push(letter);
            used(permit);
        });
        tokio::task::yield_now().await;
    }
    all.join_all().await;
    let order = order.lock().unwrap();
    let before = order.find('b').unwrap();
    assert!((1..=8).contains(&before), "{order}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_days_count_and_what_is_taken() {
    let place = Place::new(&[(3, 10_000), (100, 86_400_000)]);
    let first = place.process();
    for _ in 0..3 {
        used(first.take(Priority::Background, LONG).await.unwrap());
    }
    drop(first);
    assert_eq!(place.alive().len(), 0);
    let second = place.process();
    let state = second.state().unwrap();
    assert_eq!((state.used_today, state.used, state.remaining, state.daily_remaining), (3, 3, 0, Some(97)));
    let put_off = second.take(Priority::Background, Duration::from_secs(5)).await.unwrap_err();
    assert!(!put_off.spent && put_off.after > Duration::from_secs(9));
    used(second.take(Priority::Background, LONG).await.unwrap());
    assert_eq!(second.state().unwrap().used_today, 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_process_had_under_way_that_is_gone_is_free_after_an_interval() {
    let place = Place::new(&[(2, 10_000)]);
    let (killed, other) = (place.process(), place.process());
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut permit = killed.take(Priority::Background, LONG).await.unwrap();
        permit.sending();
        held.push(permit);
    }
    let start = Instant::now();
    let waits = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.take(Priority::Background, LONG).await.map(used) }
    });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!waits.is_finished(), "it lives, and its requests may still be counted");
    // As the system leaves it where a process was killed: nobody holds its file locked.
    let mine = place.alive();
    assert_eq!(mine.len(), 2);
    for path in mine {
        std::fs::remove_file(path).unwrap();
    }
    waits.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 70);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_begun_anew() {
    let place = Place::new(&[(3, 10_000), (100, 86_400_000)]);
    for damage in [&b""[..], b"{}", &[0; 4_096], &vec![0xff; 70_000]] {
        let process = place.process();
        std::fs::create_dir_all(place.dir.path().join("budgets")).unwrap();
        std::fs::write(place.file(), damage).unwrap();
        used(process.take(Priority::Background, LONG).await.unwrap());
        assert_eq!(place.process().state().unwrap().used_today, 1, "{} bytes", damage.len());
        // While others are at it, what they know goes on.
        std::fs::write(place.file(), damage).unwrap();
        used(process.take(Priority::Background, LONG).await.unwrap());
        assert_eq!(place.process().state().unwrap().used_today, 2);
        std::fs::remove_file(place.file()).unwrap();
        used(process.take(Priority::Background, LONG).await.unwrap());
        assert_eq!(place.process().state().unwrap().used_today, 3, "it is there again");
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_given_up_holds_nobody_up_and_is_told_later() {
    let place = Place::new(&[(10, 10_000), (100, 86_400_000)]);
    let process = place.process();
    used(process.take(Priority::Background, LONG).await.unwrap());
    let held = std::fs::File::open(place.file()).unwrap();
    held.lock().unwrap();
    for _ in 0..3 {
        used(process.take(Priority::Background, LONG).await.unwrap());
    }
    let mut under_way = process.take(Priority::Background, LONG).await.unwrap();
    under_way.sending();
    held.unlock().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    used(process.take(Priority::Background, LONG).await.unwrap());
    let state = place.process().state().unwrap();
    assert_eq!((state.used_today, state.used), (6, 6));
    under_way.answered(Told::default());
    assert_eq!(place.process().state().unwrap().used, 6);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_used_leaves_each_process_its_own_count() {
    let place = Place::new(&[(1, 10_000)]);
    std::fs::write(place.dir.path().join("budgets"), "a file").unwrap();
    let process = place.process();
    used(process.take(Priority::Background, LONG).await.unwrap());
    let put_off = process.take(Priority::Background, Duration::from_secs(5)).await.unwrap_err();
    assert!(put_off.after > Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn many_accounts_hold_no_files_open_and_a_file_says_nothing_of_its_account() {
    let place = Place::new(&[(5, 10_000)]);
    let process = place.process();
    let mut permit = process.take(Priority::First, LONG).await.unwrap();
    permit.sending();
    assert!(process.book().shared.as_ref().unwrap().is_open());
    permit.answered(Told::default());
    assert!(!process.book().shared.as_ref().unwrap().is_open());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// What the limiter costs: `cargo test --lib -- --ignored --nocapture what_a_shared_budget_costs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, for half a minute"]
async fn what_a_shared_budget_costs() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = |rate: Rate, is_shared: bool| {
        let member = Arc::new(Member::of(dir.path()));
        let name = format!("{}", rate.requests);
        let day = Rate { requests: u32::MAX, per_ms: 86_400_000 };
        Arc::new(Bucket::new(&[rate, day], is_shared.then_some((member, name.as_str()))))
    };
    for is_shared in [false, true] {
        let bucket = bucket(Rate { requests: 100_000, per_ms: 1_000 }, is_shared);
        let began = std::time::Instant::now();
        for _ in 0..10_000 {
            used(bucket.take(Priority::Background, LONG).await.unwrap());
        }
        println!("shared: {is_shared}, {:.1} µs a request", began.elapsed().as_secs_f64() * 100.0);
    }
    for processes in [1, 2] {
        let rate = Rate { requests: 1_000, per_ms: 1_000 };
        let buckets: Vec<_> = (0..processes).map(|_| bucket(rate, true)).collect();
        // The first thousand go at once, and as many with each second.
        let end = Instant::now() + Duration::from_millis(10_500);
        let done = Arc::new(AtomicU32::new(0));
        let mut all = tokio::task::JoinSet::new();
        for worker in 0..32 {
            let (bucket, done) = (Arc::clone(&buckets[worker % buckets.len()]), Arc::clone(&done));
            all.spawn(async move {
                loop {
                    let mut permit = bucket.take(Priority::Background, LONG).await.unwrap();
                    if Instant::now() > end {
                        break;
                    }
                    permit.sending();
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    permit.answered(Told::default());
                    done.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        all.join_all().await;
        let done = done.load(Ordering::Acquire);
        println!(
            "{processes} processes: {done} of 11,000 requests that 1,000/s allow in 10.5 s, {:.1} % less",
            100.0 - f64::from(done) / 110.0
        );
    }
}
