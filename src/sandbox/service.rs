//! The services: where each hangs, how it is signed in to, how it words its refusals.
use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;

use super::access::Access;
use super::call::{Behaviour, Call, Refusal, Reply};
use super::faults::FaultKind;
use super::oauth::{Caller, Grant, Invalid};
use super::route::Target;
use super::world::World;
use super::{desktop, files, highlevel, mail, schedule_it};
use crate::catalog::Operation;

/// Which service is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Highlevel,
    ScheduleIt,
    /// A mail server, asked by HTTP here: no letter leaves the sandbox.
    Mail,
    /// A folder, asked by HTTP here: nothing is written to a disk.
    Files,
    /// A desktop, asked by HTTP here: nothing is shown.
    Desktop,
}

/// Paths below the sandbox's root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OauthPaths {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
}

impl Service {
    pub(crate) const ALL: [Self; 5] = [Self::Highlevel, Self::ScheduleIt, Self::Mail, Self::Files, Self::Desktop];

    /// The connector's id in the catalogue.
    pub(crate) fn connector(self) -> &'static str {
        match self {
            Self::Highlevel => "highlevel",
            Self::ScheduleIt => "schedule_it",
            Self::Mail => "mail",
            Self::Files => "files",
            Self::Desktop => "desktop",
        }
    }

    /// Where the vendor's paths begin.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Highlevel => "/highlevel",
            Self::ScheduleIt => "/schedule-it/api",
            Self::Mail => "/mail",
            Self::Files => "/files",
            Self::Desktop => "/desktop",
        }
    }

    /// Where an app is let in, and where it gets its tokens; none where apps do not sign in.
    pub(crate) fn oauth_paths(self) -> Option<OauthPaths> {
        match self {
            // The vendor's own paths; the token's is an operation of the catalogue.
            Self::Highlevel => {
                Some(OauthPaths { authorize: "/highlevel/v2/oauth/chooselocation", token: "/highlevel/oauth/token" })
            }
            Self::ScheduleIt => Some(OauthPaths { authorize: "/schedule-it/oauth/authorize", token: "/schedule-it/oauth/token" }),
            Self::Mail | Self::Files | Self::Desktop => None,
        }
    }

    /// The service that a path belongs to, and the vendor's path.
    pub(crate) fn at(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|service| {
            let rest = path.strip_prefix(service.prefix())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((service, rest))
        })
    }

    /// What is written by hand for an operation. Operations are known by where they are called, which the vendor keeps,
    /// and not by their ids, which an importer makes.
    pub(crate) fn behaviour(self, operation: &Operation) -> Option<Behaviour> {
        let nameless = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
        let path: Vec<String> = operation.path.trim_matches('/').split('/').map(nameless).collect();
        let key = format!("{} {}", operation.method.as_str(), path.join("/"));
        match self {
            Self::Highlevel => highlevel::behaviour(&key),
            Self::ScheduleIt => schedule_it::behaviour(&key),
            Self::Mail => mail::behaviour(&key),
            Self::Files => files::behaviour(&key),
            Self::Desktop => desktop::behaviour(&key),
        }
    }

    /// Refuses a caller who is not signed in, or names no version of an operation that has them.
    ///
    /// `holder` knows what an access token is good for.
    pub(crate) fn signed_in(
        self,
        access: &Access,
        headers: &HeaderMap,
        versioned: bool,
        holder: &dyn Fn(&str) -> Option<Result<Grant, Invalid>>,
    ) -> Result<Caller, Refusal> {
        match self {
            Self::Highlevel => highlevel::signed_in(&access.highlevel, headers, versioned, holder),
            Self::ScheduleIt => schedule_it::signed_in(&access.schedule_it, headers, holder),
            Self::Mail => mail::signed_in(&access.mail, headers),
            // Whoever may use this machine.
            Self::Files | Self::Desktop => Ok(Caller::Owner),
        }
    }

    /// Reads a body.
    pub(crate) fn body(self, target: &Target, headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Refusal> {
        match self {
            Self::Highlevel | Self::Mail | Self::Files | Self::Desktop => highlevel::body(target, headers, bytes),
            Self::ScheduleIt => schedule_it::body(target, headers, bytes),
        }
    }

    /// Refuses a call that is not as the catalogue says.
    pub(crate) fn check(self, target: &Target, call: &Call) -> Result<(), Refusal> {
        match self {
            Self::Highlevel | Self::Mail | Self::Files | Self::Desktop => highlevel::check(target, call),
            Self::ScheduleIt => schedule_it::check(target, call),
        }
    }

    /// Refuses a call that is for another account's records, or that a switch forbids.
    pub(crate) fn admit(self, world: &World, target: &Target, call: &Call) -> Result<(), Refusal> {
        match self {
            Self::Highlevel => highlevel::admit(world, target, call),
            Self::ScheduleIt | Self::Mail | Self::Files | Self::Desktop => Ok(()),
        }
    }

    /// Whether it sends errors on purpose, to see what its clients do.
    pub(crate) fn tests_its_clients(self) -> bool {
        self == Self::ScheduleIt
    }

    /// What the service answers at a path that is no operation of the catalogue.
    pub(crate) fn root(self, method: &str, path: &str) -> Option<Reply> {
        match self {
            Self::Highlevel | Self::Mail | Self::Files | Self::Desktop => None,
            Self::ScheduleIt => schedule_it::root(method, path),
        }
    }

    /// An answer for a path that is none of the service's.
    pub(crate) fn unknown(self, method: &str, path: &str) -> Refusal {
        match self {
            Self::Highlevel | Self::Mail | Self::Files | Self::Desktop => highlevel::refusal::unknown_path(method, path),
            Self::ScheduleIt => schedule_it::refusal(404, &format!("There is nothing at {path}.")),
        }
    }

    /// What a fault answers; none for those that are no answers of their own.
    pub(crate) fn fault(self, kind: FaultKind) -> Option<Refusal> {
        let (status, message) = match kind {
            FaultKind::Unauthorized => (401, "Invalid Private Integration token"),
            FaultKind::Forbidden => (403, "Forbidden resource"),
            FaultKind::RateLimited | FaultKind::Surprise => (429, "Too Many Requests"),
            FaultKind::ServerError => (500, "Internal server error"),
            FaultKind::Html | FaultKind::Cut | FaultKind::Slow => return None,
        };
        Some(match self {
            Self::Mail if status == 401 => mail::refused(),
            Self::Highlevel | Self::Mail | Self::Files | Self::Desktop => highlevel::refusal::plain(status, message),
            Self::ScheduleIt if status == 401 => schedule_it::refusal(status, "The user name or the password is wrong."),
            Self::ScheduleIt => schedule_it::refusal(status, message),
        })
    }
}
