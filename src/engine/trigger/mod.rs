//! How runs start by themselves.
pub(super) mod listener;
mod webhook;
