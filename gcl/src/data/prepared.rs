//! A data set made ready for training: one f32 matrix per split, scaled, kept between jobs that share data and scaling.
//!
//! Training truth lives here for two readers only: the selection of `normal-only` and of weak supervision (video labels),
//! and the diagnostic `agreement_truth`. No unsupervised variant reads it; a test flips all of it.

use std::sync::Mutex;

use candle_core::Tensor;
use datasets::{Dataset, Split};
use sweeps::Digest;
use sweeps::training::FeatureScaling;

use crate::backend::candle::upload;
use crate::data::matrix::Matrix;
use crate::data::scaling::Scaling;
use crate::error::TrainError;
use metrics::Frames;

/// A data set made ready for training under one feature scaling. Share it between jobs in an `Arc`.
pub struct Prepared {
    pub(crate) digest: Digest,
    pub(crate) scaling: FeatureScaling,
    pub(crate) train: Matrix,
    pub(crate) test: Matrix,
    /// Channels that the scaling made 0, since they are constant on the training split.
    pub(crate) constant_channels: usize,
    /// Rows per segment.
    pub(crate) crops: usize,
    /// The video of each training row.
    pub(crate) video: Vec<u32>,
    /// The video-level label of each training video, where the data set has it.
    pub(crate) labels: Vec<Option<bool>>,
    /// Per training row whether at least half of its segment's frames are anomalous, where the data set tells it for all.
    pub(crate) truth: Option<Vec<bool>>,
    pub(crate) test_names: Vec<String>,
    pub(crate) frames: Frames,
    /// The two matrices on the device that used them last.
    uploaded: Mutex<Option<(candle_core::DeviceLocation, Tensor, Tensor)>>,
}

/// A data set in memory, before scaling: for data that lie in no folder, and what [`Prepared::new`] reads a folder into.
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

impl DataParts {
    /// Whether all lengths fit each other.
    fn check(&self) -> Result<(), TrainError> {
        let rows = self.train.rows();
        let (videos, crops) = (self.labels.len(), self.crops);
        let fits = [
            (rows > 0 && self.test.rows() > 0, "a split is empty"),
            (
                u32::try_from(rows.max(self.test.rows())).is_ok(),
                "a split has more than 4,294,967,295 rows",
            ),
            (
                self.train.columns() == self.test.columns(),
                "the splits differ in dimension",
            ),
            (
                crops > 0 && rows.is_multiple_of(crops),
                "the training rows are not whole segments",
            ),
            (
                self.test.rows() == self.frames.segments() * crops,
                "the test rows are not those of the test segments",
            ),
            (
                self.video.len() == rows
                    && self.video.iter().all(|video| (*video as usize) < videos),
                "the videos of the training rows do not fit",
            ),
            (
                self.truth.as_ref().is_none_or(|truth| truth.len() == rows),
                "the training truth does not fit",
            ),
            (
                self.test_names.len() == self.frames.videos().len(),
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
}

impl Prepared {
    /// Reads a data set into memory and scales it. Truth of training segments is kept only where every video has it: a
    /// label of 0, or anomalous frames.
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
        let parts = DataParts {
            digest: dataset.digest,
            train: read(&dataset.train, dataset.metadata.feature_dim)?,
            test: read(&dataset.test, dataset.metadata.feature_dim)?,
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
        };
        Self::from_parts(parts, scaling)
    }

    /// Scales the data of `parts`; the scaling is fitted on the training split alone.
    pub fn from_parts(parts: DataParts, scaling: FeatureScaling) -> Result<Self, TrainError> {
        parts.check()?;
        let DataParts {
            digest,
            mut train,
            mut test,
            crops,
            video,
            labels,
            truth,
            test_names,
            frames,
        } = parts;
        let fitted = Scaling::fit(scaling, &train);
        fitted.apply(&mut train)?;
        fitted.apply(&mut test)?;
        Ok(Self {
            digest,
            scaling,
            train,
            test,
            constant_channels: fitted.constant_channels(),
            crops,
            video,
            labels,
            truth,
            test_names,
            frames,
            uploaded: Mutex::new(None),
        })
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

    /// Bytes of host memory that it holds alone; the rows of a packed data set that need no scaling are the host's.
    pub fn bytes(&self) -> usize {
        self.train.own_bytes() + self.test.own_bytes() + 4 * self.video.len()
    }

    /// Both matrices on `device`, kept for the next job.
    pub(crate) fn on(&self, device: &candle_core::Device) -> Result<(Tensor, Tensor), TrainError> {
        let mut uploaded = self
            .uploaded
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*uploaded {
            Some((location, train, test)) if *location == device.location() => {
                Ok((train.clone(), test.clone()))
            }
            _ => {
                let train = upload(&self.train, device)?;
                let test = upload(&self.test, device)?;
                *uploaded = Some((device.location(), train.clone(), test.clone()));
                Ok((train, test))
            }
        }
    }
}

/// All rows of a split, video by video: where they lie, if they lie so on disk.
fn read(split: &Split, dimension: usize) -> Result<Matrix, TrainError> {
    let rows = |segments: usize, crops: usize| segments.saturating_mul(crops);
    if let Some(shared) = split.shared_rows() {
        return Ok(Matrix::shared(shared, dimension));
    }
    let mut matrix = Matrix::zeros(rows(split.segments(), split.crops()), dimension)?;
    let mut left = matrix.values_mut()?;
    for video in &split.videos {
        let length = rows(video.segments(), video.crops()).saturating_mul(dimension);
        let Some((out, rest)) = left.split_at_mut_checked(length) else {
            return Err(TrainError::bad_data(format!(
                "video `{}` has another number of crops than the first of its split",
                video.name
            )));
        };
        video.copy_rows_f32(0..video.segments(), out);
        left = rest;
    }
    Ok(matrix)
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
