//! What one pass over the training features tells: how they are spread, and how much of that lies between videos.

use std::ops::Range;

use metrics::data_card::{Quantiles, Variance};

use super::{VIDEOS, Work};
use crate::baselines::fit::Fault;
use crate::baselines::numbers::each;
use crate::controls::features::distance;
use crate::data::scaling::norm;
use crate::distil::videos::rows_of_each;

/// What needs no truth.
pub(super) struct Spread {
    pub(super) constant_dimensions: u64,
    pub(super) zeros: f64,
    pub(super) variance: Option<Variance>,
    pub(super) norm: Option<Quantiles>,
    pub(super) change: Option<Quantiles>,
}

/// Of one video.
struct OfVideo {
    rows: usize,
    /// Σ (x − shift) of each dimension.
    sums: Vec<f64>,
    /// Σ ‖x − shift‖².
    squares: f64,
    /// Values that are zero before scaling.
    zeros: u64,
    /// Smallest and largest value before scaling, of each dimension.
    range: Vec<(f32, f32)>,
    norms: Vec<f64>,
    changes: Vec<f64>,
}

impl Work<'_> {
    pub(super) fn spread(&self) -> Result<Spread, Fault> {
        let train = &self.dataset.train;
        let (rows, width) = (train.rows(), train.columns());
        // About a row of the data: sums of squares about the origin would lose what varies beside a large constant.
        let mut shift = vec![0.0; width];
        train.copy_row(0, &mut shift);
        let videos = rows_of_each(&self.dataset.video, self.dataset.labels.len());
        let mut sums = vec![0.0; width];
        let (mut squares, mut between, mut zeros) = (0.0, 0.0, 0);
        let mut range = vec![(f32::INFINITY, f32::NEG_INFINITY); width];
        let (mut norms, mut changes) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for some in videos.chunks(VIDEOS) {
            self.go_on()?;
            let made = each(self.threads, some.len(), |index| {
                self.of_video(&some[index], &shift)
            });
            for video in made {
                for (total, sum) in sums.iter_mut().zip(&video.sums) {
                    *total += sum;
                }
                squares += video.squares;
                between += sum_of_squares(&video.sums) / video.rows.max(1) as f64;
                zeros += video.zeros;
                for ((low, high), (least, most)) in range.iter_mut().zip(&video.range) {
                    (*low, *high) = (low.min(*least), high.max(*most));
                }
                norms.extend(video.norms);
                changes.extend(video.changes);
            }
        }
        let of_mean = sum_of_squares(&sums) / rows as f64;
        let total = squares - of_mean;
        if !total.is_finite() {
            return Err(Fault::NotFinite("the variance of the features"));
        }
        // With a mean for every video: k − 1 of n − 1 degrees of freedom.
        let counted = videos.iter().filter(|video| !video.is_empty()).count();
        Ok(Spread {
            constant_dimensions: range.iter().filter(|(low, high)| low >= high).count() as u64,
            zeros: zeros as f64 / (rows as f64 * width as f64),
            variance: (total > 0.0 && rows > 1).then(|| Variance {
                between_videos: ((between - of_mean) / total).clamp(0.0, 1.0),
                by_chance: (counted - 1) as f64 / (rows - 1) as f64,
            }),
            norm: Quantiles::of(norms),
            change: Quantiles::of(changes),
        })
    }

    fn of_video(&self, rows: &Range<usize>, shift: &[f32]) -> OfVideo {
        let (train, crops) = (&self.dataset.train, self.dataset.crops);
        let raw = train.unscaled();
        let mut found = OfVideo {
            rows: rows.len(),
            sums: vec![0.0; shift.len()],
            squares: 0.0,
            zeros: 0,
            range: vec![(f32::INFINITY, f32::NEG_INFINITY); shift.len()],
            norms: Vec::with_capacity(rows.len()),
            changes: Vec::with_capacity(rows.len()),
        };
        let (mut scratch, mut before) = (Vec::new(), Vec::new());
        for index in rows.clone() {
            for (value, (low, high)) in raw.row(index, &mut scratch).iter().zip(&mut found.range) {
                found.zeros += u64::from(*value == 0.0);
                (*low, *high) = (low.min(*value), high.max(*value));
            }
            let row = train.row(index, &mut scratch);
            for ((value, shift), sum) in row.iter().zip(shift).zip(&mut found.sums) {
                let value = f64::from(*value) - f64::from(*shift);
                *sum += value;
                found.squares += value * value;
            }
            found.norms.push(norm(row));
            if index >= rows.start + crops {
                let before = train.row(index - crops, &mut before);
                found.changes.push(distance(row, before));
            }
        }
        found
    }
}

fn sum_of_squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}
