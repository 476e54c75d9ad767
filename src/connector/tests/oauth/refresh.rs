//! Tokens end, and are renewed.
use super::*;
use crate::connector::{CallError, ConnectionId, VaultKey};
use crate::record::FailureKind;
use crate::sandbox::{Fault, FaultKind, Faults, Traps};

fn next(scene: &Scene, operation: &str, faults: impl IntoIterator<Item = Fault>) {
    let operation = OperationId::new(operation);
    let next = faults.into_iter().map(|it| it.on(operation.clone())).collect();
    scene.sandbox.set_faults(Faults { next, ..Faults::default() });
}

/// An app that has lost its tokens gets none without a person.
fn never_reconnect(scene: &Scene) {
    scene.sandbox.set_oauth(sandbox::OauthSettings { reconnects: false, ..scene.sandbox.oauth() });
}

/// A key file: a passphrase takes its time, on purpose.
fn key(dir: &std::path::Path) -> VaultKey {
    let path = dir.join("key");
    VaultKey::make_file(&path).unwrap();
    VaultKey::File(path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_calls_that_meet_an_ended_token_at_once_renew_it_once() {
    let scene = Arc::new(Scene::signed_in().await);
    scene.expire();
    let before = scene.sandbox.last_seq();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.read().await })
        })
        .collect();
    for call in calls {
        let called = call.await.unwrap();
        assert!(called.result.is_ok(), "{called:?}");
    }
    assert_eq!(scene.renewals(before), 1);
    let reads = scene.done(READ, before);
    assert_eq!(reads.iter().filter(|it| it.status == 200).count(), 50);
}

#[tokio::test]
async fn a_token_whose_time_is_nearly_up_is_renewed_before_the_call() {
    let scene = Scene::signed_in().await;
    let old = kept_value(&scene.kept());
    let before = scene.sandbox.last_seq();
    assert!(scene.read().await.result.is_ok());
    assert_eq!(scene.renewals(before), 0);
    // Fifty seconds are left.
    scene.shift(SignedDuration::from_secs(-86_349));
    for _ in 0..20 {
        let called = scene.read().await;
        assert!(called.result.is_ok() && called.before.is_none());
    }
    assert_eq!(scene.renewals(before), 1);
    assert!(scene.done(READ, before).iter().all(|it| it.status == 200), "no call met a 401");
    let new = kept_value(&scene.kept());
    assert!(new["secret"] != old["secret"] && new["refresh"] != old["refresh"]);
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_or_jumps_causes_one_renewal_and_no_storm() {
    let scene = Scene::signed_in().await;
    for hours in [-1000, -25, -1, 1, 25, 1000] {
        scene.shift(SignedDuration::from_hours(hours));
        scene.expire();
        let before = scene.sandbox.last_seq();
        for _ in 0..8 {
            assert!(scene.read().await.result.is_ok());
        }
        assert_eq!(scene.renewals(before), 1, "{hours} hours");
    }
}

#[tokio::test]
async fn tokens_that_live_for_a_moment_are_not_renewed_at_every_call() {
    let scene = Scene::start().await;
    for seconds in [0, 1, 2] {
        let settings = sandbox::OauthSettings { access_seconds: seconds, ..scene.sandbox.oauth() };
        scene.sandbox.set_oauth(settings);
        scene.sign_in().await.unwrap();
        let before = scene.sandbox.last_seq();
        // At the service a token of no time has ended when it comes; the second one shows that this is no matter of time.
        let ended = scene.read().await.result.is_err();
        assert!(!ended || seconds == 0);
        for _ in 0..10 {
            let _called = scene.read().await;
        }
        assert!(scene.renewals(before) <= 12, "{seconds} s: {}", scene.renewals(before));
    }
}

#[tokio::test]
async fn a_service_that_refuses_every_token_is_asked_for_one_new_pair_and_no_more() {
    let scene = Scene::signed_in().await;
    let before = scene.sandbox.last_seq();
    next(&scene, READ, (0..100).map(|_| Fault::new(FaultKind::Unauthorized)));
    for round in 0..10 {
        let called = scene.read().await;
        let Err(CallError::SignIn(failure)) = &called.result else { panic!("{called:?}") };
        assert_eq!(failure.status, Some(401));
        assert_eq!(called.before.is_some(), round == 0, "only the first call is made twice");
    }
    assert_eq!(scene.renewals(before), 1);
    scene.sandbox.set_faults(Faults::default());
    assert!(scene.read().await.result.is_ok());
    scene.expire();
    assert!(scene.read().await.result.is_ok(), "a pair that worked is renewed again");
    assert_eq!(scene.renewals(before), 2);
}

#[tokio::test]
async fn a_sign_in_that_was_taken_back_is_asked_for_once_and_ends_with_the_next_sign_in() {
    let scene = Scene::signed_in().await;
    scene.sandbox.revoke_tokens(&ConnectorId::new("highlevel"));
    let before = scene.sandbox.last_seq();
    for _ in 0..10 {
        let called = scene.read().await;
        let Err(CallError::SignIn(failure)) = &called.result else { panic!("{called:?}") };
        assert!(failure.title.contains("does not accept the sign-in of \"Main\" any more"), "{failure}");
        assert!(failure.detail.contains("unknown or was taken back") && failure.hint.contains("sign in to \"Main\" again"));
    }
    assert_eq!(scene.renewals(before), 1, "a refusal stays one");
    scene.sign_in().await.unwrap();
    assert!(scene.read().await.result.is_ok());
}

#[tokio::test]
async fn the_call_that_met_an_ended_token_is_made_again_and_both_are_told_of() {
    let scene = Scene::signed_in().await;
    scene.expire();
    let called = scene.read().await;
    let status = |it: &Option<Arc<crate::record::Exchange>>| it.as_ref().unwrap().answer.as_ref().unwrap().status;
    assert_eq!((status(&called.before), status(&called.exchange)), (401, 200));
}

#[tokio::test]
async fn a_location_that_is_not_active_is_asked_again_hourly_and_goes_on() {
    let scene = Scene::signed_in().await;
    let inactive = |on| scene.sandbox.set_traps(Traps { location_inactive: on, ..scene.sandbox.traps() });
    inactive(true);
    let hour = |called: &Called| {
        let Err(CallError::Breaker { until: Some(until), failure }) = &called.result else { panic!("{called:?}") };
        assert!(failure.detail.contains("Location is not active") && failure.hint.contains("each hour"), "{failure}");
        let wait = until.duration_since(jiff::Timestamp::now());
        assert!(wait > SignedDuration::from_mins(55) && wait <= SignedDuration::from_hours(1));
    };
    hour(&scene.read().await);
    // The same where the refresh meets it.
    scene.shift(SignedDuration::from_hours(-48));
    let before = scene.sandbox.last_seq();
    for _ in 0..10 {
        hour(&scene.read().await);
    }
    assert_eq!(scene.renewals(before), 1, "one question an hour");
    inactive(false);
    hour(&scene.read().await);
    scene.caller.close_breaker(&scene.connection.id);
    assert!(scene.read().await.result.is_ok(), "a person may ask at once, and the refresh token was not spent");
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_tried_again_and_spends_nothing() {
    let scene = Scene::signed_in().await;
    for (fault, kind) in [
        (Fault::new(FaultKind::ServerError), FailureKind::Service),
        (Fault::new(FaultKind::Html), FailureKind::Service),
        (Fault::new(FaultKind::Cut), FailureKind::Network),
        (Fault::new(FaultKind::RateLimited), FailureKind::RateLimit),
    ] {
        scene.expire();
        next(&scene, TOKENS, [fault.clone()]);
        let called = scene.read().await;
        let Err(CallError::Retry { failure, .. }) = &called.result else { panic!("{fault:?}: {called:?}") };
        assert_eq!(failure.kind, kind, "{fault:?}: {failure}");
        assert!(scene.read().await.result.is_ok(), "{fault:?}");
    }
    // While the old token works, nobody notices.
    scene.shift(SignedDuration::from_secs(-86_349));
    next(&scene, TOKENS, [Fault::new(FaultKind::ServerError)]);
    assert!(scene.read().await.result.is_ok());
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_service_made_the_tokens_ends_with_a_sign_in() {
    for kind in [FaultKind::ServerError, FaultKind::Cut, FaultKind::Html] {
        let scene = Scene::signed_in().await;
        never_reconnect(&scene);
        scene.expire();
        next(&scene, TOKENS, [Fault::new(kind).after_effect()]);
        assert!(matches!(scene.read().await.result, Err(CallError::Retry { .. })));
        let called = scene.read().await;
        assert!(matches!(&called.result, Err(CallError::SignIn(it)) if it.detail.contains("used already")), "{called:?}");
        scene.sign_in().await.unwrap();
        assert!(scene.read().await.result.is_ok());
    }
}

#[tokio::test]
async fn an_app_that_is_still_let_in_gets_new_tokens_after_it_lost_its_own() {
    let scene = Scene::signed_in().await;
    let old = kept_value(&scene.kept());
    for kind in [FaultKind::ServerError, FaultKind::Cut, FaultKind::Html] {
        scene.expire();
        next(&scene, TOKENS, [Fault::new(kind).after_effect()]);
        assert!(matches!(scene.read().await.result, Err(CallError::Retry { .. })));
        let called = scene.read().await;
        assert!(called.result.is_ok(), "{called:?}");
        let new = kept_value(&scene.kept());
        assert!(new["secret"] != old["secret"] && new["refresh"] != old["refresh"]);
        scene.assert_clean(&format!("{called:?}"));
    }
    // A renewal goes on with what it got.
    scene.expire();
    assert!(scene.read().await.result.is_ok());
    // One that was taken out of the account is not let in again.
    scene.sandbox.revoke_tokens(&ConnectorId::new("highlevel"));
    let called = scene.read().await;
    assert!(matches!(&called.result, Err(CallError::SignIn(it)) if it.hint.contains("sign in")), "{called:?}");
}

#[tokio::test]
async fn whoever_asks_for_a_renewal_may_leave_and_it_goes_on() {
    let scene = Arc::new(Scene::signed_in().await);
    scene.expire();
    let before = scene.sandbox.last_seq();
    next(&scene, TOKENS, [Fault::slow(300).after_effect()]);
    let asker = Arc::clone(&scene);
    let asker = tokio::spawn(async move { asker.read().await });
    // The service has made the tokens, and has not answered.
    while scene.renewals(before) == 0 {
        tokio::task::yield_now().await;
    }
    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    assert!(scene.read().await.result.is_ok());
    assert_eq!(scene.renewals(before), 1, "what came of it was kept");
}

#[tokio::test]
async fn everybody_who_waits_while_a_renewal_fails_gets_its_answer() {
    let scene = Arc::new(Scene::signed_in().await);
    scene.shift(SignedDuration::from_hours(-48));
    scene.expire();
    let before = scene.sandbox.last_seq();
    next(&scene, TOKENS, [Fault { after: false, ..Fault::slow(200) }, Fault::new(FaultKind::ServerError)]);
    scene.sandbox.revoke_tokens(&ConnectorId::new("highlevel"));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.read().await.result.is_err() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert_eq!(scene.renewals(before), 1);
}

#[tokio::test]
async fn a_renewal_that_an_earlier_process_never_ended_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let vault = || Vault::at(dir.path(), Some(key.clone()));
    let scene = Scene::with(vault()).await;
    scene.sign_in().await.unwrap();
    never_reconnect(&scene);
    let old = scene.kept();
    // The process ends after the service has answered and before the pair is stored: the vault holds the old one, and the
    // note lies beside it.
    scene.expire();
    next(&scene, TOKENS, [Fault::new(FaultKind::Cut).after_effect()]);
    assert!(matches!(scene.read().await.result, Err(CallError::Retry { .. })));
    let anew = Caller::new(Settings::default(), vault()).unwrap().with_catalog(scene.catalog.clone());
    assert_eq!(kept_value(&anew.vault().get(&scene.connection.id).unwrap().unwrap()), kept_value(&old));
    let next_process = Scene { caller: anew, ..scene };
    let called = next_process.read().await;
    let Err(CallError::SignIn(failure)) = &called.result else { panic!("{called:?}") };
    assert!(failure.title.contains("was lost: Flowyard ended while HighLevel renewed it"), "{failure}");
    assert!(failure.detail.contains("used already") && failure.hint.contains("sign in"), "{failure}");
    for entry in std::fs::read_dir(dir.path().join("locks")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        next_process.assert_clean(&text);
    }
    next_process.sign_in().await.unwrap();
    assert!(next_process.read().await.result.is_ok());
}

#[tokio::test]
async fn a_renewal_that_never_reached_the_service_is_simply_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let scene = Scene::with(Vault::at(dir.path(), Some(key.clone()))).await;
    scene.sign_in().await.unwrap();
    scene.expire();
    next(&scene, TOKENS, [Fault::new(FaultKind::Cut)]);
    assert!(matches!(scene.read().await.result, Err(CallError::Retry { .. })));
    let caller = Caller::new(Settings::default(), Vault::at(dir.path(), Some(key))).unwrap();
    let next_process = Scene { caller: caller.with_catalog(scene.catalog.clone()), ..scene };
    assert!(next_process.read().await.result.is_ok());
}

#[tokio::test]
async fn a_pair_that_cannot_be_stored_signs_nothing_until_it_is() {
    let place = tempfile::tempdir().unwrap();
    let (dir, away) = (place.path().join("data"), place.path().join("away"));
    std::fs::create_dir(&dir).unwrap();
    let scene = Arc::new(Scene::with(Vault::at(&dir, Some(key(place.path())))).await);
    scene.sign_in().await.unwrap();
    scene.expire();
    let before = scene.sandbox.last_seq();
    next(&scene, TOKENS, [Fault::slow(500).after_effect()]);
    let reader = Arc::clone(&scene);
    let reader = tokio::spawn(async move { reader.read().await });
    while scene.renewals(before) == 0 {
        tokio::task::yield_now().await;
    }
    // The disk goes while the answer is on its way.
    std::fs::rename(&dir, &away).unwrap();
    std::fs::write(&dir, "").unwrap();
    let called = reader.await.unwrap();
    let Err(CallError::Retry { failure, .. }) = &called.result else { panic!("{called:?}") };
    assert!(failure.kind == FailureKind::Machine && failure.title.contains("could not be stored"), "{failure}");
    std::fs::remove_file(&dir).unwrap();
    std::fs::rename(&away, &dir).unwrap();
    assert_eq!(scene.done(READ, before).iter().filter(|it| it.status == 200).count(), 0, "it was not used");
    assert!(scene.read().await.result.is_ok());
    assert_eq!(scene.renewals(before), 1, "and not lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_share_a_vault_on_disk_renew_once_between_them() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path());
    let scene = Scene::with(Vault::at(dir.path(), Some(key.clone()))).await;
    scene.sign_in().await.unwrap();
    let other = Caller::new(Settings::default(), Vault::at(dir.path(), Some(key))).unwrap().with_catalog(scene.catalog.clone());
    let (connector, operation) = scene.catalog.operation(&OperationId::new(READ)).unwrap();
    for _ in 0..3 {
        scene.expire();
        let before = scene.sandbox.last_seq();
        let nothing = Map::new();
        let one = scene.caller.call(&scene.connection, connector, operation, &nothing);
        let two = other.call(&scene.connection, connector, operation, &nothing);
        let (one, two) = tokio::join!(one, two);
        assert!(one.result.is_ok() && two.result.is_ok(), "{one:?} {two:?}");
        assert_eq!(scene.renewals(before), 1);
    }
}

#[tokio::test]
async fn the_apps_secret_that_was_changed_at_the_service_is_named() {
    let scene = Scene::signed_in().await;
    scene.caller.vault().insert(scene.connection.id.of_client(), Secret::client("changed-0123456789".into())).unwrap();
    scene.expire();
    let before = scene.sandbox.last_seq();
    for _ in 0..3 {
        let called = scene.read().await;
        let Err(CallError::SignIn(failure)) = &called.result else { panic!("{called:?}") };
        assert!(failure.title.contains("does not accept the app by which \"Main\" signs in"), "{failure}");
    }
    assert_eq!(scene.renewals(before), 1);
    let right = scene.sandbox.access().highlevel.oauth.client_secret.clone();
    scene.caller.vault().insert(scene.connection.id.of_client(), Secret::client(right)).unwrap();
    assert!(scene.read().await.result.is_ok(), "the right one is tried at once, and the refresh token was not spent");
}

#[tokio::test]
async fn a_token_that_was_put_in_by_hand_is_nobodys_to_renew() {
    let scene = Scene::start().await;
    scene.caller.vault().insert(ConnectionId::new("crm"), Secret::token("by-hand-0123456789".into())).unwrap();
    let called = scene.read().await;
    assert!(matches!(&called.result, Err(CallError::SignIn(it)) if it.status == Some(401)));
    assert_eq!(scene.renewals(0), 0);
    let own = scene.sandbox.access().highlevel.token.clone();
    scene.caller.vault().insert(ConnectionId::new("crm"), Secret::token(own)).unwrap();
    assert!(scene.read().await.result.is_ok());
}
