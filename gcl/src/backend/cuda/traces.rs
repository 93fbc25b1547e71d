//! The recorded traces and whole jobs on the path of CUDA, with its kernels on the processor.

use std::path::Path;

use sweeps::{DatasetSource, JobSpec, Parameters, Regime, Synthetic};

use crate::data::prepared::Prepared;
use crate::device::{Device, open_device};
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
    assert_eq!(reports.len(), 15);
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
