//! A door for the person's other processes: while an engine runs on a data directory, the command line reaches it here.
//!
//! A listener on 127.0.0.1, whose address and token lie in the data directory, readable by its owner alone. An order and its
//! answer are a line of JSON each.
//!
//! Invariant: without the token nothing is done.
//! Invariant: an order is bounded in size, and a connection in time.
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader as LineReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::alert::Tried;
use super::letters::Resend;
use super::{Command, ConnectionId, Resumed, Standing};
use crate::flow::FlowId;
use crate::record::{Failure, FailureKind};
use crate::run::{Release, RunId, StepKey};

const FILE: &str = "door.json";
/// An order holds at most what a person says a step gave.
const LONGEST: u64 = 8 << 20;
/// How long an order may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long whoever asks waits for the answer; a disk that is full keeps it waiting.
const ANSWER: Duration = Duration::from_secs(30);
const AT_A_TIME: usize = 16;

/// What a running engine is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(super) enum Order {
    Release { run: RunId, step: Option<String>, release: Release },
    Resume { connection: String },
    Cancel { run: RunId },
    Reread,
    Pause { flow: FlowId, paused: bool },
    Standings,
    HandOver { lend: bool },
    Resend { run: RunId, how: Resend },
    PutAside { runs: Vec<RunId>, aside: bool },
    TestAlert,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    Released { step: StepKey },
    Resumed(Resumed),
    Cancelled,
    HandsOver,
    Reread { connections: usize, flows: usize },
    Paused,
    Resent { run: RunId },
    PutAside { runs: Vec<RunId> },
    Alerted { tried: Vec<Tried> },
    Standings { flows: BTreeMap<FlowId, Standing> },
    Refused(Failure),
}

#[derive(Serialize, Deserialize)]
struct Asked {
    token: String,
    #[serde(flatten)]
    order: Order,
}

/// Where the door is, as its file says.
#[derive(Serialize, Deserialize)]
struct Address {
    address: SocketAddr,
    token: String,
}

/// The open door; its file goes with it.
pub(super) struct Door {
    file: PathBuf,
}

impl Door {
    /// Opens it, until the engine stops.
    pub(super) async fn open(
        data: &Path,
        commands: mpsc::WeakUnboundedSender<Command>,
        stopped: CancellationToken,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let file = data.join(FILE);
        let text = serde_json::to_string(&Address { address: listener.local_addr()?, token: token.clone() })?;
        // Made for its owner alone before anything is in it, and never seen half written.
        let mut made = tempfile::NamedTempFile::new_in(data)?;
        made.write_all(text.as_bytes())?;
        made.persist(&file).map_err(|error| error.error)?;
        tokio::spawn(serve(listener, digest(&token), commands, stopped));
        Ok(Self { file })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        std::fs::remove_file(&self.file).ok();
    }
}

/// Compared in place of what it is made from, so that how long it takes says nothing.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

async fn serve(listener: TcpListener, token: [u8; 32], commands: mpsc::WeakUnboundedSender<Command>, stopped: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        let accepted = tokio::select! {
            () = stopped.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (commands, stopped) = (commands.clone(), stopped.clone());
        tokio::spawn(async move {
            tokio::time::timeout(PATIENCE + ANSWER, heed(stream, token, &commands, &stopped)).await.ok();
            drop(place);
        });
    }
}

async fn heed(
    stream: tokio::net::TcpStream,
    token: [u8; 32],
    commands: &mpsc::WeakUnboundedSender<Command>,
    stopped: &CancellationToken,
) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(LONGEST));
    tokio::time::timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await.ok()?.ok()?;
    let refused = |title: &str| Answer::Refused(Failure::new(FailureKind::Refused, title));
    let answer = match serde_json::from_slice::<Asked>(&line) {
        Ok(asked) if digest(&asked.token) == token => carry_out(asked.order, commands, stopped).await,
        Ok(_) => refused("The token is not this engine's"),
        Err(_) => refused("This is no order"),
    };
    let mut text = serde_json::to_vec(&answer).ok()?;
    text.push(b'\n');
    writer.write_all(&text).await.ok()
}

async fn carry_out(order: Order, commands: &mpsc::WeakUnboundedSender<Command>, stopped: &CancellationToken) -> Answer {
    let ended = || Answer::Refused(Failure::new(FailureKind::Machine, "The engine is stopping").hint("Ask again in a moment."));
    // The door alone keeps no engine alive.
    let Some(commands) = commands.upgrade() else { return ended() };
    match order {
        Order::Release { run, step, release } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Release { run, step, release, reply }).ok();
            match answer.await {
                Ok(Ok(step)) => Answer::Released { step },
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::Resume { connection } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Resume { connection: ConnectionId::new(&connection), reply }).ok();
            answer.await.map_or_else(|_| ended(), Answer::Resumed)
        }
        Order::Reread => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Reread { reply }).ok();
            match answer.await {
                Ok(Ok(it)) => Answer::Reread { connections: it.connections, flows: it.flows },
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::Pause { flow, paused } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Pause { flow, paused, reply }).ok();
            match answer.await {
                Ok(Ok(())) => Answer::Paused,
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::Resend { run, how } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Resend { run, how: Box::new(how), reply }).ok();
            match answer.await {
                Ok(Ok(run)) => Answer::Resent { run },
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::PutAside { runs, aside } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::PutAside { runs, aside, reply }).ok();
            match answer.await {
                Ok(Ok(runs)) => Answer::PutAside { runs },
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::TestAlert => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::TestAlert { reply }).ok();
            match answer.await {
                Ok(Ok(tried)) => Answer::Alerted { tried },
                Ok(Err(failure)) => Answer::Refused(failure),
                Err(_) => ended(),
            }
        }
        Order::Standings => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Standings { reply }).ok();
            answer.await.map_or_else(|_| ended(), |flows| Answer::Standings { flows })
        }
        Order::HandOver { lend } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::HandOver { lend, reply }).ok();
            let answer = tokio::select! {
                biased;
                it = answer => it,
                // Nobody answers any more until all that is under way has come back.
                () = stopped.cancelled() => return ended(),
            };
            match answer {
                Ok(true) => Answer::HandsOver,
                Ok(false) => Answer::Refused(Failure::new(FailureKind::Refused, "The Flowyard at work does not make way")),
                Err(_) => ended(),
            }
        }
        Order::Cancel { run } => {
            let (reply, answer) = oneshot::channel();
            commands.send(Command::Cancel { run, by: "the command line".to_owned(), reply }).ok();
            match answer.await {
                Ok(true) => Answer::Cancelled,
                Ok(false) => Answer::Refused(super::release::not_under_way(run)),
                Err(_) => ended(),
            }
        }
    }
}

/// Whether a data directory says where its door is.
pub(super) fn is_there(data: &Path) -> bool {
    data.join(FILE).exists()
}

/// Asks the engine that runs on a data directory; none if it cannot be reached. Blocks.
pub(super) fn ask(data: &Path, order: Order) -> Option<Result<Answer, Failure>> {
    let text = std::fs::read_to_string(data.join(FILE)).ok()?;
    let Address { address, token } = serde_json::from_str(&text).ok()?;
    if !address.ip().is_loopback() {
        return None;
    }
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    let mut asked = serde_json::to_vec(&Asked { token, order }).ok()?;
    asked.push(b'\n');
    stream.write_all(&asked).ok()?;
    let mut line = String::new();
    let read = LineReader::new((&stream).take(LONGEST)).read_line(&mut line);
    let silent = |detail: String| {
        Failure::new(FailureKind::Machine, "The Flowyard that uses the data directory did not answer")
            .detail(detail)
            .hint("Look at its log; what was asked may still be done.")
    };
    Some(match read {
        Ok(_) => match serde_json::from_str(&line) {
            Ok(Answer::Refused(failure)) => Err(failure),
            Ok(answer) => Ok(answer),
            Err(error) => Err(silent(error.to_string())),
        },
        Err(error) => Err(silent(error.to_string())),
    })
}
