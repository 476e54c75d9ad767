//! What several tests need.
pub(crate) mod binary;
pub(crate) mod flows;
pub(crate) mod target;
