//! A state folder holds jobs of real training, or jobs that train nothing; never both.

use sweeps::NOOP_REVISION;

use super::{Config, EngineError};
use crate::scheduler::Scheduler;

/// Whether what the journal holds is of the kind that this engine is for. What is asked is the journal, not a file beside
/// it: a backup that is restored elsewhere is still what it was.
pub(super) fn check(config: &Config, scheduler: &Scheduler) -> Result<(), EngineError> {
    let noop = config.trainer_revision == NOOP_REVISION;
    let other = scheduler
        .trainer_revisions()
        .any(|revision| (revision == NOOP_REVISION) != noop);
    if !other {
        return Ok(());
    }
    let (real, pretended) = ("jobs of real training", "no-op jobs");
    Err(EngineError::OtherKind {
        state: config.state.clone(),
        held: if noop { real } else { pretended },
        wanted: if noop { pretended } else { real },
    })
}
