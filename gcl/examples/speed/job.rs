//! What a whole job needs of memory: `speed job DIM BATCH EPOCHS THREADS`.

use std::error::Error;

use gcl::{
    Checkpoint, DataParts, Matrix, Observer, Prepared, Request, StopFlag, open_device, train,
};
use metrics::Frames;
use sweeps::training::FeatureScaling;
use sweeps::{DatasetSource, Digest, EpochPoint, JobSpec, Parameters, Value};

use crate::numbers;

/// Makes a checkpoint's bytes after every epoch, as a worker does.
struct Keeper(usize);

impl Observer for Keeper {
    fn on_epoch(&mut self, _: &EpochPoint, checkpoint: &Checkpoint) {
        self.0 = checkpoint.to_bytes().map_or(0, |bytes| bytes.len());
    }
}

/// Trains on one batch's rows; `BYTES OF DATA, BYTES OF A CHECKPOINT, PEAK BYTES OF THE PROCESS`.
pub(crate) fn memory(
    (dimension, batch): (usize, usize),
    epochs: usize,
    threads: usize,
) -> Result<String, Box<dyn Error>> {
    let mut frames = Frames::default();
    frames.push(8, 128, 16, std::slice::from_ref(&(20..60)));
    let parts = DataParts {
        digest: Digest([0; 32]),
        train: Matrix::new(numbers(batch * dimension), dimension),
        test: Matrix::new(numbers(8 * dimension), dimension),
        crops: 1,
        video: vec![0; batch],
        labels: vec![None],
        truth: None,
        test_names: vec!["test".to_owned()],
        frames,
    };
    let prepared = Prepared::from_parts(parts, FeatureScaling::None)?;
    let mut parameters = Parameters::default();
    for (name, value) in [("epochs", epochs), ("batch_size", batch)] {
        parameters.set(name, &Value::Integer(value as i64))?;
    }
    let job = JobSpec::resolve(DatasetSource::Named("generated".into()), 0, &parameters);
    let request = Request {
        job: &job,
        dataset: &prepared,
        device: &open_device("cpu", Some(threads))?,
        stop: &StopFlag::new(),
        checkpoint: None,
    };
    let mut keeper = Keeper(0);
    train(&request, &mut keeper)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .split("VmHWM:")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or("no VmHWM in /proc/self/status")?;
    let peak = 1024 * peak.parse::<usize>()?;
    Ok(format!(
        "{} {} {peak}",
        (batch + 8) * dimension * 4,
        keeper.0
    ))
}
