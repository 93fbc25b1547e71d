//! A trace's parameters and inputs.

use serde::Deserialize;
use sweeps::training::{
    DifferenceBound, DifferenceScale, FeatureScaling, Method, NegativeTarget, Pretraining,
    PseudoLabels, Threshold,
};
use sweeps::{DatasetSource, JobSpec, Parameters, Training};

use crate::backend::state::{
    LayerShape, NetworkState, PairState, ParameterState, Role, tensor_name,
};
use crate::data::features::Features;
use crate::selftest::error::TraceError;
use crate::selftest::recorded::{self, INPUTS};
use crate::selftest::tensors::Tensors;

/// `case.toml`, as it stands. Keys that only the recorder needs are not read.
#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(default)]
    kind: Option<String>,
    batch_size: usize,
    epochs: u32,
    learning_rate: f64,
    rms_alpha: f64,
    rms_eps: f64,
    momentum: f64,
    method: String,
    target: String,
    sigma: f64,
    labels: String,
    generator_rule: String,
    generator_k: f64,
    generator_percent: f64,
    discriminator_rule: String,
    discriminator_k: f64,
    discriminator_percent: f64,
    pretraining: String,
    difference_threshold: f64,
    pretrain_epochs: u32,
    pretrain_discriminator_epochs: u32,
}

/// What kind of trace `case.toml` says that it is; none for one of training, and for a file that does not read.
pub(super) fn kind(case: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    let kind: Kind = toml::from_str(std::str::from_utf8(case).ok()?).ok()?;
    kind.kind
}

/// A trace that is ready to run.
pub(super) struct Case<'a> {
    pub(super) training: Training,
    pub(super) features: Features,
    /// The video of each row.
    pub(super) video: Vec<u32>,
    pub(super) video_label: Vec<i64>,
    pub(super) known: Vec<Option<bool>>,
    pub(super) initial: PairState,
    pub(super) inputs: Tensors<'a>,
}

impl<'a> Case<'a> {
    pub(super) fn read(case: &[u8], inputs: &'a [u8]) -> Result<Self, TraceError> {
        let settings: Settings = recorded::settings(case)?;
        let training = training(&settings).map_err(recorded::fault)?;

        let inputs = Tensors::read(INPUTS, inputs)?;
        let features = recorded::features(&inputs)?;
        let (rows, dimension) = (features.rows(), features.columns());
        let features = features.into();
        let video_label = inputs.indices("video_label", 2)?;
        let known: Vec<Option<bool>> = inputs
            .indices("known_label", 2)?
            .into_iter()
            .map(|label| (label >= 0).then_some(label == 1))
            .collect();
        if known.len() != video_label.len() {
            return Err(inputs.fault("known_label", "is not as long as `video_label`"));
        }
        let video = inputs.indices("video", video_label.len())?;
        if video.len() != rows || video.contains(&-1) {
            return Err(inputs.fault(
                "video",
                format!("does not name a video for all {rows} rows"),
            ));
        }
        let initial = PairState {
            generator: network(&inputs, Role::Generator, dimension, dimension)?,
            discriminator: Some(network(&inputs, Role::Discriminator, dimension, 1)?),
        };
        Ok(Self {
            training,
            features,
            video: video.into_iter().map(|video| video as u32).collect(),
            video_label,
            known,
            initial,
            inputs,
        })
    }
}

/// The network whose layers K = 0, 1, … the inputs hold.
pub(super) fn network(
    inputs: &Tensors<'_>,
    role: Role,
    dimension: usize,
    outputs: usize,
) -> Result<NetworkState, TraceError> {
    let mut state = NetworkState::default();
    let mut width = dimension;
    loop {
        let layer = state.shapes.len();
        let (weight, bias) = (
            tensor_name(role, 2 * layer),
            tensor_name(role, 2 * layer + 1),
        );
        if layer > 0 && !inputs.has(&weight) {
            break;
        }
        let found = inputs.shape(&weight)?;
        let shape = LayerShape {
            inputs: width,
            outputs: found.first().copied().unwrap_or(0),
        };
        if shape.outputs == 0 {
            return Err(inputs.fault(&weight, format!("has shape {found:?}")));
        }
        let values = inputs.matrix(&weight, &[shape.outputs, shape.inputs])?;
        state.parameters.push(ParameterState::new(values));
        let values = inputs.matrix(&bias, &[shape.outputs])?;
        state.parameters.push(ParameterState::new(values));
        state.shapes.push(shape);
        width = shape.outputs;
    }
    if width == outputs {
        Ok(state)
    } else {
        Err(inputs.fault(
            &tensor_name(role, 2 * state.shapes.len() - 2),
            format!("ends the network with {width} outputs, {outputs} are expected"),
        ))
    }
}

fn training(settings: &Settings) -> Result<Training, String> {
    if let Some(kind) = &settings.kind {
        return Err(format!("a trace of kind `{kind}` is no training trace"));
    }
    let numbers = [
        settings.learning_rate,
        settings.rms_alpha,
        settings.rms_eps,
        settings.momentum,
        settings.sigma,
        settings.generator_k,
        settings.generator_percent,
        settings.discriminator_k,
        settings.discriminator_percent,
        settings.difference_threshold,
    ];
    if numbers.iter().any(|number| !number.is_finite()) || settings.batch_size == 0 {
        return Err("a number is not finite, or `batch_size` is 0".to_owned());
    }
    // What a trace does not name is as an empty job has it.
    let empty = JobSpec::resolve(
        DatasetSource::Named("trace".to_owned()),
        0,
        &Parameters::default(),
    );
    let mut training = Training::of(&empty);
    training.method = match settings.method.as_str() {
        "gcl" => Method::Gcl,
        "gcl-own-labels" => Method::GclOwnLabels,
        "autoencoder" => Method::Autoencoder,
        other => return Err(format!("`method` cannot be `{other}`")),
    };
    training.epochs = settings.epochs;
    training.batch_size = settings.batch_size;
    training.learning_rate = settings.learning_rate;
    training.optimizer.alpha = settings.rms_alpha;
    training.optimizer.epsilon = settings.rms_eps;
    training.optimizer.momentum = settings.momentum;
    training.feature_scaling = FeatureScaling::None;
    training.target = match settings.target.as_str() {
        "ones" => NegativeTarget::Ones,
        "replace" => NegativeTarget::Replace,
        "gaussian" => NegativeTarget::Gaussian {
            sigma: settings.sigma,
        },
        "none" => NegativeTarget::None,
        other => return Err(format!("`target` cannot be `{other}`")),
    };
    training.pseudo_labels = match settings.labels.as_str() {
        "hard" => PseudoLabels::Hard,
        "soft" => PseudoLabels::Soft,
        other => return Err(format!("`labels` cannot be `{other}`")),
    };
    training.threshold_generator = threshold(
        &settings.generator_rule,
        settings.generator_k,
        settings.generator_percent,
    )?;
    training.threshold_discriminator = threshold(
        &settings.discriminator_rule,
        settings.discriminator_k,
        settings.discriminator_percent,
    )?;
    training.pretraining = match settings.pretraining.as_str() {
        "off" => Pretraining::Off,
        "temporal-difference" => Pretraining::TemporalDifference {
            bound: DifferenceBound::Threshold(settings.difference_threshold),
            scale: DifferenceScale::AsIs,
        },
        "normal-only" => Pretraining::NormalOnly,
        other => return Err(format!("`pretraining` cannot be `{other}`")),
    };
    training.pretrain_epochs = settings.pretrain_epochs;
    training.pretrain_discriminator_epochs = settings.pretrain_discriminator_epochs;
    Ok(training)
}

fn threshold(rule: &str, k: f64, percent: f64) -> Result<Threshold, String> {
    match rule {
        "mean-std" => Ok(Threshold::MeanStd { k }),
        "top-percent" => Ok(Threshold::TopPercent { percent }),
        other => Err(format!("a threshold's rule cannot be `{other}`")),
    }
}
