//! A person signs in.
use super::*;
use crate::catalog::Grant;
use crate::record::FailureKind;

#[tokio::test]
async fn a_person_signs_in_by_a_browser_and_calls_are_signed_from_then_on() {
    let scene = Scene::start().await;
    let mut connection = scene.connection.clone();
    let oauth = connection.oauth.as_mut().unwrap();
    (oauth.pkce, oauth.scopes) = (Some(true), vec!["contacts.readonly".into(), "locations.readonly".into()]);
    assert!(matches!(scene.read().await.result, Err(crate::connector::CallError::SignIn(_))));

    let begun = scene.begin(&connection);
    let opened = begun.opened().await;
    assert!(in_query(&opened, "redirect_uri").starts_with("http://127.0.0.1:"), "{opened}");
    assert_eq!(in_query(&opened, "code_challenge_method"), "S256");
    let told = Arc::clone(&begun.told);
    let back = scene.press(&opened, "allow", "Location").await;
    let page = scene.browser.get(back.clone()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && page.headers()["cache-control"] == "no-store");
    let page = page.text().await.unwrap();
    assert!(page.contains("You can close this page") && !page.contains(&in_query(&back, "code")), "{page}");
    let granted = begun.end().await.unwrap();

    let access = &scene.sandbox.access().highlevel;
    assert_eq!(granted.location_id.as_deref(), Some(access.location_id.as_str()));
    assert_eq!(granted.company_id.as_deref(), Some(access.company_id.as_str()));
    assert_eq!(granted.scopes, Some(vec!["contacts.readonly".into(), "locations.readonly".into()]));
    let lives = granted.expires_at.unwrap().duration_since(granted.obtained_at);
    assert_eq!(lives, SignedDuration::from_secs(86_399));
    let told = told.lock().unwrap().clone();
    assert!(matches!(told.as_slice(), [Progress::Open { paste: false, .. }, Progress::Answered, Progress::Stored]), "{told:?}");
    let read = scene.read().await;
    assert!(read.result.is_ok() && read.before.is_none(), "{read:?}");
    scene.assert_clean(&format!("{told:?} {granted:?} {page}"));
    assert!(scene.browser.get(back).send().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_person_who_declines_is_told_so_and_nothing_is_stored() {
    let scene = Scene::start().await;
    let begun = scene.begin(&scene.connection);
    let back = scene.press(&begun.opened().await, "decline", "Location").await;
    let page = scene.browser.get(back).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Not signed in") && page.contains("was declined"), "{page}");
    let failure = begun.end().await.unwrap_err();
    assert!(failure.kind == FailureKind::SignIn && failure.title.contains("was declined at HighLevel"), "{failure}");
    assert!(scene.caller.vault().get(&scene.connection.id).unwrap().is_none());
}

#[tokio::test]
async fn another_location_than_the_connections_is_not_taken() {
    let scene = Scene::start().await;
    let mut connection = scene.connection.clone();
    connection.account.insert("location_id".into(), "elsewhere".into());
    let failure = scene.sign_in_as(&connection, "Location").await.unwrap_err();
    assert!(failure.title.contains("another location") && failure.detail.contains("elsewhere"), "{failure}");
    assert!(scene.caller.vault().get(&scene.connection.id).unwrap().is_none());
}

#[tokio::test]
async fn what_came_back_to_an_address_on_the_network_is_pasted() {
    let scene = Scene::start().await;
    let mut connection = scene.connection.clone();
    connection.oauth.as_mut().unwrap().redirect = Redirect::Pasted("https://app.example/back".into());
    let begun = scene.begin(&connection);
    let opened = begun.opened().await;
    assert!(matches!(begun.told.lock().unwrap().as_slice(), [Progress::Open { paste: true, .. }]));
    let back = scene.press(&opened, "allow", "Location").await;
    assert!(back.as_str().starts_with("https://app.example/back?"));
    let mut wrong = back.clone();
    wrong.set_query(Some("code=c1&state=other"));
    let told = Arc::clone(&begun.told);
    begun.pasted.send(wrong.to_string()).await.unwrap();
    begun.pasted.send(format!("  {back}\n")).await.unwrap();
    begun.end().await.unwrap();
    assert!(told.lock().unwrap().contains(&Progress::NotTaken));
    assert!(scene.read().await.result.is_ok());

    for address in ["http://app.example/back", "app.example", "https://app.example/back#part", "javascript:alert(1)"] {
        connection.oauth.as_mut().unwrap().redirect = Redirect::Pasted(address.into());
        let failure = scene.begin(&connection).end().await.unwrap_err();
        assert!(failure.hint.contains("https://"), "{address}: {failure}");
    }
}

#[tokio::test]
async fn a_code_from_a_browser_on_another_machine_can_be_pasted_while_the_listener_waits() {
    let scene = Scene::start().await;
    let begun = scene.begin(&scene.connection);
    let back = scene.press(&begun.opened().await, "allow", "Location").await;
    begun.pasted.send(in_query(&back, "code")).await.unwrap();
    begun.end().await.unwrap();
    assert!(scene.read().await.result.is_ok());
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_ends_at_once_and_leaves_the_old_tokens() {
    let scene = Scene::signed_in().await;
    let before = kept_value(&scene.kept());
    let begun = scene.begin(&scene.connection);
    let back = in_query(&begun.opened().await, "redirect_uri");
    begun.cancel.cancel();
    let failure = begun.end().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Stopped, "{failure}");
    assert!(scene.browser.get(back).send().await.is_err(), "nobody listens any more");
    assert_eq!(kept_value(&scene.kept()), before);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_never_comes_back_is_not_waited_for_longer_than_two_minutes() {
    let scene = Scene::start().await;
    let begun = tokio::time::Instant::now();
    let failure = scene.begin(&scene.connection).end().await.unwrap_err();
    assert!(failure.kind == FailureKind::Timeout && failure.title.contains("within 2 minutes"), "{failure}");
    assert_eq!(begun.elapsed().as_secs(), 120);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_in_words() {
    let scene = Scene::start().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut connection = scene.connection.clone();
    connection.oauth.as_mut().unwrap().redirect = Redirect::Port(port);
    let failure = scene.begin(&connection).end().await.unwrap_err();
    assert!(failure.kind == FailureKind::Machine && failure.title.contains(&port.to_string()), "{failure}");
    drop(taken);
    let begun = scene.begin(&connection);
    assert_eq!(in_query(&begun.opened().await, "redirect_uri"), format!("http://127.0.0.1:{port}/signed-in"));
    begun.cancel.cancel();
}

#[tokio::test]
async fn what_is_missing_is_said_before_anybody_is_sent_anywhere() {
    let scene = Scene::start().await;
    let with = |change: &dyn Fn(&mut Connection)| {
        let mut connection = scene.connection.clone();
        change(&mut connection);
        scene.begin(&connection).end()
    };
    type Change = fn(&mut Connection);
    let cases: [(Change, &str); 8] = [
        (|it| it.oauth = None, "no app is named"),
        (|it| it.oauth.as_mut().unwrap().client_id = " ".into(), "client id is empty"),
        (|it| it.oauth.as_mut().unwrap().token_url = Some(String::new()), "of its tokens is not known"),
        (|it| it.oauth.as_mut().unwrap().token_url = Some("http://example.com/t".into()), "not encrypted"),
        (|it| it.oauth.as_mut().unwrap().token_url = Some("https://user:pw@example.com/t".into()), "a user or a password"),
        (|it| it.oauth.as_mut().unwrap().authorize_url = Some("javascript:alert(1)".into()), "scheme is neither"),
        (|it| it.oauth.as_mut().unwrap().authorize_url = Some("file:///etc/passwd".into()), "scheme is neither"),
        (|it| it.auth = crate::catalog::AuthKind::Bearer, "not set to sign in by OAuth"),
    ];
    for (change, words) in cases {
        let failure = with(&change).await.unwrap_err();
        assert!(failure.title.contains(words) && !failure.hint.is_empty(), "{failure}");
    }
    assert_eq!(scene.sandbox.last_seq(), 0);
}

#[tokio::test]
async fn a_service_account_signs_in_by_itself_and_is_renewed_by_itself() {
    let scene = Scene::start().await;
    let access = scene.sandbox.access().schedule_it.clone();
    let mut account = connection("desk", "schedule_it", &access.base_url, &access.oauth, &scene.catalog);
    account.oauth.as_mut().unwrap().grant = Grant::ClientCredentials;
    let failure = scene.begin(&account).end().await.unwrap_err();
    assert!(failure.title.contains("the secret of its app is not in the vault"), "{failure}");
    scene.caller.vault().insert(account.id.of_client(), Secret::client(access.oauth.client_secret.clone())).unwrap();
    let (connector, operation) = scene.catalog.operation(&OperationId::new("schedule_it.groups.list-groups")).unwrap();
    let read = async || scene.caller.call(&account, connector, operation, &Map::new()).await;
    assert!(read().await.result.is_ok(), "without anybody signing in");
    let granted = scene.begin(&account).end().await.unwrap();
    assert!(granted.expires_at.is_some());
    assert_eq!(scene.done("schedule_it.oauth.token", 0).len(), 2);
    assert!(kept_value(&scene.caller.vault().get(&account.id).unwrap().unwrap())["refresh"].is_null());
    scene.sandbox.expire_tokens(&ConnectorId::new("schedule_it"));
    let called = read().await;
    assert_eq!(scene.done("schedule_it.oauth.token", 0).len(), 3);
    // The service wants a minute's rest after the 401.
    assert!(matches!(called.result, Err(crate::connector::CallError::Breaker { until: Some(_), .. })), "{called:?}");
}

#[tokio::test]
async fn an_agency_signs_in_once_and_its_locations_by_its_tokens() {
    for own_refresh in [true, false] {
        let scene = Scene::start().await;
        scene.sandbox.set_traps(sandbox::Traps { location_tokens_refresh: own_refresh, ..scene.sandbox.traps() });
        let access = scene.sandbox.access().highlevel.clone();
        let mut agency = connection("agency", "highlevel", &access.base_url, &access.oauth, &scene.catalog);
        agency.oauth.as_mut().unwrap().user_type = Some("Company".into());
        scene.caller.vault().insert(agency.id.of_client(), Secret::client(access.oauth.client_secret.clone())).unwrap();
        let location = Connection { oauth: None, agency: Some(agency.id.clone()), ..scene.connection.clone() };
        let all = Connections::from_iter([agency.clone(), location.clone()]);
        let scene = Scene { caller: scene.caller.clone().with_connections(all), ..scene };

        let early = scene.read_on(&location).await.result.unwrap_err();
        assert!(early.failure().title.contains("nobody is signed in to the agency"), "{early}");
        let granted = scene.sign_in_as(&agency, "Company").await.unwrap();
        assert!(granted.location_id.is_none() && granted.company_id.is_some());
        let read = scene.read_on(&location).await;
        assert!(read.result.is_ok(), "{read:?}");
        let granted = scene.begin(&location).end().await.unwrap();
        assert_eq!(granted.location_id, Some(access.location_id.clone()));

        // Both end; the location's is renewed by its own refresh token, or made anew by the agency's, which is renewed first.
        scene.expire();
        let before = scene.sandbox.last_seq();
        let read = scene.read_on(&location).await;
        assert!(read.result.is_ok(), "{read:?}");
        let made = scene.done("highlevel.oauth.get-location-access-token", before).len();
        assert_eq!((scene.renewals(before), made), (1, if own_refresh { 0 } else { 2 }), "with a 401 for the agency's old token");
        let gone = Connection { agency: Some(crate::connector::ConnectionId::new("gone")), ..location.clone() };
        let failure = scene.begin(&gone).end().await.unwrap_err();
        assert!(failure.title.contains("which is not there"), "{failure}");
        let own = Connection { agency: Some(location.id.clone()), ..location.clone() };
        scene.caller.set_connections(Connections::from_iter([own.clone()]));
        let failure = scene.begin(&own).end().await.unwrap_err();
        assert!(failure.title.contains("signs in by an agency itself"), "{failure}");
    }
}
