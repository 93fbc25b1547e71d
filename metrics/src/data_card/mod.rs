//! What kind of data a data set is: the numbers that say what a method may be expected to do there. `rules` reads them, and
//! `Display` says them to people. They are made by the trainer (`gcl::data_card`), shown by `data inspect --regime`, and travel to
//! reports as the artifact [`DATA_CARD`] of a control's job.
//!
//! What is measured of features and needs no truth is of the training split, since that is what a network learns from. What needs truth
//! is of the test split, but for the source confound, which takes whatever videos of both splits have known frames.

mod rules;
mod words;

use serde::{Deserialize, Serialize};

pub use rules::{Expectation, Seen, Warning};

/// The name of the artifact.
pub const DATA_CARD: &str = "data-card";
/// A file larger than this is no card.
const MOST_BYTES: usize = 1 << 20;

/// What kind of data a data set is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataCard {
    /// The `feature_scaling` under which features were looked at; zeros and constant dimensions are of the features as they are.
    pub feature_scaling: String,
    /// Length of a feature vector.
    pub dimensions: u64,
    /// Dimensions that never change in the training split.
    pub constant_dimensions: u64,
    /// Share of training values that are zero, `[0, 1]`.
    pub zeros: f64,
    /// How the variance of training features is shared out; `None` where there is none.
    pub variance: Option<Variance>,
    /// ‖f‖ of training features.
    pub norm: Option<Quantiles>,
    /// ‖f(t) − f(t − 1)‖ of training features, the first segment of each video left out.
    pub change: Option<Quantiles>,
    /// How many rows were looked at where not all were.
    pub sample: Sample,
    /// What is known where the test split has anomalous and normal frames.
    pub truth: Option<Truth>,
}

/// How the variance is shared out between videos and within them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Variance {
    /// Share of the variance (over all dimensions) that lies between the means of videos, `[0, 1]`: cameras, scenes, places.
    pub between_videos: f64,
    /// The share that videos of these lengths would have if their segments were dealt out at random.
    pub by_chance: f64,
}

/// How numbers are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The smallest.
    pub least: f64,
    /// A twentieth is below it.
    pub p5: f64,
    /// A quarter is below it.
    pub p25: f64,
    /// Half is below it.
    pub median: f64,
    /// A quarter is above it.
    pub p75: f64,
    /// A twentieth is above it.
    pub p95: f64,
    /// The largest.
    pub most: f64,
}

impl Quantiles {
    /// Of these numbers, in any order; `None` of none. A quantile is one of the numbers, the lower of two that qualify.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |percent: usize| values[last * percent / 100];
        Some(Self {
            least: at(0),
            p5: at(5),
            p25: at(25),
            median: at(50),
            p75: at(75),
            p95: at(95),
            most: at(100),
        })
    }
}

/// Training rows (segments times crops) that were looked at: evenly spaced, without any random choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Of the training split.
    pub rows: u64,
    /// That principal components were fitted on.
    pub pca: u64,
    /// Among which neighbours were looked for.
    pub knn: u64,
}

/// What only truth can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// How much of the test split is anomalous.
    pub test: Prevalence,
    /// How much of the training split, as far as it is known.
    pub train: Option<Prevalence>,
    /// AUC of every control.
    pub controls: Vec<ControlAuc>,
    /// How the events of test videos lie to one another; `None` with fewer than two videos that have both kinds of segments.
    pub events: Option<Coherence>,
    /// The same of what principal components take for anomalous and is not: the normal test segments whose residual is in the upper
    /// tenth, against the other normal segments of their video.
    pub false_alarms: Option<Coherence>,
    /// Whether normal segments tell which kind of video they are of.
    pub source: Option<SourceConfound>,
}

/// How much is anomalous.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prevalence {
    /// Videos whose kind is known.
    pub videos: u64,
    /// Share of them that is anomalous.
    pub anomalous_videos: f64,
    /// Share of segments at least half of whose frames are anomalous; `None` where it is not known of all.
    pub anomalous_segments: Option<f64>,
    /// Share of anomalous frames; `None` where it is not known of all.
    pub anomalous_frames: Option<f64>,
}

/// What a control reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlAuc {
    /// Its word: `length`, `knn`.
    pub control: String,
    /// Over all test frames pooled.
    pub auc: Option<f64>,
    /// Mean over the videos that have both kinds of frames.
    pub within_videos: Option<f64>,
}

/// Whether displacements share a direction. Each is a difference of two means within one video.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coherence {
    /// Videos that have one.
    pub videos: u64,
    /// Mean cosine of all pairs: 1 where all go one way, 0 by chance.
    pub mean_cosine: f64,
}

/// How well normal segments of anomalous videos and those of normal videos can be told apart. Nothing about an event is in them: what tells
/// them apart is where the videos come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SourceConfound {
    /// Mean over folds of the AUC of a linear discriminant that was fitted on the videos of the other folds.
    pub auc: f64,
    /// Folds.
    pub folds: u64,
    /// Normal videos with known frames, of both splits.
    pub normal_videos: u64,
    /// Anomalous ones with normal segments.
    pub anomalous_videos: u64,
    /// Segments that were looked at: so many of each video, evenly spaced.
    pub segments: u64,
}

/// A file that is no card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the artifact `{DATA_CARD}` cannot be read: {0}")]
pub struct CardError(String);

impl DataCard {
    /// The artifact's bytes: JSON, the same for the same numbers.
    pub fn encode(&self) -> Vec<u8> {
        // Numbers and texts: there is nothing that JSON could not say.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The card in an artifact.
    ///
    /// # Errors
    /// If these are no bytes of [`encode`](Self::encode).
    pub fn decode(bytes: &[u8]) -> Result<Self, CardError> {
        if bytes.len() > MOST_BYTES {
            return Err(CardError(format!("it has {} bytes", bytes.len())));
        }
        serde_json::from_slice(bytes).map_err(|error| CardError(error.to_string()))
    }

    /// AUC of that control.
    pub fn control(&self, word: &str) -> Option<&ControlAuc> {
        let controls = &self.truth.as_ref()?.controls;
        controls.iter().find(|found| found.control == word)
    }
}

#[cfg(test)]
mod tests;
