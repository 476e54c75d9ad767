//! What a person switches in the sandbox while it runs.
use crate::catalog::ConnectorId;
use crate::sandbox::{Delivery, Faults, Handle, Limits, OauthSettings, Traps};

/// One switch, as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Steer {
    /// What goes wrong.
    Faults(Faults),
    /// Which habits are imitated.
    Traps(Traps),
    /// How many requests HighLevel allows.
    Limits(Limits),
    /// Where webhooks are sent, and what goes wrong on the way.
    Delivery(Delivery),
    /// How tokens are given to apps.
    Oauth(OauthSettings),
    /// Every access token ends now; refresh tokens go on to work.
    ExpireTokens,
    /// Every token is taken back.
    RevokeTokens,
    /// A client of Schedule it that was locked out is let in.
    LetIn,
}

impl Steer {
    /// Does it.
    pub(crate) fn perform(self, sandbox: &Handle) {
        let each = |work: &dyn Fn(&ConnectorId)| super::SERVICES.iter().for_each(|it| work(&ConnectorId::new(it)));
        match self {
            Self::Faults(faults) => sandbox.set_faults(faults),
            Self::Traps(traps) => sandbox.set_traps(traps),
            Self::Limits(limits) => sandbox.set_limits(limits),
            Self::Delivery(delivery) => sandbox.set_delivery(delivery),
            Self::Oauth(settings) => sandbox.set_oauth(settings),
            Self::ExpireTokens => each(&|it| sandbox.expire_tokens(it)),
            Self::RevokeTokens => each(&|it| sandbox.revoke_tokens(it)),
            Self::LetIn => sandbox.let_in(),
        }
    }

    /// What is said once it is done; nothing where the switch itself shows it.
    pub(crate) fn done(&self) -> Option<&'static str> {
        match self {
            Self::ExpireTokens => Some("Every access token has ended"),
            Self::RevokeTokens => Some("Every token is taken back"),
            Self::LetIn => Some("Schedule it lets its client in again"),
            Self::Faults(_) | Self::Traps(_) | Self::Limits(_) | Self::Delivery(_) | Self::Oauth(_) => None,
        }
    }
}
