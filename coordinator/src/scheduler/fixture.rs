//! Small grids, submissions, workers and records for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use looks::{Claim, ClaimText, Family, Settings};
use sweeps::{
    AttemptNumber, Cell, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics, JobId,
    JobSpec, Outcome, Parameters, Phase, Provenance, Reporting, RunRecord, ScoreMetrics,
    TRAINER_REVISION, Value,
};

use crate::model::cells::CellTable;
use crate::model::claims::SweepClaims;
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
        claims: None,
        trainer_revision: TRAINER_REVISION,
        table: Arc::new(CellTable::new(columns, &cells, &digests).unwrap()),
        ids,
    }
}

/// The same, with the claim of each rate that it is above the next one; seeds are added for those that are undecided.
pub(crate) fn claiming(name: &str, grid: Grid, settings: Settings) -> Submission {
    let seeds = u64::from(settings.min);
    let arms = grid.1.len() as u64 / seeds;
    let mut submission = submission(name, grid);
    let cells = |arm: u64| (arm * seeds..(arm + 1) * seeds).map(|cell| cell as u32);
    let claim = |left: u32| Claim {
        left,
        right: left + 1,
    };
    let claims: Vec<Claim> = (0..arms as u32 - 1).map(claim).collect();
    submission.claims = Some(Box::new(SweepClaims {
        texts: vec![ClaimText::default(); claims.len()],
        family: Family { settings, claims },
        identity: Digest::of(name.as_bytes()),
        grows: true,
        arms: (0..arms).map(|arm| cells(arm).collect()).collect(),
        looks: Vec::new(),
    }));
    submission
}

/// The AUC that every honest attempt of a job finds.
pub(crate) fn auc(job: JobId) -> f64 {
    f64::from(job.0[0]) / 256.0
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
        adaptive: None,
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
            metrics: FinalMetrics {
                d: Some(ScoreMetrics {
                    auc: Some(auc(job)),
                    ..ScoreMetrics::default()
                }),
                g: None,
            },
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
            cached_since_ms: None,
            dataset: None,
        },
    }
}
