//! What several tests need.
pub(crate) mod binary;
pub(crate) mod door;
pub(crate) mod flows;
pub(crate) mod services;
pub(crate) mod target;
