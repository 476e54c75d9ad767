//! How runs start by themselves.
pub(super) mod webhook;
