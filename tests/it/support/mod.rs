//! What several tests need.
pub(crate) mod binary;
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) mod bus;
pub(crate) mod door;
pub(crate) mod engine;
pub(crate) mod files;
pub(crate) mod flows;
#[cfg(target_os = "linux")]
pub(crate) mod keychain;
pub(crate) mod mail;
pub(crate) mod raw_service;
#[cfg(all(target_os = "linux", feature = "gui"))]
pub(crate) mod screen;
pub(crate) mod services;
pub(crate) mod target;
