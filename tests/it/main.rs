//! Everything that is tried from outside: the engine, the shipped flows, the catalogue's look-ups, the command line; a crash
//! at every entry, and a process that is killed.
mod breaker;
mod catalog;
mod cli;
mod crash;
mod engine;
mod kill;
mod support;
mod templates;
