//! The scores that the artifact `epoch-scores` (Fig. 7) keeps: those of test segments after each epoch of the main phase. They
//! grow with the run, so a checkpoint carries them. Where those of all test videos would not fit in [`LIMIT`], the first
//! anomalous videos that do are kept.

use std::ops::Range;

use sweeps::training::Method;
use sweeps::{Phase, Training};

use crate::data::prepared::Prepared;
use crate::error::TrainError;
use crate::run::checkpoint::Checkpoint;
use metrics::Frames;
use metrics::artifact::EpochScores;

/// Scores take less than so many bytes: a checkpoint is written every epoch, and a record's artifacts are pulled whole.
const LIMIT: usize = 4 << 20;

/// Which scores are kept.
pub(crate) struct Kept {
    on: bool,
    with_g: bool,
    with_d: bool,
    /// Numbers of the kept test videos.
    videos: Vec<usize>,
    /// Their segments.
    segments: Vec<Range<usize>>,
}

impl Kept {
    /// What `training` asks for. Refuses a checkpoint that kept something else.
    pub(crate) fn new(
        training: &Training,
        dataset: &Prepared,
        checkpoint: &Checkpoint,
    ) -> Result<Self, TrainError> {
        let mut kept = Self {
            on: training.epoch_scores,
            // Of distil it is the fused score that has the place of G's.
            with_g: training.method.has_generator()
                || training.method == Method::Distil && training.distil.has_errors(),
            with_d: training.method.has_discriminator() || training.method == Method::MilRanking,
            videos: Vec::new(),
            segments: Vec::new(),
        };
        if kept.on {
            let per_segment = 4 * training.epochs as usize * kept.scores();
            kept.videos = chosen(&dataset.frames, per_segment);
            let videos = dataset.frames.videos();
            kept.segments = kept.videos.iter().map(|v| videos[*v].clone()).collect();
        }
        let finished = checkpoint.header.curve.iter();
        let epochs = finished.filter(|p| p.phase == Phase::Train).count();
        if checkpoint.epoch_scores.len() != epochs * kept.length() {
            return Err(TrainError::BadCheckpoint {
                message: "its scores per epoch are not this job's".to_owned(),
            });
        }
        Ok(kept)
    }

    /// Scores per segment and epoch.
    fn scores(&self) -> usize {
        usize::from(self.with_g) + usize::from(self.with_d)
    }

    /// Numbers per epoch.
    fn length(&self) -> usize {
        self.scores() * self.segments.iter().map(Range::len).sum::<usize>()
    }

    /// Appends an epoch of the main phase.
    pub(crate) fn keep(&self, g: Option<&[f32]>, d: Option<&[f32]>, into: &mut Vec<f32>) {
        for scores in [g.filter(|_| self.with_g), d.filter(|_| self.with_d)]
            .into_iter()
            .flatten()
        {
            for segments in &self.segments {
                into.extend_from_slice(&scores[segments.clone()]);
            }
        }
    }

    /// The artifact, where it was asked for.
    pub(crate) fn encode(
        &self,
        dataset: &Prepared,
        kept: &[f32],
    ) -> Result<Option<Vec<u8>>, TrainError> {
        if !self.on {
            return Ok(None);
        }
        let (names, frames) = (&dataset.test_names, &dataset.frames);
        let width: usize = self.segments.iter().map(Range::len).sum();
        let epochs = kept.len().checked_div(self.length()).unwrap_or(0);
        let of = |place: usize| -> Vec<f32> {
            kept.chunks_exact(self.length().max(1))
                .flat_map(|epoch| &epoch[place * width..][..width])
                .copied()
                .collect()
        };
        let mut own = Frames::default();
        for video in &self.segments {
            own.push_counts(
                &frames.positives()[video.clone()],
                &frames.negatives()[video.clone()],
            );
        }
        let artifact = EpochScores {
            names: self.videos.iter().map(|v| names[*v].clone()).collect(),
            all: self.videos.len() == names.len(),
            frames: own,
            epochs,
            g: self.with_g.then(|| of(0)),
            d: self.with_d.then(|| of(usize::from(self.with_g))),
        };
        Ok(Some(artifact.encode()?))
    }
}

/// All videos where they fit, else the first anomalous ones that do.
fn chosen(frames: &Frames, per_segment: usize) -> Vec<usize> {
    let fits = |segments: usize| segments.saturating_mul(per_segment) < LIMIT;
    let videos = frames.videos();
    if fits(frames.segments()) {
        return (0..videos.len()).collect();
    }
    let mut total = 0;
    (0..videos.len())
        .filter(|video| {
            frames.positives()[videos[*video].clone()]
                .iter()
                .any(|count| *count > 0)
        })
        .take_while(|video| {
            total += videos[*video].len();
            fits(total)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_videos_or_the_first_anomalous_ones() {
        let mut frames = Frames::default();
        frames.push(10, 160, 16, &[]);
        for _ in 0..3 {
            let range = 0..5;
            frames.push(10, 160, 16, std::slice::from_ref(&range));
        }
        assert_eq!(chosen(&frames, 4), [0, 1, 2, 3]);
        assert_eq!(chosen(&frames, LIMIT / 25), [1, 2]);
        assert!(chosen(&frames, LIMIT).is_empty());
    }
}
