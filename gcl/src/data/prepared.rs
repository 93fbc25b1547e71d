//! A data set made ready for training: the rows of both splits as they are, what a scaling does to them when they are read, and what
//! is known of the videos. Kept between jobs; those of other scalings share the rows.
//!
//! Training truth lives here for three readers only: the selection of `normal-only` and of weak supervision (video labels),
//! the diagnostic `agreement_truth`, and the data card, which describes a data set and scores nothing. No unsupervised variant reads it; a test flips all of it.

use std::ops::Range;
use std::sync::Arc;

use datasets::{Dataset, Split};
use sweeps::Digest;
use sweeps::training::FeatureScaling;

use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::data::rows::Rows;
use crate::data::scaling::Scaling;
use crate::error::TrainError;
use metrics::Frames;

/// A data set made ready for training under one feature scaling. Share it between jobs in an `Arc`.
pub struct Prepared {
    pub(crate) digest: Digest,
    pub(crate) scaling: FeatureScaling,
    pub(crate) train: Features,
    pub(crate) test: Features,
    /// Channels that the scaling made 0, since they are constant on the training split.
    pub(crate) constant_channels: usize,
    /// Rows per segment.
    pub(crate) crops: usize,
    /// The video of each training row.
    pub(crate) video: Arc<[u32]>,
    /// The video-level label of each training video, where the data set has it.
    pub(crate) labels: Arc<[Option<bool>]>,
    /// Per training row whether at least half of its segment's frames are anomalous, where the data set tells it for all.
    pub(crate) truth: Option<Arc<[bool]>>,
    pub(crate) test_names: Arc<[String]>,
    pub(crate) frames: Arc<Frames>,
    /// Frames of each test video and which of them are anomalous, where that is known frame by frame.
    test_truth: Option<Arc<[VideoTruth]>>,
}

/// The frames of a test video, and ranges of those that are anomalous.
type VideoTruth = (u32, Vec<Range<u32>>);

/// A data set in memory, before scaling: for data that lie in no folder.
#[derive(Debug, Clone)]
pub struct DataParts {
    /// Of the content; part of every job's id.
    pub digest: Digest,
    /// Training rows: video by video, segment by segment, crop by crop.
    pub train: Matrix,
    /// Test rows, likewise.
    pub test: Matrix,
    /// Rows per segment, at least 1.
    pub crops: usize,
    /// The video of each training row.
    pub video: Vec<u32>,
    /// The video-level label of each training video, where known.
    pub labels: Vec<Option<bool>>,
    /// Per training row whether it is anomalous, where known for all. Diagnostic only.
    pub truth: Option<Vec<bool>>,
    /// Names of the test videos.
    pub test_names: Vec<String>,
    /// What the frames of the test videos are.
    pub frames: Frames,
}

/// What is known of the videos, whatever their features.
struct Facts {
    digest: Digest,
    crops: usize,
    video: Vec<u32>,
    labels: Vec<Option<bool>>,
    truth: Option<Vec<bool>>,
    test_names: Vec<String>,
    frames: Frames,
    test_truth: Option<Vec<VideoTruth>>,
}

/// Whether all lengths fit each other.
fn check(facts: &Facts, train: &Rows, test: &Rows) -> Result<(), TrainError> {
    let rows = train.rows();
    let (videos, crops) = (facts.labels.len(), facts.crops);
    let fits = [
        (rows > 0 && test.rows() > 0, "a split is empty"),
        (
            u32::try_from(rows.max(test.rows())).is_ok(),
            "a split has more than 4,294,967,295 rows",
        ),
        (
            train.columns() == test.columns(),
            "the splits differ in dimension",
        ),
        (
            crops > 0 && rows.is_multiple_of(crops),
            "the training rows are not whole segments",
        ),
        (
            test.rows() == facts.frames.segments() * crops,
            "the test rows are not those of the test segments",
        ),
        (
            facts.video.len() == rows && facts.video.iter().all(|video| (*video as usize) < videos),
            "the videos of the training rows do not fit",
        ),
        (
            facts.truth.as_ref().is_none_or(|truth| truth.len() == rows),
            "the training truth does not fit",
        ),
        (
            facts.test_names.len() == facts.frames.videos().len(),
            "the names of the test videos do not fit",
        ),
    ];
    match fits.into_iter().find(|(fits, _)| !fits) {
        Some((_, what)) => Err(TrainError::bad_data(format!(
            "the data set is unusable: {what}"
        ))),
        None => Ok(()),
    }
}

impl Prepared {
    /// A data set under a scaling. Rows that lie on disk as this processor reads them stay there; truth of training segments is kept
    /// only where every video has it: a label of 0, or anomalous frames.
    ///
    /// # Errors
    /// If memory does not suffice or the splits do not fit each other.
    pub fn new(dataset: &Dataset, scaling: FeatureScaling) -> Result<Self, TrainError> {
        let frames_per_segment = dataset.metadata.frames_per_segment;
        let crops = dataset.train.crops();
        let mut frames = Frames::default();
        for video in &dataset.test.videos {
            frames.push(
                video.segments(),
                video.frames,
                frames_per_segment,
                &video.anomalous,
            );
        }
        let mut rows_of_video = Vec::new();
        for (index, video) in dataset.train.videos.iter().enumerate() {
            let rows = video.segments() * crops;
            rows_of_video.extend(std::iter::repeat_n(index as u32, rows));
        }
        let rows = |split| Rows::of(split, dataset.metadata.feature_dim);
        let (train, test) = (rows(&dataset.train)?, rows(&dataset.test)?);
        let facts = Facts {
            digest: dataset.digest,
            crops,
            video: rows_of_video,
            labels: dataset
                .train
                .videos
                .iter()
                .map(|video| video.label)
                .collect(),
            truth: truth(&dataset.train, frames_per_segment, crops),
            test_names: dataset
                .test
                .videos
                .iter()
                .map(|video| video.name.clone())
                .collect(),
            frames,
            test_truth: Some(
                dataset
                    .test
                    .videos
                    .iter()
                    .map(|video| (video.frames, video.anomalous.clone()))
                    .collect(),
            ),
        };
        Self::make(facts, train, test, scaling)
    }

    /// The data of `parts` under a scaling, which is fitted on the training split alone.
    ///
    /// # Errors
    /// If the parts do not fit each other.
    pub fn from_parts(parts: DataParts, scaling: FeatureScaling) -> Result<Self, TrainError> {
        let DataParts {
            digest,
            train,
            test,
            crops,
            video,
            labels,
            truth,
            test_names,
            frames,
        } = parts;
        let facts = Facts {
            digest,
            crops,
            video,
            labels,
            truth,
            test_names,
            frames,
            test_truth: None,
        };
        Self::make(facts, Rows::Own(train), Rows::Own(test), scaling)
    }

    fn make(
        facts: Facts,
        train: Rows,
        test: Rows,
        scaling: FeatureScaling,
    ) -> Result<Self, TrainError> {
        check(&facts, &train, &test)?;
        let [train, test] = [train, test].map(|rows| Features::new(Arc::new(rows), Arc::default()));
        let raw = Self {
            digest: facts.digest,
            scaling: FeatureScaling::None,
            train,
            test,
            constant_channels: 0,
            crops: facts.crops,
            video: facts.video.into(),
            labels: facts.labels.into(),
            truth: facts.truth.map(Into::into),
            test_names: facts.test_names.into(),
            frames: Arc::new(facts.frames),
            test_truth: facts.test_truth.map(Into::into),
        };
        Ok(raw.rescaled(scaling))
    }

    /// The same data under another scaling; both read the same rows.
    #[must_use]
    pub fn rescaled(&self, scaling: FeatureScaling) -> Self {
        let (train, test) = (self.train.raw(), self.test.raw());
        let [of_train, of_test] = Scaling::fit(scaling, train, test);
        Self {
            digest: self.digest,
            scaling,
            constant_channels: of_train.constant_channels(),
            train: Features::new(train.clone(), of_train),
            test: Features::new(test.clone(), of_test),
            crops: self.crops,
            video: self.video.clone(),
            labels: self.labels.clone(),
            truth: self.truth.clone(),
            test_names: self.test_names.clone(),
            frames: self.frames.clone(),
            test_truth: self.test_truth.clone(),
        }
    }

    /// Per frame of all test videos whether it is anomalous; `None` for data that know it by segments alone.
    pub(crate) fn frame_truth(&self) -> Option<Vec<bool>> {
        let videos = self.test_truth.as_deref()?;
        let mut all = Vec::new();
        for (frames, anomalous) in videos {
            let start = all.len();
            all.resize(start + *frames as usize, false);
            for range in anomalous {
                let end = range.end.min(*frames);
                all[start..][range.start.min(end) as usize..end as usize].fill(true);
            }
        }
        Some(all)
    }

    /// Of the data set's content.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The scaling that it was made with; jobs with another need another.
    pub fn scaling(&self) -> FeatureScaling {
        self.scaling
    }

    /// Length of a feature vector.
    pub fn dimension(&self) -> usize {
        self.train.columns()
    }

    /// Training rows: segments times crops.
    pub fn train_rows(&self) -> usize {
        self.train.rows()
    }

    /// What the frames of the test videos are.
    pub fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Bytes of this process that the rows and what is known of them take; shared by all scalings.
    pub fn bytes(&self) -> usize {
        self.train.raw().own_bytes() + self.test.raw().own_bytes() + 4 * self.video.len()
    }

    /// Bytes of this process that this scaling takes beside them.
    pub fn scaling_bytes(&self) -> usize {
        let (train, test) = (self.train.scaling(), self.test.scaling());
        let both = !std::ptr::eq(train, test);
        train.bytes() + if both { test.bytes() } else { 0 }
    }

    /// Bytes of the mapped files that the rows are read from: of the host's page cache, and shared by all its processes.
    pub fn mapped_bytes(&self) -> usize {
        self.train.raw().mapped_bytes() + self.test.raw().mapped_bytes()
    }
}

/// Per training row whether at least half of its segment's frames are anomalous; `None` unless all videos tell.
fn truth(split: &Split, frames_per_segment: u32, crops: usize) -> Option<Vec<bool>> {
    let mut frames = Frames::default();
    for video in &split.videos {
        match video.label {
            Some(anomalous) if anomalous != video.anomalous.is_empty() => {}
            _ => return None,
        }
        frames.push(
            video.segments(),
            video.frames,
            frames_per_segment,
            &video.anomalous,
        );
    }
    let segments = frames.positives().iter().zip(frames.negatives());
    Some(
        segments
            .flat_map(|(positive, negative)| {
                std::iter::repeat_n(*positive > 0 && positive >= negative, crops)
            })
            .collect(),
    )
}
