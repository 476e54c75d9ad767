//! Signing in by OAuth, with everything that can go wrong with a token.
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use super::Client;
use crate::catalog::ConnectorId;
use crate::sandbox::{OauthAccess, OauthSettings, Traps};

const BACK: &str = "http://127.0.0.1:9/back";

/// An app that was let in to a client's sandbox.
struct App<'a> {
    client: &'a Client,
    browser: reqwest::Client,
    access: OauthAccess,
}

impl<'a> App<'a> {
    fn of_highlevel(client: &'a Client) -> Self {
        Self::new(client, client.sandbox.access().highlevel.oauth.clone())
    }

    fn new(client: &'a Client, access: OauthAccess) -> Self {
        let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { client, browser, access }
    }

    /// What the page does when a button is pressed: the address that the browser is sent to.
    async fn press(&self, decision: &str, fields: &[(&str, &str)]) -> Result<Url, (u16, String)> {
        let mut form = vec![("response_type", "code"), ("client_id", &*self.access.client_id), ("redirect_uri", BACK)];
        form.retain(|(name, _)| fields.iter().all(|(it, _)| it != name));
        form.extend(fields);
        form.push(("decision", decision));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.browser.post(&self.access.authorize_url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await.unwrap();
        match answer.headers().get("location") {
            Some(to) => Ok(to.to_str().unwrap().parse().unwrap()),
            None => Err((answer.status().as_u16(), answer.text().await.unwrap())),
        }
    }

    async fn code(&self, fields: &[(&str, &str)]) -> String {
        query(&self.press("allow", fields).await.unwrap(), "code").expect("a code")
    }

    /// The status and the body of the token endpoint.
    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![("client_id", &*self.access.client_id), ("client_secret", &*self.access.client_secret)];
        form.retain(|(name, _)| fields.iter().all(|(it, _)| it != name));
        form.extend(fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.http.post(&self.access.token_url).header("content-type", "application/x-www-form-urlencoded");
        let answer = self.client.send(request.body(body)).await;
        (answer.status, answer.body)
    }

    async fn tokens(&self, fields: &[(&str, &str)]) -> Value {
        let code = self.code(fields).await;
        let (status, tokens) = self.token(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, tokens: &Value) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]).await
    }

    /// A call to HighLevel with a token; the status and the words.
    async fn call(&self, tokens: &Value, method: &str, path: &str, body: Value) -> (u16, Value) {
        let base = &self.client.sandbox.access().highlevel.base_url;
        let request = self.client.http.request(method.parse().unwrap(), format!("{base}{path}")).header("Version", "2021-07-28");
        let request = request.bearer_auth(tokens["access_token"].as_str().unwrap());
        let answer = self.client.send(if body.is_null() { request } else { request.json(&body) }).await;
        (answer.status, answer.body["message"].clone())
    }
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_person_lets_an_app_in_which_may_then_do_what_it_asked_for_and_no_more() {
    let client = Client::start().await;
    let app = App::of_highlevel(&client);
    let scope = "contacts.readonly contacts.write";
    let page = format!(
        "{}?response_type=code&client_id={}&redirect_uri={BACK}&scope=contacts.readonly%20%3Cb%3E&state=s%261",
        app.access.authorize_url, app.access.client_id
    );
    let page = app.browser.get(page).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("contacts.readonly") && page.contains("&lt;b&gt;") && page.contains("value=\"s&amp;1\""), "{page}");

    let back = app.press("allow", &[("scope", scope), ("state", "s&1")]).await.unwrap();
    assert!(back.as_str().starts_with(BACK) && query(&back, "state").as_deref() == Some("s&1"));
    let code = query(&back, "code").unwrap();
    let exchange = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK), ("user_type", "Location")];
    let (status, tokens) = app.token(&exchange).await;
    assert_eq!((status, &tokens["token_type"], &tokens["expires_in"]), (200, &json!("Bearer"), &json!(86_399)));
    assert_eq!((&tokens["scope"], &tokens["userType"]), (&json!(scope), &json!("Location")));
    assert_eq!(tokens["locationId"], json!(client.location()));
    let (status, again) = app.token(&exchange).await;
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")), "a code works once");

    let location = client.location();
    let made = app.call(&tokens, "POST", "/contacts/", json!({"locationId": location, "name": "Ada"})).await;
    assert_eq!(made.0, 201, "{made:?}");
    let refused = app.call(&tokens, "GET", &format!("/calendars/?locationId={location}"), Value::Null).await;
    assert_eq!(refused, (401, json!("The token is not authorized for this scope.")));
    let declined = app.press("decline", &[("state", "x")]).await.unwrap();
    assert_eq!(query(&declined, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn tokens_end_are_refreshed_once_and_are_taken_back() {
    let client = Client::start().await;
    let app = App::of_highlevel(&client);
    client.sandbox.set_oauth(OauthSettings { access_seconds: 2, ..OauthSettings::default() });
    let tokens = app.tokens(&[]).await;
    let path = format!("/contacts/?locationId={}", client.location());
    let read = async |tokens: &Value| app.call(tokens, "GET", &path, Value::Null).await.0;
    assert_eq!((&tokens["expires_in"], read(&tokens).await), (&json!(2), 200));
    client.wait(2_000);
    assert_eq!(app.call(&tokens, "GET", &path, Value::Null).await, (401, json!("The access token has expired.")));
    let (status, next) = app.refresh(&tokens).await;
    assert_eq!((status, read(&next).await), (200, 200));
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);
    let (status, dead) = app.refresh(&tokens).await;
    assert_eq!((status, &dead["error"]), (400, &json!("invalid_grant")), "an old refresh token is dead");

    client.sandbox.set_traps(Traps { location_inactive: true, ..client.sandbox.traps() });
    let (status, unpaid) = app.refresh(&next).await;
    assert_eq!((status, &unpaid["message"]), (400, &json!("Location is not active")));
    client.sandbox.set_traps(Traps { location_inactive: false, ..client.sandbox.traps() });
    let (status, paid) = app.refresh(&next).await;
    assert_eq!(status, 200, "it is not spent by a refusal: {paid}");

    let highlevel = ConnectorId::new("highlevel");
    client.sandbox.expire_tokens(&highlevel);
    assert_eq!(read(&paid).await, 401);
    let (_, last) = app.refresh(&paid).await;
    assert_eq!(read(&last).await, 200);
    client.sandbox.revoke_tokens(&highlevel);
    assert_eq!((read(&last).await, app.refresh(&last).await.0), (401, 400));
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200, "the owner's own token goes on");
}

#[tokio::test]
async fn an_agencys_token_makes_those_of_its_locations() {
    let client = Client::start().await;
    let app = App::of_highlevel(&client);
    let agency = app.tokens(&[("holder", "Company"), ("scope", "oauth.write contacts.readonly")]).await;
    assert_eq!((&agency["userType"], &agency["locationId"]), (&json!("Company"), &Value::Null));
    let path = format!("/contacts/?locationId={}", client.location());
    let (status, words) = app.call(&agency, "GET", &path, Value::Null).await;
    assert!(status == 401 && words.as_str().unwrap().contains("authClass"), "{words}");
    let base = &client.sandbox.access().highlevel.base_url;
    let ask = async |location: &str| {
        let company = agency["companyId"].as_str().unwrap();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("companyId", company), ("locationId", location)])
            .finish();
        let request = client.http.post(format!("{base}/oauth/locationToken")).header("Version", "2021-07-28");
        let request = request.bearer_auth(agency["access_token"].as_str().unwrap());
        let answer = client.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await;
        (answer.status, answer.body)
    };
    let (status, location) = ask(client.location()).await;
    assert!((200..300).contains(&status), "{location}");
    assert_eq!(app.call(&location, "GET", &path, Value::Null).await.0, 200);
    let (status, next) = app.refresh(&location).await;
    assert_eq!((status, &next["userType"]), (200, &json!("Location")), "it has a refresh token of its own");
    assert!(ask("elsewhere").await.0 >= 400);
    client.sandbox.set_traps(Traps { location_tokens_refresh: false, ..client.sandbox.traps() });
    let (_, lone) = ask(client.location()).await;
    assert_eq!((&lone["refresh_token"], app.call(&lone, "GET", &path, Value::Null).await.0), (&Value::Null, 200));
}

#[tokio::test]
async fn what_an_app_asks_for_is_checked_before_anybody_is_sent_anywhere() {
    let client = Client::start().await;
    let app = App::of_highlevel(&client);
    for (name, value) in [
        ("client_id", "somebody"),
        ("redirect_uri", "no address"),
        ("redirect_uri", "http://elsewhere.example/back"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "https://app.example/back#part"),
    ] {
        let (status, page) = app.press("allow", &[(name, value)]).await.unwrap_err();
        assert!(status == 400 && page.contains("cannot be let in"), "{name} {value}: {page}");
    }
    let unknown = app.press("allow", &[("response_type", "token")]).await.unwrap();
    assert_eq!(query(&unknown, "error").as_deref(), Some("unsupported_response_type"));
    let plain = app.press("allow", &[("code_challenge", "x"), ("code_challenge_method", "plain")]).await.unwrap();
    assert_eq!(query(&plain, "error").as_deref(), Some("invalid_request"));
    let code = app.code(&[("code_challenge", "x"), ("code_challenge_method", "S256")]).await;
    let (status, _) = app.token(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", "y")]).await;
    assert_eq!(status, 400);
    client.sandbox.set_traps(Traps { pkce_unknown: true, ..client.sandbox.traps() });
    let code = app.code(&[("code_challenge", "x"), ("code_challenge_method", "S256")]).await;
    let (status, _) = app.token(&[("grant_type", "authorization_code"), ("code", &code)]).await;
    assert_eq!(status, 200, "nobody asks for the proof");
    let (status, stranger) = app.token(&[("client_secret", "guessed"), ("grant_type", "refresh_token")]).await;
    assert_eq!((status, &stranger["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn schedule_it_lets_apps_in_and_services_too() {
    let client = Client::start().await;
    let access = &client.sandbox.access().schedule_it;
    let app = App::new(&client, access.oauth.clone());
    let by_code = app.tokens(&[("state", "1")]).await;
    let (status, by_itself) = app.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!((status, &by_itself["refresh_token"]), (200, &Value::Null));
    for tokens in [&by_code, &by_itself] {
        let request = client.http.get(format!("{}/events", access.base_url));
        let request = request.bearer_auth(tokens["access_token"].as_str().unwrap()).header("Accept", "application/json");
        assert_eq!(client.send(request).await.status, 200);
        // What one service gave is nothing to the other.
        let path = format!("/contacts/?locationId={}", client.location());
        assert_eq!(app.call(tokens, "GET", &path, Value::Null).await.0, 401);
    }
    assert_eq!(app.refresh(&by_code).await.0, 200);
}

#[tokio::test]
async fn the_endpoints_set_how_long_tokens_live_and_end_them() {
    let client = Client::start().await;
    let url = |path: &str| format!("{}/_sandbox/oauth{path}", client.sandbox.url());
    let set = client.send(client.http.put(url("")).json(&json!({"access_seconds": 3}))).await;
    assert_eq!((set.status, client.sandbox.oauth().access_seconds), (200, 3));
    let app = App::of_highlevel(&client);
    let tokens = app.tokens(&[]).await;
    assert_eq!(client.send(client.http.post(url("/expire"))).await.status, 200);
    let path = format!("/contacts/?locationId={}", client.location());
    assert_eq!(app.call(&tokens, "GET", &path, Value::Null).await.0, 401);
    assert_eq!(app.refresh(&tokens).await.0, 200);
    assert_eq!(client.send(client.http.post(url("/revoke"))).await.status, 200);
    assert_eq!(app.refresh(&tokens).await.0, 400);
}
