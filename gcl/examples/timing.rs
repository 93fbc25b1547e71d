//! Seconds per step on generated data: `cargo run --release -p gcl --example timing -- DIM BATCH STEPS THREADS [METHOD]`.
#![expect(clippy::print_stdout, reason = "it is a command")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "timing is its purpose"
)]

use std::time::Instant;

use gcl::{
    Checkpoint, DataParts, Matrix, Observer, Prepared, Request, StopFlag, open_device, train,
};
use metrics::Frames;
use sweeps::training::FeatureScaling;
use sweeps::{DatasetSource, Digest, EpochPoint, JobSpec, Parameters, Value};

struct Clock {
    last: Instant,
    steps: usize,
}

impl Observer for Clock {
    fn on_epoch(&mut self, point: &EpochPoint, _: &Checkpoint) {
        let seconds = self.last.elapsed().as_secs_f64();
        println!(
            "epoch {}: {:.2} ms a step, loss_g {:?}",
            point.epoch,
            seconds * 1e3 / self.steps as f64,
            point.loss_g
        );
        self.last = Instant::now();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| {
        arguments
            .get(index)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (dimension, batch, steps, threads) =
        (number(0, 2048), number(1, 8192), number(2, 3), number(3, 1));
    let rows = batch * steps;
    let values = |rows: usize| {
        (0..rows * dimension)
            .map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0)
            .collect()
    };
    let mut frames = Frames::default();
    frames.push(8, 128, 16, std::slice::from_ref(&(20..60)));
    let parts = DataParts {
        digest: Digest([0; 32]),
        train: Matrix::new(values(rows), dimension),
        test: Matrix::new(values(8), dimension),
        crops: 1,
        video: vec![0; rows],
        labels: vec![None],
        truth: None,
        test_names: vec!["test".to_owned()],
        frames,
    };
    let prepared = Prepared::from_parts(parts, FeatureScaling::None).expect("usable data");
    let mut parameters = Parameters::default();
    let method = arguments.get(4).map_or("gcl", String::as_str);
    for (name, value) in [
        ("method", Value::from(method)),
        ("epochs", Value::Integer(4)),
        ("batch_size", Value::Integer(batch as i64)),
    ] {
        parameters.set(name, &value).expect("a valid parameter");
    }
    let job = JobSpec::resolve(DatasetSource::Named("generated".into()), 0, &parameters);
    let mut clock = Clock {
        last: Instant::now(),
        steps,
    };
    let request = Request {
        job: &job,
        dataset: &prepared,
        device: &open_device("cpu", Some(threads)).expect("a CPU"),
        stop: &StopFlag::new(),
        checkpoint: None,
    };
    match train(&request, &mut clock) {
        Ok(trained) => println!("{:?}", trained.outcome.metrics.g.and_then(|g| g.auc)),
        Err(error) => println!("{error}"),
    }
}
