//! The sandbox within this process: what runs call instead of the real services.
use clap::Args;

use super::connections::Bound;
use super::exit::{Error, Exit};
use super::listen;
use crate::catalog::{AuthKind, Catalog, ConnectorId};
use crate::engine::{Connection, Secret};
use crate::flow::Flow;
use crate::record::{Failure, FailureKind};
use crate::sandbox::{self, Access, Faults, Handle, Options, SandboxError, Traps};

const FAULT_HELP: &str = "Let a share of the sandbox's answers go wrong: unauthorized, forbidden, rate_limited, surprise, \
    server_error, html, cut or slow, each with a share from 0 to 1, slow also with its milliseconds (slow=0.5:2000); set its \
    clock wrong by milliseconds (skew=-90000), or its search late (search_lag=3000); or switch a habit of the services on or \
    off (duplicates_allowed=on). May be given several times";

/// What goes wrong in the sandbox.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FaultArgs {
    #[arg(long = "fault", value_name = "KIND=SHARE", value_parser = Trouble::parse, help = FAULT_HELP)]
    faults: Vec<Trouble>,

    /// Where the choice of the requests that go wrong starts: the same number chooses the same
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "faults")]
    fault_seed: u64,
}

/// One `--fault`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// A kind of fault, the share of requests that it strikes, and for slow answers how late they are.
    Share { kind: String, share: f64, ms: u64 },
    /// How far the services' clock is ahead, in milliseconds.
    Skew(i64),
    /// How late the search knows of a change, in milliseconds.
    Lag(u64),
    /// A habit of the services.
    Habit { name: String, on: bool },
}

impl Trouble {
    const KINDS: &'static [&'static str] =
        &["unauthorized", "forbidden", "rate_limited", "surprise", "server_error", "html", "cut", "slow"];

    fn parse(text: &str) -> Result<Self, String> {
        let (kind, value) = text.split_once('=').ok_or("write it as KIND=SHARE, for example server_error=0.2")?;
        let milliseconds = |text: &str| format!("{text:?} is not a number of milliseconds");
        match kind {
            "skew" => return value.parse().map(Self::Skew).map_err(|error| format!("{}: {error}", milliseconds(value))),
            "search_lag" => return value.parse().map(Self::Lag).map_err(|error| format!("{}: {error}", milliseconds(value))),
            name if Traps::SWITCHES.contains(&name) => {
                let on = match value {
                    "on" => true,
                    "off" => false,
                    other => return Err(format!("{other:?} is neither on nor off")),
                };
                return Ok(Self::Habit { name: name.to_owned(), on });
            }
            _ => {}
        }
        if !Self::KINDS.contains(&kind) {
            let (kinds, habits) = (Self::KINDS.join(", "), Traps::SWITCHES.join(", "));
            return Err(format!("there is no fault {kind:?}; there are {kinds}, skew, search_lag, and the habits {habits}"));
        }
        let (share, ms) = match value.split_once(':') {
            Some((share, ms)) if kind == "slow" => (share, ms.parse().map_err(|error| format!("{}: {error}", milliseconds(ms)))?),
            Some(_) => return Err("only slow takes milliseconds".to_owned()),
            None => (value, 1_000),
        };
        let share = share
            .parse()
            .ok()
            .filter(|it| (0.0..=1.0).contains(it))
            .ok_or_else(|| format!("{share:?} is not a share from 0 to 1"))?;
        Ok(Self::Share { kind: kind.to_owned(), share, ms })
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
            match it {
                Trouble::Skew(ms) => faults.skew_ms = *ms,
                Trouble::Lag(_) | Trouble::Habit { .. } => {}
                Trouble::Share { kind, share, ms } => {
                    let place = match kind.as_str() {
                        "unauthorized" => &mut faults.unauthorized,
                        "forbidden" => &mut faults.forbidden,
                        "rate_limited" => &mut faults.rate_limited,
                        "surprise" => &mut faults.surprise,
                        "server_error" => &mut faults.server_error,
                        "html" => &mut faults.html,
                        "cut" => &mut faults.cut,
                        _ => {
                            faults.slow_ms = *ms;
                            &mut faults.slow
                        }
                    };
                    *place = *share;
                }
            }
        }
        faults
    }

    fn traps(&self) -> Traps {
        let mut traps = Traps::default();
        for it in &self.faults {
            match it {
                Trouble::Lag(ms) => traps.search_lags_ms = *ms,
                Trouble::Habit { name, on } => {
                    if let Some(flag) = traps.switch(name) {
                        *flag = *on;
                    }
                }
                Trouble::Skew(_) | Trouble::Share { .. } => {}
            }
        }
        traps
    }
}

/// Starts a sandbox on the current runtime, on a free port and with the dozen contacts that are written by hand.
///
/// # Errors
/// If the address is taken.
pub(super) async fn start(catalog: &Catalog, faults: &FaultArgs) -> Result<Handle, Error> {
    start_with(catalog, Options::default(), faults).await
}

/// Starts a sandbox as the options say, with these faults.
///
/// # Errors
/// If the address is taken.
pub(super) async fn start_with(catalog: &Catalog, options: Options, faults: &FaultArgs) -> Result<Handle, Error> {
    let options = Options { traps: faults.traps(), ..options };
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
            account: account.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Connection::new(id, &format!("{} (sandbox)", title(&connector)), connector, base_url, auth)
        }
    };
    let (crm, calendar, mail) = (&access.highlevel, &access.schedule_it, &access.mail);
    let keys = &crm.notice_keys;
    let keys = [("x-ghl-signature", &keys.ed25519), ("x-wh-signature", &keys.rsa)];
    vec![
        (
            Connection {
                notice_keys: keys.map(|(header, key)| (header.to_owned(), key.clone())).into(),
                ..connection("highlevel", &crm.base_url, &[("location_id", &crm.location_id)], AuthKind::Bearer)
            },
            Some(Secret::token(crm.token.clone())),
        ),
        (
            connection("schedule_it", &calendar.base_url, &[], AuthKind::Basic),
            Some(Secret::basic(calendar.user.clone(), calendar.password.clone())),
        ),
        (
            connection("mail", &mail.base_url, &[("from", &mail.from)], AuthKind::Basic),
            Some(Secret::basic(mail.user.clone(), mail.password.clone())),
        ),
        (connection("files", &access.files.base_url, &[], AuthKind::None), None),
        (connection("desktop", &access.desktop.base_url, &[], AuthKind::None), None),
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
        let slow = Trouble::parse("slow=0.5:20").unwrap();
        assert_eq!(slow, Trouble::Share { kind: "slow".to_owned(), share: 0.5, ms: 20 });
        for (text, words) in [
            ("slow", "KIND=SHARE"),
            ("fire=1", "there is no fault \"fire\""),
            ("cut=2", "\"2\" is not a share"),
            ("cut=NaN", "is not a share"),
            ("cut=1:20", "only slow"),
            ("slow=1:x", "milliseconds"),
            ("skew=soon", "milliseconds"),
            ("search_lag=-1", "milliseconds"),
            ("duplicates_allowed=1", "neither on nor off"),
        ] {
            assert!(Trouble::parse(text).unwrap_err().contains(words), "{text}");
        }
    }

    #[test]
    fn what_is_given_becomes_the_faults_and_the_habits_of_the_sandbox() {
        let given =
            ["html=0.25", "slow=1:5", "surprise=0.5", "skew=-90", "search_lag=7", "unlimited=on", "phone_search_is_literal=off"];
        let args = FaultArgs { faults: given.map(|it| Trouble::parse(it).unwrap()).to_vec(), fault_seed: 7 };
        let faults = Faults { html: 0.25, slow: 1.0, slow_ms: 5, surprise: 0.5, skew_ms: -90, random: 7, ..Faults::default() };
        assert_eq!(args.faults(), faults);
        let traps = Traps { search_lags_ms: 7, unlimited: true, phone_search_is_literal: false, ..Traps::default() };
        assert_eq!(args.traps(), traps);
    }

    #[test]
    fn every_kind_of_fault_and_every_habit_can_be_given() {
        for kind in Trouble::KINDS {
            let args = FaultArgs { faults: vec![Trouble::parse(&format!("{kind}=1")).unwrap()], fault_seed: 0 };
            assert_ne!(args.faults(), Faults::default(), "{kind}");
        }
        for name in Traps::SWITCHES {
            let both = ["on", "off"]
                .map(|it| FaultArgs { faults: vec![Trouble::parse(&format!("{name}={it}")).unwrap()], fault_seed: 0 });
            assert_ne!(both[0].traps(), both[1].traps(), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_share_is_read_as_it_is_written_and_any_text_is_read_or_refused(
            share in 0.0..=1.0_f64, ms in proptest::prelude::any::<u64>(), text in ".*", like in "(slow|cut|html)=[-0-9.:eEinfNa]{0,8}",
        ) {
            let read = Trouble::parse(&format!("slow={share}:{ms}")).expect("a share");
            proptest::prop_assert_eq!(read, Trouble::Share { kind: "slow".to_owned(), share, ms });
            for text in [text, like] {
                if let Ok(Trouble::Share { share, .. }) = Trouble::parse(&text) {
                    proptest::prop_assert!((0.0..=1.0).contains(&share));
                }
            }
        }
    }
}
