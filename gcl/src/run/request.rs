//! What a run is asked for, and who hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sweeps::{EpochPoint, JobSpec, Phase};

use crate::data::prepared::Prepared;
use crate::device::Device;
use crate::error::TrainError;
use crate::run::checkpoint::{Checkpoint, Header};

/// What to train, on what.
pub struct Request<'a> {
    /// The job.
    pub job: &'a JobSpec,
    /// Its data, under the job's feature scaling.
    pub dataset: &'a Prepared,
    /// Where to train.
    pub device: &'a Device,
    /// Looked at before every batch.
    pub stop: &'a StopFlag,
    /// Where to go on, of the same job on the same kind of device.
    pub checkpoint: Option<Checkpoint>,
}

/// A flag that ends a training run at the next batch boundary. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it, for good.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is raised.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who hears of every epoch.
pub trait Observer: Send {
    /// At the end of every epoch, of every phase. `checkpoint` is where the run stands (some 80 MB at the paper's widths):
    /// copy it only to keep it.
    fn on_epoch(&mut self, point: &EpochPoint, checkpoint: &Checkpoint);

    /// After every batch that something was learned from. Keep it short: batches of small data take microseconds.
    fn on_batch(&mut self) {}
}

/// Nobody listens.
impl Observer for () {
    fn on_epoch(&mut self, _: &EpochPoint, _: &Checkpoint) {}
}

impl Request<'_> {
    /// The header of a run that has not begun, with what is to be said of its data.
    pub(crate) fn first_header(&self, phase: Phase) -> Header {
        let dataset = self.dataset;
        let kind = &self.device.info().kind;
        let mut header = Header::new(self.job.id(dataset.digest), kind, phase);
        header
            .warnings
            .say_of_constant_channels(dataset.constant_channels, dataset.dimension());
        header
    }

    /// Whether the checkpoint, if there is one, is of this job on this kind of device.
    pub(crate) fn check_origin(&self) -> Result<(), TrainError> {
        let Some(checkpoint) = &self.checkpoint else {
            return Ok(());
        };
        let refuse = |message: String| Err(TrainError::BadCheckpoint { message });
        let header = &checkpoint.header;
        let job = self.job.id(self.dataset.digest);
        if header.job != job {
            return refuse(format!(
                "it is of job {}, not of {}",
                header.job.short(),
                job.short()
            ));
        }
        let kind = &self.device.info().kind;
        if header.device != *kind {
            return refuse(format!(
                "it was made on `{}`, whose bits are not those of `{kind}`",
                header.device
            ));
        }
        Ok(())
    }
}
