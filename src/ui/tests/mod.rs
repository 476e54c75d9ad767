//! The window as a person uses it, by the names of its controls: no display, no graphics driver, no sleeping.
mod bindings;
mod canvas;
mod catalog;
mod choices;
mod connections;
mod desk;
mod drafts;
mod files;
mod images;
mod imports;
mod inspector;
mod log;
mod outline;
mod runs;
mod sandbox;
mod shell;
mod why;
