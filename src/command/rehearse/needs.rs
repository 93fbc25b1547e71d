//! What the real run will need: device hours, disk, memory of a worker, and what is missing here.

use std::collections::BTreeSet;
use std::path::Path;

use gcl::planned_epochs;
use sweeps::training::{DifferenceBound, Method, Pretraining};
use sweeps::{CellResult, DatasetSource, JobSpec, JobStatus, Phase, Training};

use tokio_util::sync::CancellationToken;

use super::measure::{Meter, Workload};
use super::stand_ins::{Origin, StandIn, StandIns};
use crate::command::memory::{self, Memory};
use crate::command::sweep_file::SweepFile;
use crate::error::CommandError;

/// Bytes of an epoch's point in a record and in the journal, about.
const POINT_BYTES: u64 = 160;
/// Bytes of an embedding: up to 1,500 points of 17 bytes, and names.
const EMBEDDING_BYTES: u64 = 32 << 10;
/// Bytes that scores over the epochs may take.
const EPOCH_SCORES_BYTES: u64 = 4 << 20;

/// What the rehearsal left.
pub struct Rehearsed<'a> {
    /// The state folder.
    pub state: &'a Path,
    /// The cells.
    pub cells: &'a [CellResult],
}

/// The estimate.
#[derive(Debug)]
pub struct Needs {
    /// The sweep.
    pub sweep: String,
    /// Cells of its grid.
    pub cells: usize,
    /// Jobs, each once.
    pub jobs: usize,
    /// Jobs of the rehearsal that have a result.
    pub rehearsed: usize,
    /// A line per variant and data set.
    pub lines: Vec<Line>,
    /// What was measured on.
    pub device: String,
    /// Its threads, on a CPU.
    pub threads: usize,
    /// Whether it is a GPU.
    pub gpu: bool,
    /// Bytes on the coordinator's disk: records and the journal.
    pub records: u64,
    /// And artifacts.
    pub artifacts: u64,
    /// Of one worker, at most.
    pub memory: Memory,
    /// Data sets without a folder here.
    pub missing: Vec<String>,
    /// Data sets of which the width was assumed.
    pub assumed: Vec<String>,
    /// Data sets of which nothing is known.
    pub unknown: Vec<String>,
}

/// The jobs of a variant on a data set.
#[derive(Debug)]
pub struct Line {
    /// The variant.
    pub variant: String,
    /// The data set.
    pub dataset: String,
    /// Its jobs.
    pub jobs: usize,
    /// Epochs over all phases of a job, at least and at most.
    pub epochs: (u32, u32),
    /// Steps of a job, at least and at most; none for methods without.
    pub steps: Option<(u64, u64)>,
    /// Seconds of a step of the main phase, at least and at most.
    pub step: Option<(f64, f64)>,
    /// Device seconds of the jobs that could be estimated.
    pub seconds: f64,
    /// Jobs that could not.
    pub not_estimated: usize,
}

/// One job's share.
struct Job {
    epochs: u32,
    steps: Option<u64>,
    step: Option<f64>,
    seconds: Option<f64>,
}

/// Estimates what `file` will need.
pub fn estimate(
    file: &SweepFile,
    stand_ins: &StandIns,
    rehearsed: &Rehearsed<'_>,
    device: &str,
    stop: &CancellationToken,
) -> Result<Needs, CommandError> {
    let device = gcl::open_device(device, None)?;
    let mut meter = Meter::new(device, stop.clone());
    let mut needs = Needs {
        sweep: file.spec.name.clone(),
        cells: file.expansion.cells.len(),
        jobs: 0,
        rehearsed: 0,
        lines: Vec::new(),
        device: format!(
            "{} ({})",
            meter.device().info().kind,
            meter.device().info().name
        ),
        threads: meter.device().threads(),
        gpu: meter.is_gpu(),
        records: 0,
        artifacts: 0,
        memory: Memory::default(),
        missing: Vec::new(),
        assumed: Vec::new(),
        unknown: Vec::new(),
    };
    for stand_in in stand_ins.all() {
        let name = || stand_in.name.clone();
        if matches!(stand_in.origin, Origin::Published(_) | Origin::Unknown) {
            needs.missing.push(name());
        }
        if stand_in.origin == Origin::Unknown {
            needs.unknown.push(name());
        }
        if stand_in.dimension_is_assumed {
            needs.assumed.push(name());
        }
    }
    let mut seen = BTreeSet::new();
    let mut epochs_beyond = 0;
    for (cell, result) in file.expansion.cells.iter().zip(rehearsed.cells) {
        let Some(stand_in) = stand_ins.of(&cell.job.dataset) else {
            continue;
        };
        if !seen.insert(result.job_id) {
            continue;
        }
        needs.jobs += 1;
        needs.rehearsed += usize::from(result.status == JobStatus::Done);
        let training = Training::of(&cell.job);
        let job = one_job(&cell.job, &training, stand_in, &mut meter);
        let done = result
            .record
            .as_ref()
            .map_or(0, |record| record.outcome.curve.len() as u32);
        epochs_beyond += u64::from(job.epochs.saturating_sub(done));
        needs.take_bytes(&training, stand_in, job.epochs);
        needs.take_job(&cell.variant, &stand_in.name, &job);
    }
    needs.records = journal_bytes(rehearsed.state) + POINT_BYTES * epochs_beyond;
    Ok(needs)
}

impl Needs {
    fn take_job(&mut self, variant: &str, dataset: &str, job: &Job) {
        let index = self
            .lines
            .iter()
            .position(|line| line.variant == variant && line.dataset == dataset);
        let index = index.unwrap_or_else(|| {
            self.lines.push(Line {
                variant: variant.to_owned(),
                dataset: dataset.to_owned(),
                jobs: 0,
                epochs: (job.epochs, job.epochs),
                steps: job.steps.map(|steps| (steps, steps)),
                step: job.step.map(|step| (step, step)),
                seconds: 0.0,
                not_estimated: 0,
            });
            self.lines.len() - 1
        });
        let line = &mut self.lines[index];
        line.jobs += 1;
        line.epochs = (line.epochs.0.min(job.epochs), line.epochs.1.max(job.epochs));
        if let Some(steps) = job.steps {
            let (least, most) = line.steps.unwrap_or((steps, steps));
            line.steps = Some((least.min(steps), most.max(steps)));
        }
        if let Some(step) = job.step {
            let (least, most) = line.step.unwrap_or((step, step));
            line.step = Some((least.min(step), most.max(step)));
        }
        match job.seconds {
            Some(seconds) => line.seconds += seconds,
            None => line.not_estimated += 1,
        }
    }

    fn take_bytes(&mut self, training: &Training, stand_in: &StandIn, epochs: u32) {
        let [train, test] = stand_in.shape.rows().map(|rows| rows as u64);
        let test_segments = test / stand_in.shape.crops.max(1) as u64;
        let names = 24 * stand_in.shape.test.len() as u64;
        let sides = if training.method.has_discriminator() {
            2
        } else {
            1
        };
        self.artifacts += (8 + 4 * sides) * test_segments + names + 512;
        if training.epoch_scores {
            let all = u64::from(epochs) * 4 * sides * test_segments;
            self.artifacts += all.min(EPOCH_SCORES_BYTES) + names;
        }
        if training.embedding && training.method.has_generator() {
            self.artifacts += EMBEDDING_BYTES + names;
        }
        let shape = memory::Shape {
            train,
            test,
            dimension: stand_in.dimension,
        };
        self.memory = self.memory.at_most(Memory::of(training, shape));
    }
}

fn one_job(job: &JobSpec, training: &Training, stand_in: &StandIn, meter: &mut Meter) -> Job {
    let phases = planned_epochs(training);
    let epochs = phases.iter().map(|(_, epochs)| epochs).sum();
    let Some(workload) = Workload::of(training, stand_in.dimension, meter.is_gpu()) else {
        return Job {
            epochs,
            steps: None,
            step: None,
            seconds: None,
        };
    };
    let plan: Vec<(Phase, u32, usize, usize)> = phases
        .into_iter()
        .map(|(phase, epochs)| {
            let (steps, rows) = steps(job, training, stand_in, phase);
            (phase, epochs, steps, rows)
        })
        .collect();
    let total: u64 = plan
        .iter()
        .map(|(_, epochs, steps, _)| u64::from(*epochs) * *steps as u64)
        .sum();
    let [_, test] = stand_in.shape.rows();
    let rates = meter.rates(&workload);
    let seconds = rates.and_then(|rates| {
        plan.iter()
            .map(|(phase, epochs, steps, rows)| {
                let rate = rates.get(phase)?;
                let epoch = *steps as f64 * rate.seconds(*rows) + test as f64 * rate.test_row;
                Some(f64::from(*epochs) * epoch)
            })
            .sum::<Option<f64>>()
    });
    // On average over the phases, with the scoring of the test split: steps times this is the job's time.
    let step = seconds.map(|seconds| seconds / (total as f64).max(1.0));
    Job {
        epochs,
        steps: Some(total),
        step,
        seconds,
    }
}

/// Steps of an epoch of that phase, and the rows of each.
fn steps(job: &JobSpec, training: &Training, stand_in: &StandIn, phase: Phase) -> (usize, usize) {
    let shape = &stand_in.shape;
    if training.method == Method::MilRanking {
        let of_class = |anomalous: bool| {
            let videos = shape.train.iter();
            let count = videos
                .filter(|video| video.label == Some(anomalous))
                .count();
            count.div_ceil(training.mil.bags.min(count).max(1))
        };
        return (of_class(true).max(of_class(false)).max(1), 0);
    }
    let [all, _] = shape.rows();
    // The generator alone, and an autoencoder, are fitted on the rows that pre-training selects.
    let selects = match phase {
        Phase::PretrainGenerator => true,
        Phase::PretrainDiscriminator => false,
        Phase::Train => training.method == Method::Autoencoder,
    };
    let rows = match training.pretraining {
        Pretraining::NormalOnly if selects => {
            let videos = shape.train.iter();
            let normal = videos.filter(|video| video.label == Some(false));
            shape.crops * normal.map(|video| video.segments).sum::<usize>()
        }
        Pretraining::TemporalDifference {
            bound: DifferenceBound::Quantile(share),
            ..
        } if selects => (all as f64 * share) as usize,
        // How many a threshold on differences keeps only the data tell: all, at most.
        _ => all,
    };
    debug_assert!(!matches!(job.dataset, DatasetSource::Video(_)));
    let rows = rows.max(1);
    let batch = training.batch_size.min(rows);
    (rows / batch, batch)
}

/// Bytes of the journal and the index that the rehearsal wrote.
fn journal_bytes(state: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![state.join("journal"), state.join("index")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
