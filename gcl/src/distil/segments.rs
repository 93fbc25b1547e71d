//! What the successors' label makers read of a data set: segments of the training videos, each the mean of its crops.

use std::ops::Range;

use crate::baselines::numbers::each;
use crate::data::prepared::Prepared;
use crate::distil::videos::rows_of_each;

/// The training split, video by video.
pub(crate) struct Segments<'a> {
    dataset: &'a Prepared,
    rows: Vec<Range<usize>>,
    threads: usize,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(dataset: &'a Prepared, threads: usize) -> Self {
        Self {
            dataset,
            rows: rows_of_each(&dataset.video, dataset.labels.len()),
            threads,
        }
    }

    /// s = ‖f‖² of each segment, the mean over its crops, of the features before scaling: as C2FPL and CLAP have it, who scale nothing.
    pub(crate) fn squared_norms(&self) -> Vec<Vec<f64>> {
        let (crops, features) = (self.dataset.crops, self.dataset.train.unscaled());
        each(self.threads, self.rows.len(), |video| {
            let mut row = vec![0.0; features.columns()];
            let mut norms = vec![0.0; self.rows[video].len() / crops];
            for (place, index) in self.rows[video].clone().enumerate() {
                features.copy_row(index, &mut row);
                let squares = row.iter().map(|x| f64::from(*x) * f64::from(*x));
                norms[place / crops] += squares.sum::<f64>() / crops as f64;
            }
            norms
        })
    }

    /// The population variance over the segments of a video of each feature before scaling; of features that are means over crops.
    pub(crate) fn variances(&self) -> Vec<Vec<f64>> {
        let features = self.dataset.train.unscaled();
        let columns = features.columns();
        each(self.threads, self.rows.len(), |video| {
            let means = self.means(&features, video);
            let count = (means.len() / columns).max(1) as f64;
            (0..columns)
                .map(|column| {
                    let values = || means.iter().skip(column).step_by(columns);
                    let mean = values().sum::<f64>() / count;
                    let squares = values().map(|value| (value - mean) * (value - mean));
                    squares.sum::<f64>() / count
                })
                .collect()
        })
    }

    /// `work` on the features of each video as the networks see them, `[segments, dimension]`; nothing for a video without segments.
    pub(crate) fn each_scaled<T: Send + Default>(
        &self,
        work: impl Fn(&[f64]) -> T + Sync + Send,
    ) -> Vec<T> {
        each(self.threads, self.rows.len(), |video| {
            if self.rows[video].is_empty() {
                return T::default();
            }
            work(&self.means(&self.dataset.train, video))
        })
    }

    /// Labels of segments as labels of rows: a crop has that of its segment.
    pub(crate) fn of_rows(&self, labels: &[Vec<f32>]) -> Vec<f32> {
        let mut rows = vec![0.0; self.dataset.train.rows()];
        for (range, labels) in self.rows.iter().zip(labels) {
            let places = rows[range.clone()].chunks_exact_mut(self.dataset.crops);
            for (crops, label) in places.zip(labels) {
                crops.fill(*label);
            }
        }
        rows
    }

    /// Mean over crops of each segment of a video.
    fn means(&self, features: &crate::data::features::Features, video: usize) -> Vec<f64> {
        let (crops, columns) = (self.dataset.crops, features.columns());
        let range = self.rows[video].clone();
        let mut row = vec![0.0; columns];
        let mut means = vec![0.0; range.len() / crops * columns];
        for (place, index) in range.enumerate() {
            features.copy_row(index, &mut row);
            let sums = &mut means[place / crops * columns..][..columns];
            for (sum, value) in sums.iter_mut().zip(&row) {
                *sum += f64::from(*value) / crops as f64;
            }
        }
        means
    }
}
