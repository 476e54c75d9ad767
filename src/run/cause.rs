//! What a run goes back to: how its event came here, and which flows it comes from.
use std::fmt;

use serde::{Deserialize, Serialize};

use super::RunId;
use crate::flow::FlowId;

/// How the event of a run came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Somebody pressed a button, or gave a command.
    #[default]
    Person,
    /// A request to a hook of the flow's own.
    Hook,
    /// The service told of it, signed.
    Notice,
    /// A look at the service found it.
    Poll,
    /// The service should have told of it and has not; a look found it.
    Reconcile,
    /// Its time had come.
    Schedule,
    /// A file appeared, or grew.
    File,
    /// Another flow called this one.
    Flow,
    /// A run of another flow failed.
    Failure,
    /// A run of another flow ended.
    End,
    /// A person was to be alerted.
    Alert,
}

/// What a run goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Cause {
    /// How its event came here.
    #[serde(default)]
    pub via: Via,
    /// The flows whose writes led to the event, one after the other; empty where nobody knows of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<FlowId>,
    /// The record that the event is about: runs of a flow about one record go one after the other. Empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub record: String,
    /// The run that failed and that it is in place of; none where it is in place of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<RunId>,
}

impl Cause {
    /// One that came this way, and of which no more is known.
    pub fn by(via: Via) -> Self {
        Self { via, ..Self::default() }
    }

    /// Whether it is what a run is taken to go back to where nothing is written.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The flows that a write of this run goes back to: those of its own event, and the run's own.
    pub fn chain_with(&self, flow: &FlowId) -> Vec<FlowId> {
        let mut chain = self.chain.clone();
        if !chain.contains(flow) {
            chain.push(flow.clone());
        }
        chain
    }
}

impl fmt::Display for Via {
    /// What a person reads behind "Started by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "a person",
            Self::Hook => "its web hook",
            Self::Notice => "a message of the service",
            Self::Poll => "a look at the service",
            Self::Reconcile => "a look at the service, which had not told of it",
            Self::Schedule => "its schedule",
            Self::File => "a file",
            Self::Flow => "another flow",
            Self::Failure => "a flow that failed",
            Self::End => "the end of another flow",
            Self::Alert => "an alert",
        })
    }
}

impl fmt::Display for Cause {
    /// What a person reads behind "Started by": the way that the event came, and the flows whose writes led to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.via.fmt(f)?;
        if let Some(run) = self.again {
            write!(f, ", in place of run {run}")?;
        }
        match self.chain.as_slice() {
            [] => Ok(()),
            [only] => write!(f, ", after a write of the flow {only}"),
            [rest @ .., last] => {
                let rest: Vec<&str> = rest.iter().map(FlowId::as_str).collect();
                write!(f, ", after writes of the flows {} and {last}", rest.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_says_the_way_and_what_led_to_it() {
        let of =
            |chain: &[&str]| Cause { via: Via::Notice, chain: chain.iter().map(|it| (*it).into()).collect(), ..Cause::default() };
        assert_eq!(of(&[]).to_string(), "a message of the service");
        assert_eq!(of(&["a"]).to_string(), "a message of the service, after a write of the flow a");
        assert_eq!(of(&["a", "b", "c"]).to_string(), "a message of the service, after writes of the flows a, b and c");
    }

    #[test]
    fn a_chain_names_each_flow_once() {
        let mut cause = Cause::by(Via::Poll);
        cause.chain = vec!["a".into(), "b".into()];
        assert_eq!(cause.chain_with(&"c".into()), ["a".into(), "b".into(), "c".into()]);
        assert_eq!(cause.chain_with(&"a".into()), ["a".into(), "b".into()]);
        assert!(Cause::default().is_default() && !cause.is_default());
    }
}
