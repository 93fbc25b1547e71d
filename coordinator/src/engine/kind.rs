//! A state folder holds jobs of one kind: real training, rehearsals, or jobs that train nothing. Never two.

use sweeps::{NOOP_REVISION, REHEARSAL_REVISION, TRAINER_REVISION};

use super::{Config, EngineError};
use crate::scheduler::Scheduler;

/// The kind of the jobs of a state folder. The trainer's revision says it, which is part of every job's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateKind {
    /// Jobs whose records are results.
    #[default]
    Training,
    /// Jobs that trained small networks on stand-ins.
    Rehearsal,
    /// Jobs that train nothing, for measuring everything else.
    Noop,
}

impl StateKind {
    /// The kind of the jobs of a trainer of that revision.
    pub fn of(trainer_revision: u32) -> Self {
        match trainer_revision {
            NOOP_REVISION => Self::Noop,
            REHEARSAL_REVISION => Self::Rehearsal,
            _ => Self::Training,
        }
    }

    /// The revision that this program's trainers of that kind have.
    pub fn trainer_revision(self) -> u32 {
        match self {
            Self::Training => TRAINER_REVISION,
            Self::Rehearsal => REHEARSAL_REVISION,
            Self::Noop => NOOP_REVISION,
        }
    }

    /// What the jobs are called.
    pub fn jobs(self) -> &'static str {
        match self {
            Self::Training => "jobs of real training",
            Self::Rehearsal => "jobs of a rehearsal",
            Self::Noop => "no-op jobs",
        }
    }
}

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
