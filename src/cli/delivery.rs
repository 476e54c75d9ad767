//! Where the sandbox's webhooks are sent, and what goes wrong on the way.
use clap::Args;

use super::print::{Printer, STRONG};
use crate::sandbox::{Delivery, DeliveryFaults, Handle};

const FAULT_HELP: &str = "Let a share of the webhooks go wrong: doubled, reordered, lost, forged, unsigned or slow, each with a \
    share from 0 to 1, slow also with its milliseconds (slow=0.5:2000). May be given several times";

/// The options of `flowyard sandbox` that are about webhooks.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DeliveryArgs {
    /// Send what HighLevel tells of every change to this address, signed
    #[arg(id = "webhook_url", long = "webhook-url", value_name = "URL", value_parser = address)]
    url: Option<String>,

    /// Milliseconds between attempts to deliver a webhook that was not taken (the service: 600000)
    #[arg(id = "webhook_retry_ms", long = "webhook-retry-ms", value_name = "MS", default_value_t = Delivery::default().apart_ms, requires = "webhook_url")]
    retry_ms: u64,

    #[arg(id = "webhook_faults", long = "webhook-fault", value_name = "KIND=SHARE", value_parser = share, requires = "webhook_url", help = FAULT_HELP)]
    faults: Vec<Trouble>,

    /// Where the choice of the webhooks that go wrong starts: the same number chooses the same
    #[arg(
        id = "webhook_fault_seed",
        long = "webhook-fault-seed",
        value_name = "NUMBER",
        default_value_t = 0,
        requires = "webhook_faults"
    )]
    fault_seed: u64,
}

const KINDS: &[&str] = &["doubled", "reordered", "lost", "forged", "unsigned", "slow"];

/// One `--webhook-fault`.
#[derive(Debug, Clone, PartialEq)]
struct Trouble {
    kind: String,
    share: f64,
    /// How late a slow one is.
    ms: u64,
}

fn address(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| format!("{error}: write it as http://127.0.0.1:8080/hooks/app"))?;
    match url.scheme() {
        "http" | "https" => Ok(text.to_owned()),
        other => Err(format!("{other}: is no web address; http: and https: are")),
    }
}

fn share(text: &str) -> Result<Trouble, String> {
    let (kind, value) = text.split_once('=').ok_or("write it as KIND=SHARE, for example doubled=0.2")?;
    if !KINDS.contains(&kind) {
        return Err(format!("there is no fault {kind:?}; there are {}", KINDS.join(", ")));
    }
    let (share, ms) = match value.split_once(':') {
        Some((share, ms)) if kind == "slow" => {
            (share, ms.parse().map_err(|error| format!("{ms:?} is not a number of milliseconds: {error}"))?)
        }
        Some(_) => return Err("only slow takes milliseconds".to_owned()),
        None => (value, 1_000),
    };
    let read = share.parse().ok().filter(|it| (0.0..=1.0).contains(it));
    let share = read.ok_or_else(|| format!("{share:?} is not a share from 0 to 1"))?;
    Ok(Trouble { kind: kind.to_owned(), share, ms })
}

impl DeliveryArgs {
    fn delivery(&self) -> Delivery {
        let mut faults = DeliveryFaults { random: self.fault_seed, ..DeliveryFaults::default() };
        for Trouble { kind, share, ms } in &self.faults {
            match kind.as_str() {
                "doubled" => faults.doubled = *share,
                "reordered" => faults.reordered = *share,
                "lost" => faults.lost = *share,
                "unsigned" => faults.unsigned = *share,
                "slow" => (faults.slow, faults.slow_ms) = (*share, *ms),
                _ => faults.forged = *share,
            }
        }
        Delivery { url: self.url.clone(), apart_ms: self.retry_ms, faults, ..Delivery::default() }
    }

    /// Tells the sandbox.
    pub(super) fn set(&self, sandbox: &Handle) {
        if self.url.is_some() {
            sandbox.set_delivery(self.delivery());
        }
    }

    /// Where they go, and how a receiver knows them.
    pub(super) fn show(&self, sandbox: &Handle, out: &mut Printer) {
        let Some(url) = &self.url else { return };
        let keys = sandbox.public_keys();
        out.line(format_args!("{STRONG}Webhooks{STRONG:#}"));
        for (name, value) in [("sent to", url.as_str()), ("Ed25519", &keys.ed25519), ("RSA", &keys.rsa)] {
            out.line(format_args!("  {name:<10}{value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_kind_and_a_share_and_an_address_is_one_of_the_web() {
        let trouble = |kind: &str, share, ms| Trouble { kind: kind.to_owned(), share, ms };
        assert_eq!(share("lost=0.25").unwrap(), trouble("lost", 0.25, 1_000));
        assert_eq!(share("slow=1:20").unwrap(), trouble("slow", 1.0, 20));
        for (text, words) in [
            ("lost", "KIND=SHARE"),
            ("eaten=1", "there is no fault"),
            ("lost=2", "not a share"),
            ("lost=x", "not a share"),
            ("lost=1:5", "only slow"),
            ("slow=1:x", "milliseconds"),
        ] {
            assert!(share(text).unwrap_err().contains(words), "{text}");
        }
        assert_eq!(address("http://127.0.0.1:1/x").unwrap(), "http://127.0.0.1:1/x");
        assert!(address("file:///etc/passwd").unwrap_err().contains("no web address"));
        assert!(address("somewhere").is_err());
    }

    #[test]
    fn options_become_the_sandboxs_settings() {
        let args = DeliveryArgs {
            url: Some("http://127.0.0.1:1".to_owned()),
            retry_ms: 7,
            faults: ["doubled=0.5", "forged=1", "unsigned=0.25", "slow=1:9"].map(|it| share(it).unwrap()).to_vec(),
            fault_seed: 3,
        };
        let made = args.delivery();
        let faults = DeliveryFaults {
            doubled: 0.5,
            forged: 1.0,
            unsigned: 0.25,
            slow: 1.0,
            slow_ms: 9,
            random: 3,
            ..DeliveryFaults::default()
        };
        assert_eq!((made.apart_ms, made.attempts, made.faults), (7, 6, faults));
    }
}
