//! Everything that is tried from outside: the engine, the shipped flows, the catalogue's look-ups, the command line; a crash
//! at every entry, and a process that is killed.
mod accounts;
mod agency;
mod alerts;
mod breaker;
mod budget;
mod canary;
mod catalog;
mod chaos;
mod cli;
mod connect;
mod contract;
mod crash;
mod data_directory;
mod desktop;
mod door;
mod engine;
mod faults;
mod fuzz_seeds;
mod handover;
mod hostile_documents;
mod hostile_expressions;
mod hostile_flows;
mod hostile_services;
mod hostile_webhooks;
#[cfg(target_os = "linux")]
mod keychain;
mod kill;
mod letters;
mod named;
mod next;
mod packaging;
mod part;
mod pause;
mod plan;
mod published;
mod sign_in;
mod support;
mod templates;
mod tray;
mod triggers;
mod webhooks;
#[cfg(feature = "gui")]
mod window;
