//! What a person does with dead letters: they are resent, or put aside.
use std::path::Path;

use super::{News, Teller};
use crate::catalog::Catalog;
use crate::engine::Effective;
use crate::engine::letters::{self, Resend};
use crate::published::Published;
use crate::record::Failure;
use crate::run::RunId;

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Deal {
    Resend { runs: Vec<RunId>, how: Resend },
    PutAside { runs: Vec<RunId>, aside: bool },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Dealt {
    Resent {
        /// The new runs.
        runs: Vec<RunId>,
        /// Nothing is at work: they begin with the next start.
        later: bool,
        refused: Vec<Failure>,
    },
    PutAside {
        runs: Vec<RunId>,
        aside: bool,
    },
    Failed(Failure),
}

pub(super) fn deal(dir: &Path, teller: &Teller, catalog: &Catalog, deal: Deal) {
    let dealt = match deal {
        Deal::PutAside { runs, aside } => match letters::put_aside(dir, &runs, aside) {
            Ok(runs) => Dealt::PutAside { runs, aside },
            Err(failure) => Dealt::Failed(failure),
        },
        Deal::Resend { runs, how } => {
            let (mut new, mut later, mut refused) = (Vec::new(), false, Vec::new());
            let now = |flow: &_| Published::read(dir).ok()?.live(dir, flow).ok().flatten();
            for run in runs {
                match letters::resend(dir, catalog, run, &how, &now) {
                    Ok((run, effective)) => {
                        new.push(run);
                        later |= effective == Effective::WithNextStart;
                    }
                    Err(failure) => refused.push(failure),
                }
            }
            Dealt::Resent { runs: new, later, refused }
        }
    };
    teller.tell(News::Dealt(dealt));
}
