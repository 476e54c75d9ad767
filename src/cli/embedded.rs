//! The sandbox within this process: what runs call instead of the real services.
use std::net::SocketAddr;

use clap::Args;

use super::connections::Bound;
use super::exit::{Error, Exit};
use super::listen;
use crate::catalog::{AuthKind, Catalog, ConnectorId};
use crate::engine::{Connection, ConnectionId, Secret};
use crate::flow::Flow;
use crate::record::{Failure, FailureKind};
use crate::sandbox::{self, Access, Faults, Handle, Options, SandboxError};

const FAULT_HELP: &str = "Let a share of the sandbox's answers go wrong: unauthorized, rate_limited, server_error, html, cut \
    or slow, each with a share from 0 to 1, slow also with its milliseconds (slow=0.5:2000). May be given several times";

/// What goes wrong in the sandbox.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FaultArgs {
    #[arg(long = "fault", value_name = "KIND=SHARE", value_parser = FaultShare::parse, help = FAULT_HELP)]
    faults: Vec<FaultShare>,

    /// Where the choice of the requests that go wrong starts: the same number chooses the same
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "faults")]
    fault_seed: u64,
}

/// One `--fault`.
#[derive(Debug, Clone)]
pub(super) struct FaultShare {
    kind: String,
    share: f64,
    ms: u64,
}

impl FaultShare {
    const KINDS: &'static [&'static str] = &["unauthorized", "rate_limited", "server_error", "html", "cut", "slow"];

    fn parse(text: &str) -> Result<Self, String> {
        let (kind, value) = text.split_once('=').ok_or("write it as KIND=SHARE, for example server_error=0.2")?;
        if !Self::KINDS.contains(&kind) {
            return Err(format!("there is no fault {kind:?}; there are {}", Self::KINDS.join(", ")));
        }
        let (share, ms) = match value.split_once(':') {
            Some((share, ms)) if kind == "slow" => {
                (share, ms.parse().map_err(|error| format!("{ms:?} is not a number of milliseconds: {error}"))?)
            }
            Some(_) => return Err("only slow takes milliseconds".to_owned()),
            None => (value, 1_000),
        };
        let share = share
            .parse()
            .ok()
            .filter(|it| (0.0..=1.0).contains(it))
            .ok_or_else(|| format!("{share:?} is not a share from 0 to 1"))?;
        Ok(Self { kind: kind.to_owned(), share, ms })
    }
}

impl FaultArgs {
    /// Whether anything goes wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    fn faults(&self) -> Faults {
        let mut faults = Faults { random: self.fault_seed, ..Faults::default() };
        for it in &self.faults {
            match it.kind.as_str() {
                "unauthorized" => faults.unauthorized = it.share,
                "rate_limited" => faults.rate_limited = it.share,
                "server_error" => faults.server_error = it.share,
                "html" => faults.html = it.share,
                "cut" => faults.cut = it.share,
                _ => (faults.slow, faults.slow_ms) = (it.share, it.ms),
            }
        }
        faults
    }
}

/// Starts a sandbox on the current runtime.
///
/// # Errors
/// If the address is taken.
pub(super) async fn start(catalog: &Catalog, listen: Option<SocketAddr>, faults: &FaultArgs) -> Result<Handle, Error> {
    let defaults = Options::default();
    let options = Options { listen: listen.unwrap_or(defaults.listen), ..defaults };
    let handle = sandbox::start(catalog, options).await.map_err(|error| match error {
        SandboxError::Listen { address, source } => listen::taken(address, &source),
        SandboxError::Seed(detail) => Error::machine("The sandbox cannot start", &detail, "Install Flowyard again."),
    })?;
    if !faults.is_empty() {
        handle.set_faults(faults.faults());
    }
    Ok(handle)
}

/// A connection to each of the services that the sandbox imitates.
pub(super) fn connections(access: &Access, catalog: &Catalog) -> Bound {
    let title = |id: &ConnectorId| catalog.connector(id).map_or_else(|| id.to_string(), |it| it.title.clone());
    let connection = |id: &str, base_url: &str, account: &[(&str, &str)], auth| {
        let connector = ConnectorId::new(id);
        Connection {
            id: ConnectionId::new(id),
            name: format!("{} (sandbox)", title(&connector)),
            connector,
            base_url: base_url.to_owned(),
            account: account.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            auth,
        }
    };
    let (crm, calendar) = (&access.highlevel, &access.schedule_it);
    vec![
        (
            connection("highlevel", &crm.base_url, &[("location_id", &crm.location_id)], AuthKind::Bearer),
            Some(Secret::token(crm.token.clone())),
        ),
        (
            connection("schedule_it", &calendar.base_url, &[], AuthKind::Basic),
            Some(Secret::basic(calendar.user.clone(), calendar.password.clone())),
        ),
    ]
}

/// Whether the sandbox imitates every service that the flow calls.
///
/// # Errors
/// Names the one that it does not.
pub(super) fn covers(flow: &Flow, bound: &Bound) -> Result<(), Error> {
    match flow.slots.iter().find(|(_, connector)| !bound.iter().any(|(it, _)| it.connector == **connector)) {
        None => Ok(()),
        Some((slot, connector)) => Err(Error::new(
            Exit::Connection,
            Failure::new(FailureKind::Flow, format!("The sandbox does not imitate \"{connector}\""))
                .at(format!("slot {slot} of \"{}\"", flow.name))
                .hint("Run the flow with a connection of your own, without --sandbox."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_kind_and_a_share() {
        let slow = FaultShare::parse("slow=0.5:20").unwrap();
        assert_eq!((slow.kind.as_str(), slow.share.to_bits(), slow.ms), ("slow", 0.5_f64.to_bits(), 20));
        for (text, words) in [
            ("slow", "KIND=SHARE"),
            ("fire=1", "there is no fault \"fire\""),
            ("cut=2", "\"2\" is not a share"),
            ("cut=NaN", "is not a share"),
            ("cut=1:20", "only slow"),
            ("slow=1:x", "milliseconds"),
        ] {
            assert!(FaultShare::parse(text).unwrap_err().contains(words), "{text}");
        }
    }

    #[test]
    fn shares_become_the_faults_of_the_sandbox() {
        let faults = ["html=0.25", "slow=1:5"].map(|it| FaultShare::parse(it).unwrap()).to_vec();
        let made = FaultArgs { faults, fault_seed: 7 }.faults();
        assert_eq!(made, Faults { html: 0.25, slow: 1.0, slow_ms: 5, random: 7, ..Faults::default() });
    }

    proptest::proptest! {
        #[test]
        fn any_share_is_read_as_it_is_written_and_any_text_is_read_or_refused(
            share in 0.0..=1.0_f64, ms in proptest::prelude::any::<u64>(), text in ".*", like in "(slow|cut|html)=[-0-9.:eEinfNa]{0,8}",
        ) {
            let read = FaultShare::parse(&format!("slow={share}:{ms}")).expect("a share");
            proptest::prop_assert_eq!((read.share.to_bits(), read.ms), (share.to_bits(), ms));
            for text in [text, like] {
                if let Ok(read) = FaultShare::parse(&text) {
                    proptest::prop_assert!((0.0..=1.0).contains(&read.share));
                }
            }
        }
    }
}
