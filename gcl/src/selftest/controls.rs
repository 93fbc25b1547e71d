//! Traces of kind `controls`: scores that learn nothing, recorded in f64, made again by what makes them in production.

use std::ops::Range;
use std::sync::Arc;

use metrics::{Frames, place, smooth_rows};
use serde::Deserialize;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::pca::Components;
use crate::controls::features::{norms, temporal_differences};
use crate::controls::neighbours::Neighbours;
use crate::data::features::Features;
use crate::data::rows::Rows;
use crate::data::scaling::Scaling;
use crate::device::Device;
use crate::distil::pca;
use crate::selftest::error::TraceError;
use crate::selftest::recorded::{self, INPUTS};
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
    fold: Vec<u32>,
}

/// Makes the scores again and holds them against those that were recorded; what is no control is named, and left out.
pub(super) fn replay(
    case: &[u8],
    inputs: &[u8],
    expected: &Tensors<'_>,
    device: &Device,
) -> Result<(Vec<TensorReport>, Vec<String>), TraceError> {
    let case = Case::read(case, inputs)?;
    let made = device.install(|| case.make(device.threads()))?;
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
        let settings: Settings = recorded::settings(case)?;
        let scaling = recorded::feature_scaling(&settings.feature_scaling)?;
        if !(0.0..1.0).contains(&settings.variance_share)
            || !(0.0..1e6).contains(&settings.smoothing)
            || settings.neighbours == 0
        {
            return Err(recorded::fault(
                "`variance_share`, `smoothing` or `neighbours` is out of range",
            ));
        }
        let inputs = Tensors::read(INPUTS, inputs)?;
        let matrix = recorded::features(&inputs)?;
        let rows = matrix.rows();
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
        let video: Vec<u32> = video.into_iter().map(|video| video as u32).collect();
        let fold = recorded::folds(&inputs, settings.folds, &video, frames.len())?;
        Ok(Self {
            settings,
            features: Features::new(raw, scaling),
            video,
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
        let crossed = pca::errors(
            &context,
            &self.fold,
            settings.folds,
            settings.variance_share,
        )?;
        let counts = crossed.components.iter().map(|count| *count as f64);
        let nearest = Neighbours::of_other_videos(settings.neighbours, &self.video);
        let mut frames = Frames::default();
        for count in &self.frames {
            frames.push(*count as usize, *count, 1, &[]);
        }
        let smoothed = smooth_rows(&crossed.train, &self.videos, 1, settings.smoothing);
        Ok(vec![
            ("scaled", wide(&scaled), false),
            ("pca_error", components.residuals(&context)?, false),
            ("pca_components", counts.collect(), true),
            ("pca_error_cross", crossed.train, false),
            ("knn_cross", nearest.mean_distances(&context)?, false),
            (
                "temporal_difference",
                temporal_differences(&context, &self.videos, 1)?,
                false,
            ),
            ("norm", norms(&context)?, false),
            ("smoothed", smoothed, false),
            ("length_frames", wide(&place::length(&frames)), true),
            ("place_frames", wide(&place::place(&frames, 1)), false),
        ])
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}
