//! Budgets on a paused clock.
use super::*;

fn bucket(requests: u32, per_ms: u64) -> Arc<Bucket> {
    Arc::new(Bucket::new(&[Rate { requests, per_ms }]))
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
            let permit = bucket.take(LONG).await.unwrap();
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
    used(bucket.take(LONG).await.unwrap());
    let start = Instant::now();
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_secs(1), bucket.take(LONG)).await;
        assert!(given_up.is_err());
    }
    used(bucket.take(LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(bucket.state().unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_never_used_goes_to_the_next_at_once() {
    let bucket = bucket(1, 10_000);
    let permit = bucket.take(LONG).await.unwrap();
    let next = tokio::spawn({
        let bucket = Arc::clone(&bucket);
        async move { bucket.take(LONG).await.map(|_| Instant::now()) }
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
    let mut permit = bucket.take(LONG).await.unwrap();
    permit.sending();
    drop(permit);
    let start = Instant::now();
    drop(bucket.take(LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_not_begun() {
    let bucket = bucket(1, 10_000);
    used(bucket.take(LONG).await.unwrap());
    let put_off = bucket.take(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(put_off, PutOff { after: Duration::from_secs(10), spent: false });
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_becomes_too_long_ends() {
    let bucket = bucket(1, 10_000);
    let mut held = bucket.take(LONG).await.unwrap();
    held.sending();
    let start = Instant::now();
    let put_off = bucket.take(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((start.elapsed().as_secs(), put_off.spent), (5, false));
    assert!(put_off.after > Duration::ZERO);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_spent_day_is_told_at_once() {
    let bucket = bucket(1, 86_400_000);
    used(bucket.take(LONG).await.unwrap());
    let put_off = bucket.take(LONG).await.unwrap_err();
    assert!(put_off.spent && put_off.after <= Duration::from_hours(24));
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_the_others_too() {
    let bucket = bucket(100, 10_000);
    let mut permit = bucket.take(LONG).await.unwrap();
    permit.sending();
    permit.block(Duration::from_secs(30));
    permit.answered(Told::default());
    let start = Instant::now();
    assert_eq!(bucket.state().unwrap().remaining, 0);
    used(bucket.take(LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_tells_is_believed() {
    let bucket = bucket(100, 10_000);
    let mut permit = bucket.take(LONG).await.unwrap();
    permit.sending();
    permit.answered(Told { max: Some(100), remaining: Some(0), interval: Some(Duration::from_secs(20)), daily_remaining: None });
    let start = Instant::now();
    used(bucket.take(LONG).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 10, "the interval that was known when it was answered");
}
