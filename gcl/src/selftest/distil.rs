//! Traces of kind `controls`: labels that are made once, and D that learns them, made again by what makes them in production.

use metrics::smooth_rows;
use serde::Deserialize;
use sweeps::training::{Affinity, LabelRule};
use sweeps::{DatasetSource, Digest, JobSpec, Parameters, Training};

use crate::backend::networks::Networks;
use crate::backend::open::{Source, Work, on};
use crate::backend::state::{PairState, Role};
use crate::backend::{Backend, Report, Split};
use crate::baselines::fit::FitContext;
use crate::data::prepared::{DataParts, Prepared};
use crate::device::Device;
use crate::distil::fused::Fusion;
use crate::distil::segments::Segments;
use crate::distil::videos::rows_of_each;
use crate::distil::{c2fpl, clap, lanp, pca, rule, student, window};
use crate::error::TrainError;
use crate::method::random_streams::{Positions, RandomStreams};
use crate::method::schedule::{Hooks, PhasePlan, Plan, Position};
use crate::paper::mean_and_std;
use crate::selftest::case::network;
use crate::selftest::error::TraceError;
use crate::selftest::recorded::{self, INPUTS};
use crate::selftest::replay::{read_order, told};
use crate::selftest::report::{CONTROL_TOLERANCE, TOLERANCE, TensorReport};
use crate::selftest::tensors::Tensors;

#[derive(Deserialize)]
struct Settings {
    feature_scaling: String,
    folds: usize,
    smoothing: f64,
    top_percent: f64,
    #[serde(default = "four")]
    exponent: f64,
    #[serde(default)]
    share: Option<f64>,
    learning_rate: f64,
    rms_alpha: f64,
    rms_eps: f64,
    momentum: f64,
    batch_size: usize,
    epochs: u32,
}

fn four() -> f64 {
    4.0
}

/// What was recorded.
struct Case<'a> {
    settings: Settings,
    dataset: Prepared,
    /// The fold of each row.
    fold: Vec<u32>,
    inputs: Tensors<'a>,
}

/// How a tensor is held against the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    /// Hard labels and counts.
    Exact,
    /// What is computed in f64.
    Number,
    /// What networks computed in f32.
    Learned,
}

type Made = (&'static str, Vec<f64>, Match);

/// Makes labels and D again and holds those of `wanted` against what was recorded of them.
pub(super) fn replay(
    case: &[u8],
    inputs: &[u8],
    expected: &Tensors<'_>,
    wanted: &[String],
    device: &Device,
) -> Result<Vec<TensorReport>, TraceError> {
    let case = Case::read(case, inputs)?;
    let made = device.install(|| case.make(wanted, device))?;
    made.into_iter()
        .filter(|(name, ..)| wanted.iter().any(|wanted| wanted == name))
        .map(|(name, values, how)| {
            let tolerance = if how == Match::Learned {
                TOLERANCE
            } else {
                CONTROL_TOLERANCE
            };
            TensorReport::compare(name, &values, expected, how == Match::Exact, tolerance)
        })
        .collect()
}

impl<'a> Case<'a> {
    fn read(case: &[u8], inputs: &'a [u8]) -> Result<Self, TraceError> {
        let settings: Settings = recorded::settings(case)?;
        let scaling = recorded::feature_scaling(&settings.feature_scaling)?;
        let numbers = [
            settings.learning_rate,
            settings.rms_alpha,
            settings.rms_eps,
            settings.momentum,
        ];
        let in_range = (0.0..1e6).contains(&settings.smoothing)
            && (0.0..=100.0).contains(&settings.top_percent)
            && settings.batch_size > 0
            && (1..1000).contains(&settings.folds);
        if !in_range || numbers.iter().any(|number| !number.is_finite()) {
            return Err(recorded::fault(
                "`folds`, `smoothing`, `top_percent`, `batch_size` or a number of the optimizer is out of range",
            ));
        }
        let inputs = Tensors::read(INPUTS, inputs)?;
        let features = recorded::features(&inputs)?;
        let rows = features.rows();
        let video = inputs.indices("video", rows)?;
        let ascend = video.windows(2).all(|pair| pair[0] <= pair[1]);
        if video.len() != rows || video.contains(&-1) || !ascend {
            return Err(inputs.fault("video", "does not name the videos one after the other"));
        }
        let videos = video[rows - 1] as usize + 1;
        let video: Vec<u32> = video.into_iter().map(|video| video as u32).collect();
        let fold = recorded::folds(&inputs, settings.folds, &video, videos)?;
        let parts = DataParts {
            digest: Digest([0; 32]),
            train: features.clone(),
            test: features,
            crops: 1,
            labels: vec![None; videos],
            video,
            truth: None,
            test_names: vec!["trace".to_owned()],
            frames: {
                let mut frames = metrics::Frames::default();
                frames.push(rows, rows as u32, 1, &[]);
                frames
            },
        };
        Ok(Self {
            settings,
            dataset: Prepared::from_parts(parts, scaling)?,
            fold,
            inputs,
        })
    }

    /// All that this can make of what is expected.
    fn make(&self, wanted: &[String], device: &Device) -> Result<Vec<Made>, TraceError> {
        let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
        let settings = &self.settings;
        let crossed = self.errors(device)?;
        let rows = rows_of_each(&self.dataset.video, self.dataset.labels.len());
        let smoothed = smooth_rows(&crossed.train, &rows, 1, settings.smoothing);
        let percent = settings.top_percent;
        let labels = rule::labels(&smoothed, LabelRule::TopPercent { percent });
        let exponent = settings.exponent;
        let soft = rule::labels(&smoothed, LabelRule::SoftRank { exponent });
        let mut made = vec![
            ("labels", wide(&labels), Match::Exact),
            ("labels_soft", wide(&soft), Match::Number),
        ];
        self.successors(device, &mut made);
        if ["loss_d", "logit", "fused"]
            .iter()
            .any(|name| wanted.iter().any(|wanted| wanted == name))
        {
            let (loss, logits) = self.student(&labels, device)?;
            let fusion = Fusion::new(&crossed.train, &crossed.test);
            let fused = fusion.scores(&logits, &logits);
            made.extend([
                ("loss_d", loss, Match::Learned),
                ("logit", wide(&logits), Match::Learned),
                ("fused", wide(&fused), Match::Learned),
            ]);
        }
        Ok(made)
    }

    /// Of principal components of the other folds.
    fn errors(&self, device: &Device) -> Result<pca::Errors, TraceError> {
        let every: Vec<u32> = (0..self.dataset.train.rows() as u32).collect();
        let context = FitContext {
            train: &self.dataset.train,
            rows: &every,
            test: &self.dataset.test,
            seed: 0,
            threads: device.threads(),
            stopped: &|| false,
        };
        Ok(pca::errors(
            &context,
            &self.fold,
            self.settings.folds,
            pca::SHARE,
        )?)
    }

    /// What the later methods make of the features.
    fn successors(&self, device: &Device, made: &mut Vec<Made>) {
        let segments = Segments::new(&self.dataset, device.threads());
        let norms = segments.squared_norms();
        let all: Vec<f64> = norms.iter().flatten().copied().collect();
        let gaussian = mean_and_std(&all);
        let flat = |labels: &[Vec<f32>]| -> Vec<f64> {
            let labels = segments.of_rows(labels);
            labels.iter().map(|label| f64::from(*label)).collect()
        };
        let windows: Vec<Vec<f32>> = norms
            .iter()
            .map(|norms| {
                if norms.is_empty() {
                    Vec::new()
                } else {
                    window::label(norms, gaussian)
                }
            })
            .collect();
        made.push(("window_labels", flat(&windows), Match::Exact));
        made.push(("c2fpl_labels", flat(&c2fpl::labels(&norms)), Match::Exact));
        let clap = clap::labels(&norms, &segments.variances());
        made.push(("clap_labels", flat(&clap), Match::Exact));
        for (name, labels, affinity) in [
            ("lanp_z_cosine", "lanp_labels_cosine", Affinity::Cosine),
            ("lanp_z_rms", "lanp_labels_rms", Affinity::Rms),
        ] {
            let width = self.dataset.dimension();
            let z = segments.each_scaled(|video| lanp::normality(video, width, affinity));
            made.push((name, z.concat(), Match::Number));
            if let Some(share) = self.settings.share {
                made.push((labels, flat(&lanp::labels(&z, share)), Match::Exact));
            }
        }
    }

    /// Losses of the steps and logits of all rows in the end.
    fn student(&self, labels: &[f32], device: &Device) -> Result<(Vec<f64>, Vec<f32>), TraceError> {
        let dimension = self.dataset.dimension();
        let state = PairState {
            discriminator: Some(network(&self.inputs, Role::Discriminator, dimension, 1)?),
            ..PairState::default()
        };
        let settings = &self.settings;
        let source = DatasetSource::Named("trace".to_owned());
        let empty = JobSpec::resolve(source, 0, &Parameters::default());
        let mut training = Training::of(&empty);
        training.epochs = settings.epochs;
        training.batch_size = settings.batch_size;
        training.learning_rate = settings.learning_rate;
        training.optimizer.alpha = settings.rms_alpha;
        training.optimizer.epsilon = settings.rms_eps;
        training.optimizer.momentum = settings.momentum;
        let student = Student {
            plan: student::plan(&training, &self.dataset.video, labels),
            training: &training,
            state,
            inputs: &self.inputs,
        };
        Ok(on(device, Source::Only(&self.dataset.train), student)?)
    }
}

/// D on recorded orders.
struct Student<'a> {
    plan: Plan<'a>,
    training: &'a Training,
    state: PairState,
    inputs: &'a Tensors<'a>,
}

impl Work for Student<'_> {
    type Networks<B: Backend> = Networks<B>;
    type Output = (Vec<f64>, Vec<f32>);

    fn networks<B: Backend>(&self, backend: B) -> Result<Networks<B>, TrainError> {
        let rows = self.plan.phases[0].rows.len();
        Networks::new(backend, &self.state, self.training, rows)
    }

    fn run<B: Backend>(self, networks: Networks<B>) -> Result<Self::Output, TrainError> {
        let mut networks = networks;
        let mut orders = Orders {
            inputs: self.inputs,
            epoch: 0,
        };
        let mut losses = Losses::default();
        let start = Position::default();
        self.plan
            .run(start, &mut networks, &mut orders, &mut losses)?;
        let mut logits = Vec::new();
        let batch = networks.load(Split::Train, &self.plan.phases[0].rows)?;
        networks.read_logits(&batch, &mut logits)?;
        Ok((losses.0, logits))
    }
}

/// Orders read from the trace.
struct Orders<'a> {
    inputs: &'a Tensors<'a>,
    epoch: usize,
}

impl RandomStreams for Orders<'_> {
    fn order(&mut self, rows: &[u32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        *out = read_order(self.inputs, self.epoch, rows, rows.len()).map_err(told)?;
        self.epoch += 1;
        Ok(())
    }

    fn noise(&mut self, _: &[u32], _: usize, _: usize, _: &mut Vec<f32>) -> Result<(), TrainError> {
        Ok(())
    }

    fn replacement(&mut self, _: &[f32], _: &mut Vec<u32>) -> Result<(), TrainError> {
        Ok(())
    }

    fn dropout(&mut self, length: usize, _: f64, out: &mut Vec<f32>) {
        out.clear();
        out.resize(length, 1.0);
    }

    fn positions(&self) -> Positions {
        Positions::new()
    }
}

/// The loss of D at each step.
#[derive(Default)]
struct Losses(Vec<f64>);

impl Hooks for Losses {
    fn before_step(&mut self) -> Result<(), TrainError> {
        Ok(())
    }

    fn after_step(&mut self, _: &[u32], report: &Report) {
        self.0.extend(report.loss_d);
    }

    fn after_epoch<B: Backend>(
        &mut self,
        _: &PhasePlan,
        _: u32,
        _: Position,
        _: &mut Networks<B>,
        _: &dyn RandomStreams,
    ) -> Result<(), TrainError> {
        Ok(())
    }
}
