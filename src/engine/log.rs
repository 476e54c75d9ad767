//! What happened, for reading: the journal as shells see it, also while another process writes it.
pub use crate::journal::{
    Filter, Format, Found, Hit, Indexed, Journal, JournalError, OutcomeKind, Place, Reader, Record, RunHead, RunState, Searched,
    StepExchange,
};
