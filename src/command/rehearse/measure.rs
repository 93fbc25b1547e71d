//! How long a step takes on this machine: the trainer itself, for a few steps of the real width on made data.
//!
//! A step's time is a constant and a part that grows with its rows; two small batches tell both, since the batch of the
//! paper takes seconds on a CPU. What has been measured is not measured again, and after some seconds nothing is.

use std::collections::BTreeMap;
use std::time::Duration;

use datasets::stand_in::filler;
use gcl::{Checkpoint, Device, Observer, Prepared, Request, StopFlag};
use sweeps::training::{FeatureScaling, Method};
use sweeps::{Choice, DatasetSource, EpochPoint, JobSpec, Parameters, Phase, Training, Value};

use tokio_util::sync::CancellationToken;

use crate::clock::Stopwatch;

/// Time for all measurements; the one that is running ends.
const BUDGET: Duration = Duration::from_secs(8);
/// Rows of the two batches, where the real one is larger.
const BATCHES: [usize; 2] = [96, 288];
/// On a GPU, where small batches say little of large ones.
const BATCHES_GPU: [usize; 2] = [2048, 8192];
/// Batches of an epoch that is measured.
const STEPS: usize = 3;
/// Test videos and segments of each, to see what scoring costs.
const TEST: (usize, usize) = (4, 64);

/// Seconds of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Of a step, whatever its rows.
    pub step: f64,
    /// Of a step, for each of its rows.
    pub row: f64,
    /// Of the end of an epoch, for each test row.
    pub test_row: f64,
}

impl Rate {
    /// Seconds of a step of that many rows.
    pub fn seconds(&self, rows: usize) -> f64 {
        self.step + self.row * rows as f64
    }
}

/// What decides how long a step takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    method: &'static str,
    dimension: usize,
    generator: Option<Vec<usize>>,
    discriminator: Option<Vec<usize>>,
    dropout: bool,
    /// Of the two batches, the larger.
    batch: usize,
    mil: Option<(usize, usize, Vec<usize>)>,
}

impl Workload {
    /// That of a job on features of that width; none for methods without steps.
    pub fn of(training: &Training, dimension: usize, gpu: bool) -> Option<Self> {
        match training.method {
            Method::Gcl
            | Method::GclOwnLabels
            | Method::Autoencoder
            | Method::MilRanking
            | Method::Distil => {}
            Method::AdKim
            | Method::Pca
            | Method::IsolationForest
            | Method::OneClassSvm
            | Method::Control => return None,
        }
        let method = training.method.word();
        let mil = training.method == Method::MilRanking;
        let batches = if gpu { BATCHES_GPU } else { BATCHES };
        Some(Self {
            method,
            dimension,
            generator: training.generator_widths.clone(),
            discriminator: training.discriminator_widths.clone(),
            dropout: training.discriminator_dropout > 0.0,
            batch: if mil {
                0
            } else {
                training.batch_size.min(batches[1])
            },
            mil: mil.then(|| {
                let mil = &training.mil;
                (mil.bags, mil.segments, mil.hidden.clone())
            }),
        })
    }

    fn job(&self, batch: usize) -> Option<JobSpec> {
        let mut parameters = Parameters::default();
        let mut set = |name: &str, value: Value| parameters.set(name, &value).ok();
        let widths = |widths: &[usize]| {
            Value::List(
                widths
                    .iter()
                    .map(|width| Value::Integer(*width as i64))
                    .collect(),
            )
        };
        set("method", Value::from(self.method))?;
        set("epochs", Value::Integer(1))?;
        if let Some((bags, segments, hidden)) = &self.mil {
            set("mil.bags", Value::Integer(*bags as i64))?;
            set("mil.segments", Value::Integer(*segments as i64))?;
            set("mil.hidden", widths(hidden))?;
        } else {
            set("batch_size", Value::Integer(batch as i64))?;
            set("pretraining", Value::from("temporal-difference"))?;
            set("difference_quantile", Value::Float(1.0))?;
            set("pretrain_epochs", Value::Integer(1))?;
            set("pretrain_discriminator_epochs", Value::Integer(1))?;
        }
        if let Some(generator) = &self.generator {
            set("network.generator", widths(generator))?;
        }
        if let Some(discriminator) = &self.discriminator {
            set("network.discriminator", widths(discriminator))?;
        }
        if self.dropout {
            set("network.discriminator_dropout", Value::Float(0.5))?;
        }
        let source = DatasetSource::Named("filler".to_owned());
        Some(JobSpec::resolve(source, 0, &parameters))
    }
}

/// Measures, and remembers.
pub struct Meter {
    device: Device,
    stop: CancellationToken,
    spent: Stopwatch,
    known: BTreeMap<Workload, Option<BTreeMap<Phase, Rate>>>,
}

impl Meter {
    /// On that device, until `stop`.
    pub fn new(device: Device, stop: CancellationToken) -> Self {
        Self {
            device,
            stop,
            spent: Stopwatch::start(),
            known: BTreeMap::new(),
        }
    }

    /// What it measures on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether that is a GPU.
    pub fn is_gpu(&self) -> bool {
        self.device.info().kind.starts_with("cuda")
    }

    /// The rates of the phases; none where the time is over, or the trainer failed.
    pub fn rates(&mut self, workload: &Workload) -> Option<&BTreeMap<Phase, Rate>> {
        if !self.known.contains_key(workload) {
            let rates = (self.spent.elapsed() < BUDGET && !self.stop.is_cancelled())
                .then(|| self.measure(workload))
                .flatten();
            self.known.insert(workload.clone(), rates);
        }
        self.known.get(workload)?.as_ref()
    }

    fn measure(&self, workload: &Workload) -> Option<BTreeMap<Phase, Rate>> {
        let smaller = if self.is_gpu() { BATCHES_GPU } else { BATCHES }[0];
        if workload.mil.is_some() || workload.batch <= smaller {
            let times = self.run(workload, workload.batch)?;
            let rate = |time: Time| Rate {
                step: time.step,
                row: 0.0,
                test_row: time.test_row,
            };
            return Some(
                times
                    .into_iter()
                    .map(|(phase, time)| (phase, rate(time)))
                    .collect(),
            );
        }
        let (small, large) = (
            self.run(workload, smaller)?,
            self.run(workload, workload.batch)?,
        );
        let rate = |phase: Phase, large: Time| {
            let small = small.get(&phase).copied().unwrap_or(large);
            let row = ((large.step - small.step) / (workload.batch - smaller) as f64).max(0.0);
            Rate {
                step: (large.step - row * workload.batch as f64).max(0.0),
                row,
                test_row: large.test_row,
            }
        };
        Some(
            large
                .into_iter()
                .map(|(phase, time)| (phase, rate(phase, time)))
                .collect(),
        )
    }

    /// A run of an epoch a phase, of some batches each.
    fn run(&self, workload: &Workload, batch: usize) -> Option<BTreeMap<Phase, Time>> {
        let job = workload.job(batch)?;
        let (train, segments) = match &workload.mil {
            // Two steps an epoch.
            Some((bags, segments, _)) => (4 * bags, *segments),
            None => (2, (STEPS * batch).div_ceil(2) + 1),
        };
        let data = filler((train, segments), TEST, workload.dimension);
        let data = Prepared::new(&data, FeatureScaling::None).ok()?;
        let flag = StopFlag::new();
        let mut timing = Timing {
            watch: Stopwatch::start(),
            last: None,
            least: None,
            stop: &self.stop,
            flag: flag.clone(),
            test_rows: TEST.0 * TEST.1,
            phases: BTreeMap::new(),
        };
        let request = Request {
            job: &job,
            dataset: &data,
            device: &self.device,
            stop: &flag,
            checkpoint: None,
        };
        gcl::train(&request, &mut timing).ok()?;
        Some(timing.phases)
    }
}

/// Seconds of what was measured.
#[derive(Debug, Clone, Copy)]
struct Time {
    step: f64,
    test_row: f64,
}

/// Takes the shortest time between two batches of an epoch, and that of the epoch's end.
struct Timing<'a> {
    stop: &'a CancellationToken,
    flag: StopFlag,
    watch: Stopwatch,
    last: Option<Duration>,
    least: Option<Duration>,
    test_rows: usize,
    phases: BTreeMap<Phase, Time>,
}

impl Observer for Timing<'_> {
    fn on_epoch(&mut self, point: &EpochPoint, _: &Checkpoint) {
        let now = self.watch.elapsed();
        if let (Some(last), Some(least)) = (self.last.take(), self.least.take()) {
            let time = Time {
                step: least.as_secs_f64(),
                test_row: now.saturating_sub(last).as_secs_f64() / self.test_rows as f64,
            };
            self.phases.insert(point.phase, time);
        }
    }

    fn on_batch(&mut self) {
        if self.stop.is_cancelled() {
            self.flag.stop();
        }
        let now = self.watch.elapsed();
        if let Some(last) = self.last.replace(now) {
            let took = now.saturating_sub(last);
            self.least = Some(self.least.map_or(took, |least| least.min(took)));
        }
    }
}
