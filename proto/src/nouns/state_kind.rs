//! A state folder holds jobs of one kind: real training, rehearsals, or jobs that train nothing. Never two.

use sweeps::{NOOP_REVISION, REHEARSAL_REVISION, TRAINER_REVISION};

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
