//! A small world for tests: videos with scenes, drift and an event in every second one, and jobs on them.

// Every test binary uses a part of it.
#![allow(dead_code)]

pub(crate) mod naive;
pub(crate) mod reference;

use gcl::{
    Checkpoint, DataParts, Device, Matrix, Observer, Prepared, Request, StopFlag, TrainError,
    Trained, open_device, train,
};
use metrics::Frames;
use sweeps::{DatasetSource, Digest, EpochPoint, JobSpec, Parameters, Training, Value};

/// Numbers in `[0, 1)`, the same everywhere.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 16_777_216.0
    }
}

/// Data of `dimension` with `crops` rows a segment: 12 training and 8 test videos of 8 to 19 segments.
pub(crate) fn world(dimension: usize, crops: usize) -> DataParts {
    let mut random = Lcg(17);
    let scenes: Vec<f32> = (0..3 * dimension).map(|_| random.unit()).collect();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let (mut video, mut labels, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    let (mut frames, mut names) = (Frames::default(), Vec::new());
    for index in 0..20_usize {
        let anomalous = index % 2 == 1;
        let segments = 8 + index * 7 % 12;
        let event = if anomalous { 2..2 + segments / 4 } else { 0..0 };
        let scene = &scenes[index % 3 * dimension..][..dimension];
        let mut drift = vec![0.0_f32; dimension];
        for segment in 0..segments {
            for value in &mut drift {
                *value += 0.05 * (random.unit() - 0.5);
            }
            for _ in 0..crops {
                let row = scene
                    .iter()
                    .zip(&drift)
                    .enumerate()
                    .map(|(place, (base, drift))| {
                        let odd = event.contains(&segment) && place % 3 == index % 3;
                        base + drift
                            + 0.1 * random.unit()
                            + if odd { 0.8 * random.unit() } else { 0.0 }
                    });
                if index < 12 { &mut train } else { &mut test }.extend(row);
                if index < 12 {
                    video.push(index as u32);
                    truth.push(event.contains(&segment));
                }
            }
        }
        if index < 12 {
            labels.push(Some(anomalous));
        } else {
            let range = event.start as u32 * 16 + 5..event.end as u32 * 16 + 5;
            let ranges = if anomalous { vec![range] } else { Vec::new() };
            frames.push(segments, segments as u32 * 16 + 9, 16, &ranges);
            names.push(format!("video-{index}"));
        }
    }
    DataParts {
        digest: Digest([3; 32]),
        train: Matrix::new(train, dimension),
        test: Matrix::new(test, dimension),
        crops,
        video,
        labels,
        truth: Some(truth),
        test_names: names,
        frames,
    }
}

/// A job with these parameters over small defaults.
pub(crate) fn job(seed: u64, given: &[(&str, Value)]) -> JobSpec {
    let mut parameters = Parameters::default();
    for (name, value) in [
        ("epochs", Value::Integer(2)),
        ("batch_size", Value::Integer(16)),
        ("learning_rate", Value::Float(1e-3)),
        ("feature_scaling", "standard".into()),
    ]
    .iter()
    .chain(given)
    {
        parameters.set(name, value).unwrap();
    }
    JobSpec::resolve(DatasetSource::Named("world".into()), seed, &parameters)
}

pub(crate) fn cpu(threads: usize) -> Device {
    open_device("cpu", Some(threads)).unwrap()
}

pub(crate) fn prepare(parts: DataParts, job: &JobSpec) -> Prepared {
    Prepared::from_parts(parts, Training::of(job).feature_scaling).unwrap()
}

/// Runs a job to its end.
pub(crate) fn run(job: &JobSpec, parts: DataParts, device: &Device) -> Result<Trained, TrainError> {
    train(
        &Request {
            job,
            dataset: &prepare(parts, job),
            device,
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut (),
    )
}

/// Keeps every point and checkpoint, and raises the flag after so many epochs.
pub(crate) struct Listener {
    pub(crate) points: Vec<EpochPoint>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) stop_after: usize,
    pub(crate) stop: StopFlag,
}

impl Listener {
    pub(crate) fn new(stop_after: usize) -> Self {
        Self {
            points: Vec::new(),
            checkpoints: Vec::new(),
            stop_after,
            stop: StopFlag::new(),
        }
    }
}

impl Observer for Listener {
    fn on_epoch(&mut self, point: &EpochPoint, checkpoint: &Checkpoint) {
        self.points.push(point.clone());
        self.checkpoints.push(checkpoint.clone());
        if self.points.len() == self.stop_after {
            self.stop.stop();
        }
    }
}
