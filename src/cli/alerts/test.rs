//! A test alert, by the Flowyard that runs the flows, or by an engine for the moment where none does.
use crate::accounts::{self, Desk};
use crate::catalog::Catalog;
use crate::cli::{connections, home};
use crate::engine::alert::{self, Alerts, Tried};
use crate::engine::{self, CallSettings, Clock, Connection, Handle, JournalOptions, Limits, Mode, Settings};
use crate::record::{Failure, FailureKind};

/// Lets an engine alert a person, and tell of clicks on what it shows.
pub(in crate::cli) fn begin(engine: &Handle, desk: &Desk, clicked: impl Fn(Option<u64>) + Send + Sync + 'static) {
    engine.heed_clicks(move |it| clicked(it.run));
    engine.alert(desk.data().to_owned());
}

/// Tells a test alert by every way that is chosen, and says what came of each.
///
/// # Errors
/// If no way is chosen, or the data directory cannot be used.
pub(in crate::cli) async fn send(desk: &Desk, catalog: &Catalog) -> Result<Vec<Tried>, Failure> {
    let data = accounts::log_of(desk.data(), Connection::LIVE);
    let asked = data.clone();
    let away = tokio::task::spawn_blocking(move || alert::test(&asked)).await.map_err(|error| home::broken(&error))?;
    if let Some(tried) = away? {
        return Ok(tried);
    }
    let of = desk.clone();
    let read = tokio::task::spawn_blocking(move || Ok::<_, Failure>((Alerts::read(of.data())?, connections::read(&of)?)));
    let (alerts, bound) = read.await.map_err(|error| home::broken(&error))??;
    let engine = engine::start(Settings {
        data,
        journal: JournalOptions::default(),
        catalog: catalog.clone(),
        connections: bound,
        vault: desk.vault().clone(),
        mode: Mode::Live,
        flows: alert::deployments(&alerts),
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: false,
    })
    .await?;
    engine.alert(desk.data().to_owned());
    let tried = engine.test_alert().wait().await;
    engine.stop().wait().await;
    tried.unwrap_or_else(|| Err(Failure::new(FailureKind::Machine, "The engine has ended").hint("Try again.")))
}
