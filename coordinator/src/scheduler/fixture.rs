//! Small grids, submissions, workers and records for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use sweeps::{
    AttemptNumber, Cell, DatasetSource, DeviceInfo, Digest, EpochPoint, JobId, JobSpec, Outcome,
    Parameters, Phase, Provenance, Reporting, RunRecord, TRAINER_REVISION, Value,
};

use crate::model::cells::CellTable;
use crate::model::expanded::Expanded;
use crate::model::submission::Submission;
use proto::nouns::{Hello, Requirements};

pub(crate) type Grid = (Vec<String>, Vec<Cell>, BTreeMap<DatasetSource, Digest>);

/// The digest of the data set of that name.
pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// `rates` learning rates × `seeds` seeds on the data set `tracks`.
pub(crate) fn grid(seeds: u64, rates: u32) -> Grid {
    grid_on("tracks", 0, seeds, rates)
}

pub(crate) fn grid_on(dataset: &str, first_seed: u64, seeds: u64, rates: u32) -> Grid {
    let source = DatasetSource::Named(dataset.into());
    let mut cells = Vec::new();
    for rate in 1..=rates {
        let value = Value::Float(f64::from(rate) * 1e-4);
        let mut given = Parameters::default();
        given.set("learning_rate", &value).unwrap();
        for seed in first_seed..first_seed + seeds {
            cells.push(Cell {
                variant: "GCL_B".into(),
                point: vec![Some(value.clone())],
                job: JobSpec::resolve(source.clone(), seed, &given),
                reporting: Reporting::default(),
            });
        }
    }
    let digests = [(source, digest(dataset))].into();
    (vec!["learning_rate".into()], cells, digests)
}

pub(crate) fn submission(name: &str, (columns, cells, digests): Grid) -> Submission {
    let ids: Vec<JobId> = cells
        .iter()
        .map(|cell| cell.job.id(digests[&cell.job.dataset]))
        .collect();
    Submission {
        name: name.into(),
        description: String::new(),
        file: format!("{name}.toml"),
        text: format!("name = \"{name}\" # {} cells", ids.len()),
        priority: 0,
        requirements: Requirements::default(),
        dry_run: false,
        trainer_revision: TRAINER_REVISION,
        table: Arc::new(CellTable::new(columns, &cells, &digests).unwrap()),
        ids,
    }
}

/// Stands in for the sweep language: `NAME SEEDS RATES [DATASET]`.
pub(crate) fn expand(text: &str) -> Result<Expanded, String> {
    let mut words = text.split_whitespace();
    let number = |words: &mut std::str::SplitWhitespace<'_>| {
        words
            .next()
            .and_then(|word| word.parse::<u32>().ok())
            .ok_or_else(|| format!("not a sweep: {text}"))
    };
    let name = words.next().ok_or("empty")?.to_owned();
    let seeds = number(&mut words)?;
    let rates = number(&mut words)?;
    let (columns, cells, _) = grid_on(words.next().unwrap_or("tracks"), 0, seeds.into(), rates);
    Ok(Expanded {
        name,
        description: "made for a test".into(),
        columns,
        cells,
        datasets: BTreeMap::new(),
        requirements: Requirements::default(),
    })
}

pub(crate) fn hello(name: &str, session: u64, slots: u32) -> Hello {
    Hello {
        name: name.into(),
        session,
        device: DeviceInfo {
            kind: "cpu-avx2".into(),
            name: "a processor".into(),
        },
        version: "0.1.0".into(),
        trainer_revision: TRAINER_REVISION,
        slots,
        datasets: [("tracks".to_owned(), digest("tracks"))].into(),
        labels: Vec::new(),
        memory_bytes: None,
        driver: None,
    }
}

/// The record that every honest attempt of a job makes.
pub(crate) fn record(job: JobId, attempt: AttemptNumber, worker: &str) -> RunRecord {
    let mut point = EpochPoint::new(Phase::Train, 1);
    point.auc_d = Some(f64::from(job.0[0]) / 256.0 + 1e-17);
    RunRecord {
        job_id: job,
        outcome: Outcome {
            curve: vec![point],
            ..Outcome::default()
        },
        provenance: Provenance {
            attempt,
            worker: worker.into(),
            device: DeviceInfo {
                kind: "cpu-avx2".into(),
                name: "a processor".into(),
            },
            version: "0.1.0".into(),
            trainer_revision: TRAINER_REVISION,
            dataset_digest: digest("tracks"),
            duration_s: 0.1,
            resumed: 0,
            dataset: None,
        },
    }
}
