//! Traces of kind `controls`: scores that learn nothing, recorded in f64, made again by what makes them in production.

use std::ops::Range;
use std::sync::Arc;

use metrics::{Frames, place, smooth};
use serde::Deserialize;
use sweeps::Choice;
use sweeps::training::FeatureScaling;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::pca::Components;
use crate::controls::features::{norms, temporal_differences};
use crate::controls::neighbours::Neighbours;
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::data::rows::Rows;
use crate::data::scaling::Scaling;
use crate::device::Device;
use crate::error::TrainError;
use crate::selftest::case::{CASE, INPUTS};
use crate::selftest::error::TraceError;
use crate::selftest::report::{CONTROL_TOLERANCE, TensorReport};
use crate::selftest::tensors::Tensors;

/// What `case.toml` says in `kind`.
pub(super) const KIND: &str = "controls";

/// What the recorder of such traces keeps besides: labels that are made of these scores, and a student of them.
const NOT_CONTROLS: [&str; 12] = [
    "labels",
    "labels_soft",
    "c2fpl_labels",
    "clap_labels",
    "lanp_labels_cosine",
    "lanp_labels_rms",
    "lanp_z_cosine",
    "lanp_z_rms",
    "window_labels",
    "loss_d",
    "logit",
    "fused",
];

#[derive(Deserialize)]
struct Settings {
    feature_scaling: String,
    variance_share: f64,
    neighbours: usize,
    folds: usize,
    smoothing: f64,
}

/// A score by its name, with whether it must be equal to the bit.
type Made = (&'static str, Vec<f64>, bool);

/// What was recorded.
struct Case {
    settings: Settings,
    /// Scaled.
    features: Features,
    /// The video of each row.
    video: Vec<u32>,
    /// The rows of each video.
    videos: Vec<Range<usize>>,
    /// Frames of each video.
    frames: Vec<u32>,
    /// The fold of each row.
    fold: Vec<i64>,
}

/// Makes the scores again and holds them against those that were recorded; what is no control is named, and left out.
pub(super) fn replay(
    case: &[u8],
    inputs: &[u8],
    expected: &Tensors<'_>,
    device: &Device,
) -> Result<(Vec<TensorReport>, Vec<String>), TraceError> {
    let case = Case::read(case, inputs)?;
    let made = device
        .install(|| case.make(device.threads()))
        .map_err(|fault| {
            let what = match fault {
                Fault::Stopped => "stopped",
                Fault::NotFinite(what) => what,
            };
            TraceError::Train(TrainError::bad_data(format!("{what} is not finite")))
        })?;
    let mut left_out = Vec::new();
    for name in expected.names() {
        if NOT_CONTROLS.contains(&name.as_str()) {
            left_out.push(name);
        } else if !made.iter().any(|(made, ..)| *made == name) {
            return Err(expected.fault(&name, "is recorded, but no control makes it"));
        }
    }
    left_out.sort();
    let reports = made
        .into_iter()
        .filter(|(name, ..)| expected.has(name))
        .map(|(name, values, exact)| {
            TensorReport::compare(name, &values, expected, exact, CONTROL_TOLERANCE)
        })
        .collect::<Result<_, _>>()?;
    Ok((reports, left_out))
}

impl Case {
    fn read(case: &[u8], inputs: &[u8]) -> Result<Self, TraceError> {
        let fault = |message: String| TraceError::File {
            file: CASE,
            message,
        };
        let text = std::str::from_utf8(case).map_err(|error| fault(error.to_string()))?;
        let settings: Settings = toml::from_str(text).map_err(|error| fault(error.to_string()))?;
        let scaling = FeatureScaling::of_word(&settings.feature_scaling).ok_or_else(|| {
            fault(format!(
                "`feature_scaling` cannot be `{}`",
                settings.feature_scaling
            ))
        })?;
        if !(0.0..1.0).contains(&settings.variance_share)
            || !(0.0..1e6).contains(&settings.smoothing)
            || settings.neighbours == 0
        {
            return Err(fault(
                "`variance_share`, `smoothing` or `neighbours` is out of range".to_owned(),
            ));
        }
        let inputs = Tensors::read(INPUTS, inputs)?;
        let [rows, dimension] = inputs.shape("features")?[..] else {
            return Err(inputs.fault("features", "is no matrix"));
        };
        if rows == 0 || dimension == 0 || u32::try_from(rows).is_err() {
            return Err(inputs.fault("features", "is empty, or has too many rows"));
        }
        let matrix = Matrix::new(inputs.matrix("features", &[rows, dimension])?, dimension);
        let raw = Arc::new(Rows::Own(matrix));
        let [scaling, _] = Scaling::fit(scaling, &raw, &raw);
        let frames = inputs.indices("frames", 1 << 24)?;
        let video = inputs.indices("video", frames.len())?;
        let runs: Vec<&[i64]> = video.chunk_by(|left, right| left == right).collect();
        let in_order = runs
            .iter()
            .zip(0_i64..)
            .all(|(run, number)| run[0] == number);
        if video.len() != rows || runs.len() != frames.len() || !in_order {
            return Err(inputs.fault("video", "does not name the videos one after the other"));
        }
        if frames.contains(&-1) {
            return Err(inputs.fault("frames", "holds -1"));
        }
        let mut start = 0;
        let videos = runs
            .iter()
            .map(|run| {
                start += run.len();
                start - run.len()..start
            })
            .collect();
        let mut fold = inputs.indices("fold", settings.folds)?;
        // Of each video, or of each of its rows.
        if fold.len() == frames.len() {
            fold = video.iter().map(|video| fold[*video as usize]).collect();
        }
        if fold.len() != rows {
            let message = format!("names a fold neither for all videos nor for all {rows} rows");
            return Err(inputs.fault("fold", message));
        }
        Ok(Self {
            settings,
            features: Features::new(raw, scaling),
            video: video.into_iter().map(|video| video as u32).collect(),
            videos,
            frames: frames.into_iter().map(|frames| frames as u32).collect(),
            fold,
        })
    }

    /// Every score.
    fn make(&self, threads: usize) -> Result<Vec<Made>, Fault> {
        let settings = &self.settings;
        let all: Vec<u32> = (0..self.features.rows() as u32).collect();
        let context = FitContext {
            train: &self.features,
            rows: &all,
            test: &self.features,
            seed: 0,
            threads,
            stopped: &|| false,
        };
        let mut scaled = vec![0.0; self.features.rows() * self.features.columns()];
        self.features.gather(threads, &all, &mut scaled);
        let components = Components::of_share(&context, settings.variance_share)?;
        let mut counts = vec![components.count() as f64];
        let mut crossed = vec![0.0; self.features.rows()];
        for fold in 0..settings.folds as i64 {
            let own = |row: &&u32| self.fold[**row as usize] == fold;
            let others: Vec<u32> = all.iter().filter(|row| !own(row)).copied().collect();
            let context = FitContext {
                rows: &others,
                ..context
            };
            let components = Components::of_share(&context, settings.variance_share)?;
            counts.push(components.count() as f64);
            let residuals = components.residuals(&context)?;
            for row in all.iter().filter(own) {
                crossed[*row as usize] = residuals[*row as usize];
            }
        }
        let nearest = Neighbours::of_other_videos(settings.neighbours, &self.video);
        let mut frames = Frames::default();
        for count in &self.frames {
            frames.push(*count as usize, *count, 1, &[]);
        }
        let narrow: Vec<f32> = crossed.iter().map(|error| *error as f32).collect();
        let smoothed = smooth(&narrow, &self.videos, settings.smoothing);
        Ok(vec![
            ("scaled", wide(&scaled), false),
            ("pca_error", components.residuals(&context)?, false),
            ("pca_components", counts, true),
            ("pca_error_cross", crossed, false),
            ("knn_cross", nearest.mean_distances(&context)?, false),
            (
                "temporal_difference",
                temporal_differences(&context, &self.videos, 1)?,
                false,
            ),
            ("norm", norms(&context)?, false),
            ("smoothed", wide(&smoothed), false),
            ("length_frames", wide(&place::length(&frames)), true),
            ("place_frames", wide(&place::place(&frames, 1)), false),
        ])
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}
