//! What is asked for, and what the metadata says of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::backbone::Backbone;
use crate::error::ExtractError;
use crate::extractor::Extractor;
use crate::list::Listed;
use crate::video::Crops;
use crate::weights::Weights;

/// What happens when a video cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It is reported and left out; the next run tries it again.
    Skip,
    /// The run ends with its error.
    Stop,
}

/// How a video becomes rows of features. Everything here changes the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampling {
    /// The network.
    pub backbone: Backbone,
    /// Its weights.
    pub weights: Weights,
    /// Ten crops instead of the centre: `[segments, 10, dimension]`.
    pub ten_crops: bool,
    /// Leave out a last segment of fewer than 16 frames (unless it is the only one) instead of repeating its frames.
    pub drop_last: bool,
    /// Store f16 instead of f32.
    pub half: bool,
}

/// What says which videos train and which test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Splits {
    /// Folders called `train…` and `test…`.
    Folders,
    /// A list `video,split,label,anomalous_frames`.
    List(PathBuf),
    /// Known already: from lists in a published form.
    Known(Vec<Listed>),
}

/// A folder of videos to a data set.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder of videos.
    pub videos: PathBuf,
    /// The data set's folder; made, or gone on with.
    pub out: PathBuf,
    /// How.
    pub sampling: Sampling,
    /// Which videos train and which test, and what is known of them.
    pub splits: Splits,
    /// The data set's name; unset, that of its folder.
    pub name: Option<String>,
    /// Where the videos come from, for the metadata.
    pub source: String,
    /// Their licence, for the metadata.
    pub licence: String,
    /// What there is to say of the lists, for the metadata.
    pub notes: Vec<String>,
    /// `cpu`, `cuda:N`, `auto`.
    pub device: String,
    /// Threads of the network on a CPU; unset, one per core.
    pub threads: Option<usize>,
    /// Clips that the network sees at once. Does not change the values.
    pub batch: usize,
    /// What to do about a video that cannot be decoded.
    pub broken: Broken,
    /// This process does every `.1`-th video from the `.0`-th on; `(0, 1)`: all.
    pub share: (usize, usize),
    /// ffmpeg, where it is not in the search path.
    pub ffmpeg: Option<PathBuf>,
    /// Threads of a decoding process.
    pub decode_threads: usize,
}

/// What a data set was made with; kept beside it, so that it is gone on with in the same way or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) backbone: String,
    pub(crate) weights: String,
    pub(crate) ten_crops: bool,
    pub(crate) drop_last: bool,
    pub(crate) half: bool,
    /// [`Backbone::revision`].
    pub(crate) revision: u32,
    /// What is done to a frame, in words; it follows from the rest. Folders of before have none.
    #[serde(default)]
    pub(crate) preprocessing: String,
}

impl Sampling {
    pub(crate) fn settings(&self) -> Result<Settings, ExtractError> {
        Ok(Settings {
            backbone: self.backbone.name().to_owned(),
            weights: self.weights.describe()?,
            ten_crops: self.ten_crops,
            drop_last: self.drop_last,
            half: self.half,
            revision: self.backbone.revision(),
            preprocessing: format!(
                "{}, {}",
                self.crops().describe(),
                self.backbone.preprocessing().describe()
            ),
        })
    }

    pub(crate) fn crops(&self) -> Crops {
        Crops::of(self.backbone, self.ten_crops)
    }

    /// Loads the network.
    pub fn load(&self, device: &crate::Device) -> Result<Extractor, ExtractError> {
        Extractor::load(self.backbone, &self.weights, device)
    }
}

impl Settings {
    /// The extractor as `dataset.toml` has it.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{}, {}; {}, {}",
            self.backbone,
            self.weights,
            self.preprocessing,
            if self.drop_last {
                "a short last segment dropped"
            } else {
                "the last segment padded by repetition"
            },
        )
    }

    /// Whether two folders are filled in the same way.
    pub(crate) fn agree(&self, other: &Self) -> bool {
        let without_words = |settings: &Self| Self {
            preprocessing: String::new(),
            ..settings.clone()
        };
        without_words(self) == without_words(other)
    }
}
