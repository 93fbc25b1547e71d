//! What a worker needs of a trainer. The real one is `candle::Candle`, the scripted one [`crate::fake::Fake`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use proto::telemetry::Telemetry;
use sweeps::{
    AttemptNumber, DatasetFacts, DatasetSource, DeviceInfo, Digest, EpochPoint, Failure, JobId,
    JobSpec, Outcome, TRAINER_REVISION,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Trains one job at a time on one device.
#[async_trait]
pub trait Trainer: Send + Sync + 'static {
    /// What it computes on.
    fn device(&self) -> DeviceInfo;

    /// What decides the bits of that job: the device, marked where the job asks it for other products than usual.
    fn device_for(&self, _job: &JobSpec) -> DeviceInfo {
        self.device()
    }

    /// The revision of its bits: part of every job's id. A coordinator gives it jobs of no other.
    fn revision(&self) -> u32 {
        TRAINER_REVISION
    }

    /// Memory of the device in bytes, where known.
    fn memory_bytes(&self) -> Option<u64> {
        None
    }

    /// Version of the device's driver, where it has one.
    fn driver(&self) -> Option<String> {
        None
    }

    /// How the device is doing, as measured last: asked now and then, must not wait for anything.
    fn telemetry(&self) -> Option<Telemetry> {
        None
    }

    /// The named data sets that it can open, with the digests of its copies.
    fn datasets(&self) -> BTreeMap<String, Digest>;

    /// What it knows of a data set, for the record of a job on it; nothing of one that it makes itself.
    fn facts(&self, _dataset: &DatasetSource) -> Option<DatasetFacts> {
        None
    }

    /// The data sets that it has in memory now.
    fn warm(&self) -> Vec<Digest> {
        Vec::new()
    }

    /// Why the device can train nothing more in this process, if it cannot: asked after each job.
    fn broken(&self) -> Option<String> {
        None
    }

    /// Trains. Epochs and log lines go out through `events` as they come; nobody may be listening. When `stop` is
    /// cancelled, training ends at the next batch boundary, with a checkpoint where it keeps any, and answers
    /// [`Ended::Stopped`]. Panics of the returned future are caught by the worker.
    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended;

    /// The job needs nothing any more that was kept for taking it up again: it is delivered, or not wanted.
    fn forget(&self, _job: JobId) {}
}

/// One job to train.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The job's id.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The job.
    pub job: JobSpec,
    /// The digest that its data set must have.
    pub dataset: Digest,
}

/// What happens while a job trains.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An epoch ended.
    Epoch(EpochPoint),
    /// A line for people.
    Log(String),
}

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// With a result.
    Finished(Box<Finished>),
    /// It was told to stop, and did.
    Stopped,
    /// Without a result.
    Failed(Failure),
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// What the job produced; its list of artifacts is filled by the worker.
    pub outcome: Outcome,
    /// Bytes too big for a record.
    pub artifacts: Vec<Artifact>,
    /// Seconds in the trainer, resumed parts included.
    pub duration_s: f64,
    /// How often the run was taken up again from a checkpoint.
    pub resumed: u32,
}

/// Bytes too big for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What it is.
    pub name: String,
    /// The bytes, as they are stored.
    pub bytes: Vec<u8>,
}
