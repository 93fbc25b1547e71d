//! The recorded traces and whole jobs on the path of CUDA, with its kernels on the processor.

use std::path::Path;

use sweeps::{DatasetSource, JobSpec, Parameters, Phase, Regime, Synthetic, Training};

use crate::backend::cuda::Cuda;
use crate::backend::cuda::shim::{Counts, Shim, counted};
use crate::backend::networks::Networks;
use crate::backend::state::{PairState, discriminator_shapes, generator_shapes};
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::data::prepared::Prepared;
use crate::device::{Device, open_device};
use crate::method::random_streams::{SeededStreams, initial_weights};
use crate::method::step::{Kind, Step, StepContext};
use crate::run::train::{Trained, train};
use crate::selftest::{TraceReport, builtin, replay};
use crate::{Request, StopFlag};

fn check(report: &TraceReport) {
    let failed: Vec<_> = report
        .tensors
        .iter()
        .filter(|tensor| !tensor.passed)
        .collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", report.name);
}

#[test]
fn the_built_in_traces_are_matched() {
    let Some(device) = Device::shim() else { return };
    let reports = builtin(&device);
    assert_eq!(reports.len(), 17);
    for report in reports {
        let report = report.unwrap();
        check(&report);
        println!("{:20} {:.1e}", report.name, report.largest_deviation());
        // The tolerance is 1e-4; on these a right implementation comes far below it.
        assert!(report.largest_deviation() < 2e-6, "{}", report.name);
    }
}

/// Larger ones, where there are some: `GCL_TRACES`, a folder of them.
#[test]
fn other_traces_are_matched() {
    let Some(folder) = std::env::var_os("GCL_TRACES") else {
        println!("skipped: GCL_TRACES names no folder of traces");
        return;
    };
    let Some(device) = Device::shim() else { return };
    for case in std::fs::read_dir(Path::new(&folder)).unwrap() {
        let report = replay(&case.unwrap().path(), &device).unwrap();
        println!("{:20} {:.1e}", report.name, report.largest_deviation());
        check(&report);
    }
}

fn trained(device: &Device, changes: &[(&str, sweeps::Value)]) -> Trained {
    let synthetic = Synthetic {
        videos: 12,
        mean_length: 12,
        dimension: 24,
        seed: 3,
        regime: Regime::FixedCameras,
    };
    let mut parameters = Parameters::default();
    for (name, value) in [("batch_size", 64.into()), ("epochs", 3.into())]
        .iter()
        .chain(changes)
    {
        parameters.set(name, value).unwrap();
    }
    let data = datasets::synthesize(&synthetic).unwrap();
    let job = JobSpec::resolve(DatasetSource::Synthetic(synthetic), 1, &parameters);
    let scaling = sweeps::Training::of(&job).feature_scaling;
    let dataset = Prepared::new(&data, scaling).unwrap();
    let request = Request {
        job: &job,
        dataset: &dataset,
        device,
        stop: &StopFlag::new(),
        checkpoint: None,
    };
    train(&request, &mut ()).unwrap()
}

/// Every way to label and every target, beside the path of the CPU: sums in another order, and so other last digits.
#[test]
fn whole_jobs_come_out_as_on_the_cpu() {
    let Some(device) = Device::shim() else { return };
    let cpu = open_device("cpu", Some(1)).unwrap();
    let jobs: &[&[(&str, sweeps::Value)]] = &[
        &[],
        &[("feature_scaling", "standard".into())],
        &[("feature_scaling", "l2".into())],
        &[
            ("supervision_percent", 50.into()),
            ("weak_supervision", "mask-top".into()),
        ],
        &[("method", "autoencoder".into())],
        &[("method", "mil-ranking".into())],
    ];
    for changes in jobs {
        let [ours, theirs] = [&device, &cpu].map(|device| trained(device, changes).outcome);
        assert_eq!(ours.curve.len(), theirs.curve.len());
        for (ours, theirs) in ours.curve.iter().zip(&theirs.curve) {
            for (ours, theirs) in [
                (ours.loss_g, theirs.loss_g),
                (ours.loss_d, theirs.loss_d),
                (ours.auc_g, theirs.auc_g),
                (ours.auc_d, theirs.auc_d),
            ] {
                assert_eq!(ours.is_some(), theirs.is_some(), "{changes:?}");
                let (ours, theirs) = (ours.unwrap_or(0.0), theirs.unwrap_or(0.0));
                assert!(
                    (ours - theirs).abs() <= 1e-3 * theirs.abs().max(1.0),
                    "{changes:?}: {ours}, {theirs}"
                );
            }
        }
    }
}

/// On a GPU the threads of a block and the blocks of a launch come in any order.
#[test]
fn jobs_have_the_same_bits_when_threads_and_blocks_take_turns_backwards() {
    let (Some(forth), Some(back)) = (Shim::open(), Shim::backwards()) else {
        return;
    };
    let devices = [forth, back].map(|queue| Device::on_shim(queue).unwrap());
    let jobs: &[&[(&str, sweeps::Value)]] = &[
        &[("pretraining", "temporal-difference".into())],
        &[
            ("feature_scaling", "standard".into()),
            ("pseudo_labels", "soft".into()),
        ],
        &[
            ("supervision_percent", 50.into()),
            ("weak_supervision", "mask-top".into()),
        ],
        &[("negative_learning.target", "replace".into())],
        &[("method", "mil-ranking".into())],
    ];
    for changes in jobs {
        let [forth, back] = devices
            .each_ref()
            .map(|device| trained(device, changes).outcome);
        assert_eq!(format!("{:?}", forth.curve), format!("{:?}", back.curve));
    }
}

/// What the fourth of some cooperative steps asks of the queue.
fn asked_by_a_step(queue: Shim, changes: &[(&str, sweeps::Value)]) -> Counts {
    let (rows, width) = (64_usize, 24);
    let values = (0..rows * width).map(|i| (i * 7919 % 2003) as f32 / 2003.0);
    let features = Features::from(Matrix::new(values.collect(), width));
    let mut parameters = Parameters::default();
    for (name, value) in changes {
        parameters.set(name, value).unwrap();
    }
    let job = JobSpec::resolve(DatasetSource::Named("any".into()), 0, &parameters);
    let training = Training::of(&job);
    let shapes = [
        generator_shapes(width, &training),
        discriminator_shapes(width, &training),
    ];
    let mut drawn = initial_weights(0, &[&shapes[0], &shapes[1]]).into_iter();
    let state = PairState {
        generator: drawn.next().unwrap(),
        discriminator: drawn.next(),
    };
    let mut networks = Networks::new(Cuda::on(queue, &features), &state, &training, rows).unwrap();
    let (video, known) = (vec![0; rows], [Some(true)]);
    let context = StepContext {
        training: &training,
        video: &video,
        known: &known,
        labels: &[],
    };
    let mut streams = SeededStreams::new(0);
    let mut step = Step::default();
    let mut last = Counts::default();
    for epoch in 1..=4 {
        // Another order every time.
        let order: Vec<u32> = (0..rows as u32).map(|row| (row * 5 + epoch) % 64).collect();
        counted();
        let at = (Phase::Train, epoch);
        step.run(
            Kind::Cooperative,
            context,
            &mut networks,
            &mut streams,
            &order,
            at,
        )
        .unwrap();
        last = counted();
    }
    last
}

/// Every wait leaves a GPU without work, every allocation is a call to the driver.
#[test]
fn a_step_waits_once_and_allocates_nothing() {
    let Some(queue) = Shim::open() else { return };
    let usual = asked_by_a_step(queue, &[]);
    println!("{usual:?}");
    assert_eq!((usual.waits, usual.allocations, usual.uploads), (1, 0, 1));
    // G: 6 layers forward, 6 and 5 products backward; D: 3 forward twice, 3 and 2 backward.
    assert_eq!(usual.products, 6 + 11 + 6 + 5);
    let mask_top = [("weak_supervision", "mask-top".into())];
    let mask_top = asked_by_a_step(queue, &mask_top);
    assert_eq!((mask_top.waits, mask_top.allocations), (1, 0));
    // Scores of G and of D are read, labelled on the host, and written.
    let otsu = [
        ("threshold.generator", "otsu".into()),
        ("threshold.discriminator", "otsu".into()),
    ];
    assert_eq!(asked_by_a_step(queue, &otsu).waits, 3);
}
