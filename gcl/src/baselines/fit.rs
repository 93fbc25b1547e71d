//! What the baselines are fitted with.

use sweeps::Phase;

use crate::backend::state::PairState;
use crate::data::features::Features;
use crate::error::TrainError;
use crate::method::step::diverged;
use crate::run::checkpoint::{Checkpoint, LabelErrors};
use crate::run::request::Request;

/// What a model is fitted on and scores.
pub(crate) struct FitContext<'a> {
    /// Training rows.
    pub(crate) train: &'a Features,
    /// Those of them that it is fitted on, ascending.
    pub(crate) rows: &'a [u32],
    /// Test rows.
    pub(crate) test: &'a Features,
    /// Of the job.
    pub(crate) seed: u64,
    /// Threads that it may use.
    pub(crate) threads: usize,
    /// To be asked every now and then whether to go on.
    pub(crate) stopped: &'a (dyn Fn() -> bool + Sync),
}

/// A model was told to stop, or found a number that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Stopped,
    NotFinite(&'static str),
}

impl Fault {
    /// What it is to a run that goes on from `start`, in the epoch `at`.
    pub(crate) fn of_run(self, start: impl FnOnce() -> Checkpoint, at: (Phase, u32)) -> TrainError {
        match self {
            Self::Stopped => TrainError::Stopped(Box::new(start())),
            Self::NotFinite(what) => diverged(what, at),
        }
    }
}

impl FitContext<'_> {
    /// An error once the run is to stop.
    pub(crate) fn go_on(&self) -> Result<(), Fault> {
        if (self.stopped)() {
            Err(Fault::Stopped)
        } else {
            Ok(())
        }
    }
}

/// A run that has not begun.
pub(crate) fn start(request: &Request<'_>) -> Checkpoint {
    Checkpoint {
        header: request.first_header(Phase::Train),
        networks: PairState::default(),
        epoch_scores: Vec::new(),
        errors: LabelErrors::default(),
    }
}
