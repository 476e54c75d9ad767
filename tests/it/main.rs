//! Everything that is tried from outside: the engine, the shipped flows, the catalogue's look-ups, the command line.
mod catalog;
mod cli;
mod engine;
mod support;
mod templates;
#[cfg(feature = "gui")]
mod window;
