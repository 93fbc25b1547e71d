//! What kind of data a data set is: the numbers of a [`DataCard`]. Nothing is drawn, and no thread count or kind of device changes
//! a bit.
//!
//! Everything is read that one pass can read. What costs more with every training row (principal components, neighbours) looks at
//! evenly spaced ones where there are too many, and the card says at how many: UCF-Crime's size takes minutes, not hours.
//! Reading order: [`spread`] (no truth needed), [`controls`], [`events`] (directions), [`source`] (which kind of video).

mod controls;
mod events;
mod source;
mod spread;

use std::ops::Range;

use metrics::Frames;
use metrics::data_card::{DataCard, Prevalence, Sample, Truth};
use sweeps::{Choice, Phase};

use crate::baselines::fit::{Fault, start};
use crate::data::prepared::Prepared;
use crate::device::Device;
use crate::error::TrainError;
use crate::run::request::{Request, StopFlag};

/// Videos that are looked at before their sums are added up: bounds what lies in memory.
const VIDEOS: usize = 64;
/// Rows that principal components are fitted on at most. Their covariance is d² for each.
const MOST_PCA_ROWS: usize = 20_000;
/// Multiply-adds of all distances at most, unless fewer than [`LEAST_KNN_ROWS`] training rows were left.
const MOST_KNN_WORK: usize = 1_000_000_000_000;
/// Training rows among which neighbours are looked for at least, where there are so many.
const LEAST_KNN_ROWS: usize = 1_000;

/// A card was not made.
#[derive(Debug, thiserror::Error)]
pub enum CardFault {
    /// The stop flag was raised.
    #[error("stopped")]
    Stopped,
    /// A number became NaN or infinite.
    #[error("{0} is not finite")]
    NotFinite(&'static str),
}

impl From<Fault> for CardFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Stopped => Self::Stopped,
            Fault::NotFinite(what) => Self::NotFinite(what),
        }
    }
}

/// The card of a data set under its scaling. Only the threads of `device` are used.
///
/// # Errors
/// If it is stopped, or a number is none.
pub fn data_card(
    dataset: &Prepared,
    device: &Device,
    stop: &StopFlag,
) -> Result<DataCard, CardFault> {
    let work = Work {
        dataset,
        threads: device.threads(),
        stopped: &|| stop.is_stopped(),
    };
    Ok(device.install(|| work.card())?)
}

/// The card as the artifact of a job.
pub(crate) fn of_job(request: &Request<'_>) -> Result<DataCard, TrainError> {
    let work = Work {
        dataset: request.dataset,
        threads: request.device.threads(),
        stopped: &|| request.stop.is_stopped(),
    };
    work.card()
        .map_err(|fault| fault.of_run(|| start(request), (Phase::Train, 1)))
}

/// What the numbers are made of.
struct Work<'a> {
    dataset: &'a Prepared,
    threads: usize,
    stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Work<'_> {
    fn card(&self) -> Result<DataCard, Fault> {
        let dataset = self.dataset;
        let rows = dataset.train.rows();
        let knn = MOST_KNN_WORK / (dataset.test.rows() * dataset.dimension()).max(1);
        let sample = [MOST_PCA_ROWS, knn.max(LEAST_KNN_ROWS)].map(|most| evenly(0..rows, most));
        let spread = self.spread()?;
        let known = anomalous(&dataset.frames).any(|known| known);
        let truth = if known && dataset.frames.negatives().iter().any(|count| *count > 0) {
            let [pca, knn] = &sample;
            let (controls, residuals) = self.controls(pca, knn)?;
            Some(Truth {
                test: of_test(&dataset.frames),
                train: self.of_train(),
                controls,
                events: self.events()?,
                false_alarms: self.false_alarms(&residuals)?,
                source: self.source()?,
            })
        } else {
            None
        };
        Ok(DataCard {
            feature_scaling: dataset.scaling.word().to_owned(),
            dimensions: dataset.dimension() as u64,
            constant_dimensions: spread.constant_dimensions,
            zeros: spread.zeros,
            variance: spread.variance,
            norm: spread.norm,
            change: spread.change,
            sample: Sample {
                rows: rows as u64,
                pca: sample[0].len() as u64,
                knn: sample[1].len() as u64,
            },
            truth,
        })
    }

    fn go_on(&self) -> Result<(), Fault> {
        if (self.stopped)() {
            Err(Fault::Stopped)
        } else {
            Ok(())
        }
    }

    /// How much of the training split is known to be anomalous; `None` where no label is known.
    fn of_train(&self) -> Option<Prevalence> {
        let labels: Vec<bool> = self.dataset.labels.iter().copied().flatten().collect();
        let truth = self.dataset.truth.as_deref();
        (!labels.is_empty()).then(|| Prevalence {
            videos: labels.len() as u64,
            anomalous_videos: share(labels.iter().copied()),
            anomalous_segments: truth.map(|truth| share(truth.iter().copied())),
            anomalous_frames: None,
        })
    }
}

/// How much of the test split is anomalous.
fn of_test(frames: &Frames) -> Prevalence {
    let total = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).sum::<u64>() as f64;
    let (positives, negatives) = (total(frames.positives()), total(frames.negatives()));
    let videos = frames.videos();
    Prevalence {
        videos: videos.len() as u64,
        anomalous_videos: share(videos.iter().map(|video| frames.is_anomalous(video))),
        anomalous_segments: Some(share(anomalous(frames))),
        anomalous_frames: Some(positives / (positives + negatives)),
    }
}

/// Per segment whether at least half of its frames are anomalous.
fn anomalous(frames: &Frames) -> impl Iterator<Item = bool> {
    let both = frames.positives().iter().zip(frames.negatives());
    both.map(|(positive, negative)| *positive > 0 && positive >= negative)
}

fn share(flags: impl Iterator<Item = bool>) -> f64 {
    let (mut found, mut count) = (0_u64, 0_u64);
    for flag in flags {
        found += u64::from(flag);
        count += 1;
    }
    found as f64 / count.max(1) as f64
}

/// At most `most` of the numbers in `range`, evenly spaced, the first among them.
fn evenly(range: Range<usize>, most: usize) -> Vec<u32> {
    let (start, count) = (range.start, range.len());
    let kept = count.min(most);
    (0..kept)
        .map(|place| (start + (place as u128 * count as u128 / kept as u128) as usize) as u32)
        .collect()
}

#[cfg(test)]
mod tests;
