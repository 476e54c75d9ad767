//! What a client needs to know to call the sandbox.
use std::fmt;

use serde::Serialize;

use super::webhook::PublicKeys;

/// Addresses and sign-in for the services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// For HighLevel.
    pub highlevel: HighlevelAccess,
    /// For Schedule it.
    pub schedule_it: ScheduleItAccess,
    /// For a mail server.
    pub mail: MailAccess,
    /// For files.
    pub files: FilesAccess,
    /// For the desktop.
    pub desktop: DesktopAccess,
}

/// Where the imitation of HighLevel is, and as whom to call it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct HighlevelAccess {
    /// Ends in `/highlevel`; the vendor's paths follow.
    pub base_url: String,
    /// The bearer token.
    pub token: String,
    /// The only location.
    pub location_id: String,
    /// The calendar that is always there.
    pub calendar_id: String,
    /// The user who owns the calendar.
    pub user_id: String,
    /// The agency that the location belongs to.
    pub company_id: String,
    /// As which app to sign in.
    pub oauth: OauthAccess,
    /// The keys by which its messages are known.
    pub notice_keys: PublicKeys,
}

/// Where the imitation of Schedule it is, and as whom to call it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleItAccess {
    /// Ends in `/schedule-it/api`; the vendor's paths follow.
    pub base_url: String,
    /// `<account number>_<login name>`.
    pub user: String,
    /// The password.
    pub password: String,
    /// As which app to sign in.
    pub oauth: OauthAccess,
}

/// Where the imitation of a mail server is, and as whom to call it. It is asked by HTTP.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct MailAccess {
    /// Ends in `/mail`.
    pub base_url: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The sender.
    pub from: String,
}

/// Where the imitation of a folder is. It is asked by HTTP, and no disk is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilesAccess {
    /// Ends in `/files`.
    pub base_url: String,
}

/// Where the imitation of a desktop is. It is asked by HTTP, and nothing is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DesktopAccess {
    /// Ends in `/desktop`.
    pub base_url: String,
}

/// An app that may sign in by OAuth 2.0.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OauthAccess {
    /// Where a person lets the app in.
    pub authorize_url: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
}

// The secrets open nothing but this sandbox, and still stay out of logs, so that no one learns to look for them there.
impl fmt::Debug for HighlevelAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HighlevelAccess")
            .field("base_url", &self.base_url)
            .field("location_id", &self.location_id)
            .field("calendar_id", &self.calendar_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OauthAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthAccess").field("authorize_url", &self.authorize_url).finish_non_exhaustive()
    }
}

impl fmt::Debug for MailAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailAccess").field("base_url", &self.base_url).field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for ScheduleItAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleItAccess").field("base_url", &self.base_url).field("user", &self.user).finish_non_exhaustive()
    }
}
