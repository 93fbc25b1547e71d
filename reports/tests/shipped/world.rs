//! Fabricated results for the cells of a shipped sweep file. They never leave the tests.

use std::path::Path;
use std::sync::Arc;

use super::support::sweeps_folder;
use reports::{DatasetInfo, ReportRequest, SplitCounts, SweepResults};
use sweeps::{
    AttemptNumber, Cell, CellResult, DeviceInfo, Digest, EpochPoint, FinalMetrics, JobStatus,
    Limits, Outcome, Phase, Provenance, RunRecord, ScoreMetrics, Value, expand_text,
};

/// What becomes of the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The paper's numbers, with a little noise per seed.
    Perfect,
    /// Five points below them.
    Wrong,
    /// One seed in three fails.
    Failing,
    /// The upper half of the seeds is still to come.
    Half,
}

/// The results of `sweeps/NAME.toml`.
pub(crate) fn walk(name: &str, fate: Fate) -> SweepResults {
    load(
        &sweeps_folder().join(format!("{name}.toml")),
        fate,
        &str::to_owned,
    )
}

/// The perfect results of the file after an edit.
pub(crate) fn edited(name: &str, from: &str, to: &str) -> SweepResults {
    load(
        &sweeps_folder().join(format!("{name}.toml")),
        Fate::Perfect,
        &|text| {
            assert!(text.contains(from), "{name}");
            text.replace(from, to)
        },
    )
}

/// The results of a file whose text is edited first.
pub(crate) fn load(path: &Path, fate: Fate, edit: &dyn Fn(&str) -> String) -> SweepResults {
    let text = edit(&std::fs::read_to_string(path).unwrap());
    let (spec, expansion) = expand_text(&path.to_string_lossy(), &text, Limits::default()).unwrap();
    let last = expansion
        .cells
        .iter()
        .map(|cell| cell.job.seed)
        .max()
        .unwrap_or(0);
    let cells: Vec<CellResult> = expansion
        .cells
        .iter()
        .map(|cell| result(cell, fate, last))
        .collect();
    SweepResults {
        name: spec.name.clone(),
        description: spec.description.clone(),
        source_text: text,
        source_path: path.to_string_lossy().into_owned(),
        datasets: spec
            .datasets
            .iter()
            .map(|source| info(&source.to_string()))
            .collect(),
        columns: expansion.columns,
        cells,
        report: ReportRequest {
            figures: spec.report.figures.clone(),
            tables: spec.report.tables.clone(),
            reference: spec.report.reference.clone(),
            controls: spec.report.controls,
        },
        command: format!("gcl-sweep run sweeps/{}.toml", spec.name),
        version: "gcl-sweep 0.1.0 (abcdef012345)".into(),
        ..SweepResults::default()
    }
}

/// A data set as large as the paper's of that name.
fn info(name: &str) -> DatasetInfo {
    let counts = |videos: u64| {
        Some(SplitCounts {
            videos,
            segments: videos * 50,
            frames: videos * 800,
            anomalous_frames: Some(videos * 40),
        })
    };
    let (train, test) = if name.contains("ucf") {
        (1610, 290)
    } else {
        (238, 199)
    };
    DatasetInfo {
        name: name.into(),
        digest: Some(Digest::of(name.as_bytes())),
        feature_dim: Some(2048),
        extractor: Some("ResNeXt-101 3D".into()),
        train: counts(train),
        test: counts(test),
        ..DatasetInfo::default()
    }
}

/// What the paper prints for a job, as read in its tables and figures.
fn paper(cell: &Cell) -> Option<f64> {
    let shanghaitech = cell.job.dataset.to_string().contains("shanghaitech");
    let word = |name: &str| {
        cell.job
            .parameters
            .get(name)
            .and_then(Value::as_text)
            .unwrap_or_default()
    };
    let share = cell
        .job
        .parameters
        .get("supervision_percent")
        .and_then(Value::as_float)
        .unwrap_or(0.0);
    let target = word("negative_learning.target");
    match (
        shanghaitech,
        word("method"),
        word("pretraining"),
        target,
        share,
    ) {
        (false, "autoencoder", "off", ..) => Some(56.32),
        (false, "autoencoder", "normal-only", ..) => Some(65.76),
        (false, "autoencoder", "temporal-difference", ..) => Some(63.84),
        (false, "gcl", "off", "none", 0.0) => Some(64.23),
        (false, "gcl", "off", "ones", 0.0) => Some(67.09),
        (false, "gcl", "temporal-difference", "ones", 0.0) => Some(70.13),
        (false, "gcl", "normal-only", "ones", 0.0) => Some(74.20),
        (false, "gcl", "temporal-difference", "ones", 100.0) => Some(79.84),
        (false, "adkim", ..) => Some(52.00),
        (true, "autoencoder", "off", ..) => Some(62.73),
        (true, "gcl", "off", "ones", 0.0) => Some(72.41),
        (true, "gcl", "temporal-difference", "ones", 0.0) => Some(78.93),
        (true, "gcl", "normal-only", "ones", 0.0) => Some(79.62),
        (true, "gcl", "temporal-difference", "ones", 100.0) => Some(86.21),
        (true, "adkim", ..) => Some(56.47),
        _ => None,
    }
}

fn result(cell: &Cell, fate: Fate, last_seed: u64) -> CellResult {
    let seed = cell.job.seed;
    let digest = Digest::of(cell.job.dataset.to_string().as_bytes());
    let job_id = cell.job.id(digest);
    let ended = |status, error: Option<&str>| CellResult {
        cell: cell.clone(),
        job_id,
        status,
        record: None,
        live: Vec::new(),
        attempts: 1,
        error: error.map(str::to_owned),
    };
    match fate {
        Fate::Failing if seed.is_multiple_of(3) => {
            return ended(JobStatus::Failed, Some("the device is out of memory"));
        }
        Fate::Half if last_seed > 0 && seed * 2 > last_seed => {
            return ended(JobStatus::Pending, None);
        }
        _ => {}
    }
    // Symmetric around zero over ten seeds, and the same for every variant: nothing that a test could take for an effect.
    let noise = ((seed * 7 + 3) % 10) as f64 / 10.0 - 0.45;
    let center = paper(cell).unwrap_or(60.0) - if fate == Fate::Wrong { 5.0 } else { 0.0 };
    let auc = (center + 0.3 * noise) / 100.0;
    let with_d = cell
        .job
        .parameters
        .get("method")
        .and_then(Value::as_text)
        .is_some_and(|method| matches!(method, "gcl" | "mil-ranking" | "distil"));
    let score = |auc: f64| {
        Some(ScoreMetrics {
            auc: Some(auc),
            ap: Some(auc * 0.4),
            ..ScoreMetrics::default()
        })
    };
    let epochs = cell
        .job
        .parameters
        .get("epochs")
        .and_then(Value::as_integer)
        .unwrap_or(0);
    let curve = (1..=epochs as u32)
        .map(|epoch| EpochPoint {
            auc_d: with_d.then_some(auc - 0.1 / f64::from(epoch)),
            auc_g: Some(auc - 0.12 / f64::from(epoch)),
            ..EpochPoint::new(Phase::Train, epoch)
        })
        .collect();
    CellResult {
        record: Some(Arc::new(RunRecord {
            job_id,
            outcome: Outcome {
                curve,
                metrics: FinalMetrics {
                    d: if with_d { score(auc) } else { None },
                    g: score(if with_d { auc - 0.01 } else { auc }),
                },
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(1),
                worker: "worker".into(),
                device: DeviceInfo::default(),
                version: "gcl-sweep 0.1.0".into(),
                trainer_revision: sweeps::TRAINER_REVISION,
                dataset_digest: digest,
                duration_s: 60.0,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        })),
        ..ended(JobStatus::Done, None)
    }
}
