//! How the process ends: exit codes that scripts can rely on, and the error that carries one.
use std::process::ExitCode;

use super::print::Printer;
use crate::record::{Failure, FailureKind};

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// The flow's run failed, or what was looked for is not there.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A file cannot be used: a flow, its input, the connections, a document.
    File = 3,
    /// Something waits for a person.
    Waiting = 4,
    /// This machine: an address, the data directory, the disk.
    Machine = 5,
    /// A connection is missing, or a secret of one.
    Connection = 6,
    /// Ctrl-C.
    Cancelled = 130,
}

/// The table that `--help` ends with.
pub(super) const TABLE: &str = "\
Exit codes:
  0    done
  1    the flow's run failed, or what was looked for is not there
  2    the command line is wrong
  3    a file cannot be used: the flow is damaged, newer than this program or has problems; or its input, the
       connections or an imported document cannot be read
  4    a step waits for a person: a sign-in, an approval, an uncertain outcome
  5    this machine: an address is taken; the data directory is in use, damaged, of a newer version or cannot be
       written; the disk is full; there is no display for the window
  6    a connection is missing or not chosen, or its secret is not set, cannot be read or
       is refused
  130  cancelled by Ctrl-C";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb could not do what was asked: the words, and the exit code.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) exit: Exit,
    /// None where everything has been said already.
    pub(super) failure: Option<Box<Failure>>,
}

impl Error {
    pub(super) fn new(exit: Exit, failure: Failure) -> Self {
        Self { exit, failure: Some(Box::new(failure)) }
    }

    /// A file that cannot be used.
    pub(super) fn file(title: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Flow, title)
    }

    /// What was looked for is not there.
    pub(super) fn not_found(title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Failed, Failure::new(FailureKind::NotFound, title).hint(hint))
    }

    /// Something that only the command line can be blamed for, and that clap cannot see.
    pub(super) fn usage(title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, Failure::new(FailureKind::Flow, title).hint(hint))
    }

    /// This machine's fault.
    pub(super) fn machine(title: impl Into<String>, detail: &dyn ToString, hint: impl Into<String>) -> Self {
        Self::new(Exit::Machine, Failure::new(FailureKind::Machine, title).detail(detail.to_string()).hint(hint))
    }

    /// Says it, and gives the code.
    pub(super) fn report(self, to: &mut Printer) -> Exit {
        if let Some(failure) = &self.failure {
            to.failure("error", failure);
        }
        self.exit
    }
}

/// The end of a verb that has said everything.
impl From<Exit> for Error {
    fn from(exit: Exit) -> Self {
        Self { exit, failure: None }
    }
}

/// A failure of the engine, outside of any run.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let exit = match failure.kind {
            FailureKind::Flow | FailureKind::Mapping => Exit::File,
            FailureKind::Machine | FailureKind::Limit => Exit::Machine,
            FailureKind::SignIn | FailureKind::Breaker => Exit::Connection,
            FailureKind::Uncertain => Exit::Waiting,
            _ => Exit::Failed,
        };
        Self::new(exit, failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table() {
        let all =
            [Exit::Done, Exit::Failed, Exit::Usage, Exit::File, Exit::Waiting, Exit::Machine, Exit::Connection, Exit::Cancelled];
        let listed: Vec<u8> = TABLE.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        assert_eq!(listed, all.map(|it| it as u8));
    }

    #[test]
    fn a_failure_of_the_machine_ends_with_its_own_code() {
        let error = Error::from(Failure::new(FailureKind::Machine, "The disk is full"));
        assert_eq!(error.exit, Exit::Machine);
    }
}
