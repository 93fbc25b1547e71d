//! A run of `distil` is several trainings one after another, each with networks of its own; to checkpoints and curve it is one run.

use crate::backend::networks::Networks;
use crate::backend::{Backend, Report};
use crate::error::TrainError;
use crate::method::random_streams::RandomStreams;
use crate::method::schedule::{Hooks, PhasePlan, Position};
use crate::run::progress::Progress;

/// One of the trainings: what its plan calls phase 0 is phase `phase` of the run, after `epochs` epochs of the same name.
pub(crate) struct Part<'p, 'a> {
    pub(crate) progress: &'p mut Progress<'a>,
    pub(crate) phase: usize,
    pub(crate) epochs: u32,
}

/// Where the training that is phase `phase` of the run begins, when the run stands at `next`: behind its end where that is over.
pub(crate) fn start(next: (usize, u32), phase: usize) -> Position {
    let (at, epoch) = next;
    if at > phase {
        Position { phase: 1, epoch: 0 }
    } else {
        Position { phase: 0, epoch }
    }
}

impl Hooks for Part<'_, '_> {
    fn before_step(&mut self) -> Result<(), TrainError> {
        self.progress.before_step()
    }

    fn after_step(&mut self, rows: &[u32], report: &Report) {
        self.progress.after_step(rows, report);
    }

    fn after_epoch<B: Backend>(
        &mut self,
        phase: &PhasePlan,
        epoch: u32,
        next: Position,
        networks: &mut Networks<B>,
        draws: &dyn RandomStreams,
    ) -> Result<(), TrainError> {
        let next = Position {
            phase: self.phase + next.phase,
            epoch: next.epoch,
        };
        let epoch = self.epochs + epoch;
        self.progress
            .after_epoch(phase, epoch, next, networks, draws)
    }
}
