//! Ctrl-C and the system's request to end.
use tokio::sync::mpsc;

use super::exit::{Error, Exit};

/// Hears the requests to end.
pub(super) struct Signals {
    requests: mpsc::Receiver<()>,
}

impl Signals {
    /// From now on the first request is heard by [`Signals::next`]; the second one ends the process at once.
    ///
    /// # Errors
    /// If the system offers no signals.
    pub(super) fn listen() -> Result<Self, Error> {
        let mut asked = Asked::listen().map_err(|error| {
            Error::machine("Signals cannot be listened for", &error, "Start it from an ordinary terminal or service.")
        })?;
        let (sender, requests) = mpsc::channel(1);
        tokio::spawn(async move {
            asked.next().await;
            sender.send(()).await.ok();
            asked.next().await;
            leave();
        });
        Ok(Self { requests })
    }

    /// Done when the process is asked to end; never again after that.
    pub(super) async fn next(&mut self) {
        if self.requests.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Asked {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Asked {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Asked {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Asked {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()?, close: tokio::signal::windows::ctrl_close()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}

#[expect(clippy::exit, reason = "a person asked twice; the journal is whole at any moment, and the next start goes on")]
fn leave() {
    std::process::exit(i32::from(Exit::Cancelled as u8));
}
