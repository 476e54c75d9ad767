//! The window as a person uses it, by the names of its controls: no display, no graphics driver, no sleeping.
mod canvas;
mod desk;
mod files;
mod inspector;
mod runs;
mod shell;
