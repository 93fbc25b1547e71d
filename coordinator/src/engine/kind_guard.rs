//! A state folder holds jobs of one kind: real training, rehearsals, or jobs that train nothing. Never two.

use proto::nouns::StateKind;

use super::Config;
use super::error::EngineError;
use crate::scheduler::Scheduler;

/// Whether what the journal holds is of the kind that this engine is for. What is asked is the journal, not a file beside
/// it: a backup that is restored elsewhere is still what it was.
pub(super) fn check(config: &Config, scheduler: &Scheduler) -> Result<(), EngineError> {
    let wanted = StateKind::of(config.trainer_revision);
    let held = scheduler
        .trainer_revisions()
        .map(StateKind::of)
        .find(|held| *held != wanted);
    match held {
        None => Ok(()),
        Some(held) => Err(EngineError::OtherKind {
            state: config.state.clone(),
            held,
            wanted,
        }),
    }
}
