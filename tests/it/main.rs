//! Everything that is tried from outside: the engine, the shipped flows, the catalogue's look-ups, the command line.
mod catalog;
mod cli;
mod data_directory;
mod engine;
mod fuzz_seeds;
mod hostile_expressions;
mod hostile_flows;
mod hostile_services;
mod hostile_webhooks;
mod support;
mod templates;
