//! Where a run stands at the end of an epoch: enough to go on, on any worker with the same kind of device, and end equal
//! to the bit.
//!
//! Its bytes are made and read in `checkpoint_bytes`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sweeps::{Curve, JobId, Phase};

use crate::backend::state::{LayerShape, PairState};
use crate::run::warnings::Warnings;

/// Raised when older checkpoints can no longer be read.
pub(crate) const FORMAT: u32 = 1;

/// A run at the end of an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub(crate) header: Header,
    pub(crate) networks: PairState,
    /// Scores after each finished epoch of the main phase, as `epoch_scores` lays them out; empty where none are kept.
    pub(crate) epoch_scores: Vec<f32>,
    pub(crate) errors: LabelErrors,
}

/// Errors of the autoencoders that label for `distil`, as far as they are known; empty before the first one is trained.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LabelErrors {
    /// Per training row; 0 where the model that judges it is not trained yet.
    pub(crate) train: Vec<f32>,
    /// Per test row, by the model of all training rows.
    pub(crate) test: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// The job, its data and the trainer's revision.
    pub(crate) job: JobId,
    /// The kind of device whose bits these are.
    pub(crate) device: String,
    /// Where the run goes on: phase number and epoch, both counted from 0.
    pub(crate) next: (usize, u32),
    /// The last finished epoch, counted from 1; 0 at the start.
    pub(crate) finished: (Phase, u32),
    /// Where the random streams stand, in words of 32 bits, by purpose.
    pub(crate) streams: BTreeMap<String, u64>,
    pub(crate) curve: Curve,
    pub(crate) warnings: Warnings,
    pub(crate) generator: Vec<LayerShape>,
    pub(crate) discriminator: Option<Vec<LayerShape>>,
}

impl Header {
    pub(crate) fn new(job: JobId, device: &str, phase: Phase) -> Self {
        Self {
            format: FORMAT,
            job,
            device: device.to_owned(),
            next: (0, 0),
            finished: (phase, 0),
            streams: BTreeMap::new(),
            curve: Curve::new(),
            warnings: Warnings::default(),
            generator: Vec::new(),
            discriminator: None,
        }
    }
}

impl Checkpoint {
    /// The job that it belongs to.
    pub fn job(&self) -> JobId {
        self.header.job
    }

    /// The phase of the last finished epoch, or the first phase.
    pub fn phase(&self) -> Phase {
        self.header.finished.0
    }

    /// The last finished epoch of that phase, counted from 1; 0 where none is finished.
    pub fn epoch(&self) -> u32 {
        self.header.finished.1
    }

    /// The curve so far.
    pub fn curve(&self) -> &Curve {
        &self.header.curve
    }
}
