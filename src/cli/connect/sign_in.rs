//! `flowyard connect sign-in`: a person signs in by OAuth 2.0, in a browser.
use std::io::BufRead as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::place::{PlaceArgs, kept_in};
use crate::accounts::{Asking, Desk, Progress, SignedIn};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::signal::Signals;
use crate::cli::{flows, runtime, words};
use crate::engine::ConnectionId;
use crate::flow::Flow;
use crate::record::Failure;

/// Sign a connection in by OAuth 2.0: in your browser, or by itself for a service account and for a location of an agency. The
/// tokens go into the vault and are renewed as they are needed. Steps that wait for the sign-in go on
#[derive(Debug, Args)]
pub(super) struct SignIn {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    /// The flows' files that run on it: exactly what their steps need is asked for, and what shows whose account it is. Without
    /// any, what was asked for before
    #[arg(value_name = "FLOW")]
    flows: Vec<PathBuf>,

    /// A scope to ask for beside that; it is kept for the next sign-in. May be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// Print the address in place of opening the browser
    #[arg(long)]
    no_browser: bool,

    /// Read what the browser came back to, its whole address or the code in it, from standard input: for a browser on another
    /// machine, and for an app whose address to come back to is on the network
    #[arg(long)]
    paste: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// The longest line that is pasted, in bytes.
const LONGEST: u64 = 64 << 10;

pub(super) fn run(args: &SignIn, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    desk.book()?.account(&id)?;
    // A vault that cannot be opened is known before anybody goes to a browser; what is damaged can be written over.
    desk.vault().get(&id).map_err(Failure::from)?;
    let flows = args.flows.iter().map(|it| Ok(flows::read(it)?.flow)).collect::<Result<Vec<_>, Error>>()?;
    let flows: Vec<&Flow> = flows.iter().map(|it| &**it).collect();
    let more = (!args.scopes.is_empty()).then(|| args.scopes.clone());
    let asking = desk.asking(&id, &flows, more)?;
    args.tell(&asking, out);
    let (signed, probed) = runtime::block_on(async {
        let signed = sign_in(args, &desk, &id, &asking, out).await?;
        // What can be read with an agency's tokens is not known to the catalogue.
        let is_agency = signed.granted.company_id.is_some() && signed.granted.location_id.is_none();
        let probed = if is_agency { Ok(None) } else { desk.probe(&id).await.map(Some) };
        Ok((signed, probed))
    })?;
    args.place.tell(out)?;
    let mut released = 0;
    for id in &signed.works_again {
        released += args.place.resume(id, &catalog, out)?;
    }
    let place = kept_in(desk.vault().place());
    if args.place.json {
        let works = probed.is_ok();
        let failure = probed.err();
        let told = json!({
            "connection": signed.connection, "secret_in": place, "scopes": signed.granted.scopes,
            "expires_at": signed.granted.expires_at, "released": released, "works": works, "failure": failure,
        });
        out.json(&told);
        return Ok(if works { Exit::Done } else { Exit::Connection });
    }
    let name = signed.connection.name.as_str();
    out.line(format_args!("{} Signed in to {}; the tokens are in {place}", paint(GOOD, "✓"), Plain(name)));
    if let Some(scopes) = &signed.granted.scopes {
        out.say(paint(DIM, format_args!("It may: {}.", Plain(&scopes.join(", ")))));
    }
    if released > 0 {
        out.say(paint(DIM, format_args!("{} that waited for it went on.", words::count(released, "step"))));
    }
    match probed {
        Ok(None) => Ok(Exit::Done),
        Ok(Some(probed)) => {
            let account = probed.name.map(|it| format!(": {}", Plain(&it))).unwrap_or_default();
            let took = words::duration(probed.took);
            out.say(paint(DIM, format_args!("Tried: \"{}\" answered in {took}{account}.", Plain(&probed.operation))));
            Ok(Exit::Done)
        }
        Err(failure) => Err(Error::from(failure)),
    }
}

async fn sign_in(args: &SignIn, desk: &Desk, id: &ConnectionId, asking: &Asking, out: &mut Printer) -> Result<SignedIn, Error> {
    let mut signals = Signals::listen()?;
    let (sender, mut told) = mpsc::unbounded_channel();
    let (pasted, receiver) = mpsc::channel(4);
    let cancel = CancellationToken::new();
    // What is told to nobody any more needs no telling.
    let tell = move |it: Progress| drop(sender.send(it));
    let signing = desk.sign_in(id, Some(asking), receiver, tell, cancel.clone());
    let mut signing = std::pin::pin!(signing);
    let mut pasted = Some(pasted);
    let mut interrupted = false;
    let signed = loop {
        tokio::select! {
            biased;
            Some(progress) = told.recv() => args.show(&progress, asking, &mut pasted, out),
            signed = &mut signing => break signed,
            () = signals.next(), if !interrupted => {
                interrupted = true;
                cancel.cancel();
            }
        }
    };
    while let Ok(progress) = told.try_recv() {
        args.show(&progress, asking, &mut pasted, out);
    }
    match signed {
        Err(failure) if interrupted => Err(Error::new(Exit::Cancelled, failure)),
        signed => Ok(signed?),
    }
}

impl SignIn {
    /// What is asked for, and why.
    fn tell(&self, asking: &Asking, out: &mut Printer) {
        // As JSON it goes with the address.
        if self.place.json || asking.scopes.is_empty() {
            return;
        }
        out.say("It asks for:");
        let new: Vec<&str> = asking.new_ones().collect();
        for scope in &asking.scopes {
            let mark = if new.contains(&scope.as_str()) { " (new)" } else { "" };
            out.say(format_args!("  {scope}{mark}  {}", paint(DIM, Plain(&asking.reason(scope)))));
        }
    }

    fn show(&self, progress: &Progress, asking: &Asking, pasted: &mut Option<mpsc::Sender<String>>, out: &mut Printer) {
        match progress {
            Progress::Open { url, paste, back } => {
                if self.place.json {
                    out.json(&json!({ "event": "open", "url": url, "back": back, "paste": paste, "asks": asking }));
                }
                if self.no_browser || !open(url) {
                    if !self.place.json {
                        out.say(paint(STRONG, "Open this address in a browser and sign in there:"));
                        out.line(url);
                    }
                } else if !self.place.json {
                    out.say("Your browser has opened: sign in there, and allow what is asked.");
                }
                if !self.place.json {
                    out.say(paint(
                        DIM,
                        format_args!("It leads back to {}, which your app at the service has to know.", Plain(back)),
                    ));
                }
                if *paste || self.paste {
                    out.say("Then paste the whole address of the page that it leads to, and press Enter:");
                    if let Some(pasted) = pasted.take() {
                        read_lines(pasted);
                    }
                } else {
                    out.say(paint(DIM, "Waiting for two minutes at most; Ctrl-C gives up."));
                }
            }
            Progress::NotTaken => {
                out.say(paint(
                    WAITING,
                    "That is no answer to this sign-in. Paste the whole address, from https:// or http:// on:",
                ));
            }
            Progress::Answered => out.say(paint(DIM, "The service has answered; fetching the tokens.")),
            Progress::Stored => {}
        }
    }
}

/// Whether a browser took it. Words of a browser on the terminal would only stand in the way.
fn open(url: &str) -> bool {
    webbrowser::open_browser_with_options(
        webbrowser::Browser::Default,
        url,
        webbrowser::BrowserOptions::new().with_suppress_output(true),
    )
    .is_ok()
}

/// Lines of standard input, on a thread that ends with the process.
fn read_lines(pasted: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        use std::io::Read as _;
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = String::new();
            match (&mut input).take(LONGEST).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if pasted.blocking_send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    });
}
