//! Whether events share a direction, and whether false alarms do. D can learn what has a common direction and nothing else, so that
//! its labels are better than G's where events have one and G's false alarms have none.

use std::ops::Range;

use metrics::data_card::Coherence;

use super::{VIDEOS, Work, anomalous};
use crate::baselines::fit::Fault;
use crate::baselines::numbers::each;

/// The share of normal segments that is taken for false alarms of a reconstruction.
const FALSE_ALARMS: f64 = 0.1;

/// What a segment is in a comparison within its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// What moved.
    Moved,
    /// What it moved away from.
    Rest,
    /// Neither.
    Out,
}

impl Work<'_> {
    /// Of the anomalous segments of each test video against its normal ones. Segments with fewer than half of their frames anomalous
    /// are on neither side.
    pub(super) fn events(&self) -> Result<Option<Coherence>, Fault> {
        let frames = &self.dataset.frames;
        let sides: Vec<Side> = anomalous(frames)
            .zip(frames.positives())
            .map(|(anomalous, positives)| match (anomalous, positives) {
                (true, _) => Side::Moved,
                (false, 0) => Side::Rest,
                (false, _) => Side::Out,
            })
            .collect();
        self.coherence(&sides)
    }

    /// Of the normal segments with the largest residuals against the other normal ones of their video.
    pub(super) fn false_alarms(&self, residuals: &[f32]) -> Result<Option<Coherence>, Fault> {
        let positives = self.dataset.frames.positives();
        let normal = || positives.iter().zip(residuals).filter(|(p, _)| **p == 0);
        let mut sorted: Vec<f32> = normal().map(|(_, residual)| *residual).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let place = (sorted.len() as f64 * (1.0 - FALSE_ALARMS)) as usize;
        let Some(least) = sorted.get(place) else {
            return Ok(None);
        };
        let sides: Vec<Side> = positives
            .iter()
            .zip(residuals)
            .map(|(positives, residual)| match positives {
                0 if residual >= least => Side::Moved,
                0 => Side::Rest,
                _ => Side::Out,
            })
            .collect();
        self.coherence(&sides)
    }

    /// The mean cosine of the displacements of all test videos that have both sides: (‖Σu‖² − n)/(n(n − 1)) of the n unit vectors u.
    fn coherence(&self, sides: &[Side]) -> Result<Option<Coherence>, Fault> {
        let videos = self.dataset.frames.videos();
        let width = self.dataset.dimension();
        let (mut sum, mut count) = (vec![0.0; width], 0_u64);
        for some in videos.chunks(VIDEOS) {
            self.go_on()?;
            let units = each(self.threads, some.len(), |video| {
                self.direction(some[video].clone(), sides)
            });
            for unit in units.into_iter().flatten() {
                count += 1;
                for (sum, value) in sum.iter_mut().zip(&unit) {
                    *sum += value;
                }
            }
        }
        if count < 2 {
            return Ok(None);
        }
        let n = count as f64;
        let squared: f64 = sum.iter().map(|value| value * value).sum();
        if !squared.is_finite() {
            return Err(Fault::NotFinite("the mean of the features of a video"));
        }
        Ok(Some(Coherence {
            videos: count,
            mean_cosine: ((squared - n) / (n * (n - 1.0))).clamp(-1.0, 1.0),
        }))
    }

    /// The unit vector from the mean of the rest of a video to that of what moved; `None` where one side is empty or nothing moved.
    fn direction(&self, segments: Range<usize>, sides: &[Side]) -> Option<Vec<f64>> {
        let (test, crops) = (&self.dataset.test, self.dataset.crops);
        let mut means = [Side::Moved, Side::Rest].map(|_| vec![0.0; test.columns()]);
        let mut counts = [0_usize; 2];
        let mut scratch = Vec::new();
        for segment in segments {
            let side = match sides[segment] {
                Side::Moved => 0,
                Side::Rest => 1,
                Side::Out => continue,
            };
            counts[side] += crops;
            for row in segment * crops..(segment + 1) * crops {
                let values = test.row(row, &mut scratch).iter();
                for (sum, value) in means[side].iter_mut().zip(values) {
                    *sum += f64::from(*value);
                }
            }
        }
        if counts.contains(&0) {
            return None;
        }
        let [moved, rest] = &means;
        let mut unit: Vec<f64> = moved
            .iter()
            .zip(rest)
            .map(|(moved, rest)| moved / counts[0] as f64 - rest / counts[1] as f64)
            .collect();
        let length = unit.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length <= 0.0 {
            return None;
        }
        for value in &mut unit {
            *value /= length;
        }
        Some(unit)
    }
}
