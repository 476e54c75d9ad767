//! What several tests need.
pub(crate) mod binary;
pub(crate) mod files;
pub(crate) mod flows;
pub(crate) mod raw_service;
pub(crate) mod target;
