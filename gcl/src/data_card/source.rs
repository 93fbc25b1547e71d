//! Whether normal segments tell which kind of video they are of: what is learned from video labels may be that.
//!
//! A linear discriminant is fitted on normal segments alone, to tell those of anomalous videos from those of normal ones, and judged on videos
//! that it was not fitted on. In weights that give both kinds one half: w minimises Σ c(y − w·(x − m))² + λ‖w‖² over standardised segments,
//! m between the means of the two kinds, by conjugate gradients. Deterministic: segments are evenly spaced, folds dealt in the videos' order.

use metrics::Roc;
use metrics::data_card::SourceConfound;

use super::{Work, evenly};
use crate::baselines::fit::Fault;
use crate::baselines::numbers::each;
use crate::data::features::Features;
use crate::distil::videos::rows_of_each;

/// Segments at most; of each video equally many, but one at least.
const MOST_SEGMENTS: usize = 10_000;
/// Folds, where each kind has so many videos.
const FOLDS: usize = 5;
/// λ: of features of variance 1.
const RIDGE: f64 = 0.1;
/// Steps of conjugate gradients at most, and the share of the first residual at which they end.
const STEPS: usize = 100;
const TOLERANCE: f64 = 1e-6;

/// The normal segments of a video.
struct Video<'a> {
    features: &'a Features,
    /// Their numbers in the split.
    segments: Vec<usize>,
    anomalous: bool,
    fold: usize,
}

/// w·(x − m) of a segment x.
struct Discriminant {
    weights: Vec<f64>,
    middle: Vec<f64>,
}

/// The segments that are looked at, video by video.
struct Segments {
    width: usize,
    /// `[segments, width]`, standardised.
    values: Vec<f32>,
    anomalous: Vec<bool>,
    fold: Vec<usize>,
}

impl Work<'_> {
    /// `None` with fewer than two videos of a kind.
    pub(super) fn source(&self) -> Result<Option<SourceConfound>, Fault> {
        let mut videos = self.videos();
        let count =
            |videos: &[Video<'_>], kind| videos.iter().filter(|v| v.anomalous == kind).count();
        let (normal, anomalous) = (count(&videos, false), count(&videos, true));
        let folds = FOLDS.min(normal).min(anomalous);
        if folds < 2 {
            return Ok(None);
        }
        // Dealt out in turn, each kind for itself: every fold has both.
        let mut seen = [0; 2];
        for video in &mut videos {
            let seen = &mut seen[usize::from(video.anomalous)];
            video.fold = *seen % folds;
            *seen += 1;
        }
        let segments = self.gathered(&videos)?;
        let areas = each(self.threads, folds, |fold| -> Result<Option<f64>, Fault> {
            let Some(fitted) = segments.discriminant(fold, self.stopped)? else {
                return Ok(None);
            };
            let left_out = (0..segments.fold.len()).filter(|row| segments.fold[*row] == fold);
            let scored = left_out.map(|row| {
                let score = segments.projection(row, &fitted.weights, &fitted.middle) as f32;
                let anomalous = segments.anomalous[row];
                (score, u64::from(anomalous), u64::from(!anomalous))
            });
            Ok(Roc::new(scored).auc())
        });
        let mut sum = 0.0;
        for area in areas {
            let Some(area) = area? else {
                return Ok(None);
            };
            sum += area;
        }
        Ok(Some(SourceConfound {
            auc: sum / folds as f64,
            folds: folds as u64,
            normal_videos: normal as u64,
            anomalous_videos: anomalous as u64,
            segments: segments.fold.len() as u64,
        }))
    }

    /// The videos of both splits whose normal segments are known, training videos first.
    fn videos(&self) -> Vec<Video<'_>> {
        let dataset = self.dataset;
        let mut all = Vec::new();
        let mut push = |features, segments: Vec<usize>, anomalous| {
            if !segments.is_empty() {
                all.push(Video {
                    features,
                    segments,
                    anomalous,
                    fold: 0,
                });
            }
        };
        let rows = rows_of_each(&dataset.video, dataset.labels.len());
        for (rows, label) in rows.into_iter().zip(&*dataset.labels) {
            let segments = rows.start / dataset.crops..rows.end / dataset.crops;
            match (label, &dataset.truth) {
                (Some(false), _) => push(&dataset.train, segments.collect(), false),
                (Some(true), Some(truth)) => {
                    let normal = segments.filter(|segment| !truth[segment * dataset.crops]);
                    push(&dataset.train, normal.collect(), true);
                }
                _ => {}
            }
        }
        for video in dataset.frames.videos() {
            let anomalous = dataset.frames.is_anomalous(video);
            let normal = video
                .clone()
                .filter(|segment| dataset.frames.positives()[*segment] == 0);
            push(&dataset.test, normal.collect(), anomalous);
        }
        all
    }

    /// Equally many segments of each video, each the mean over its crops, every dimension of mean 0 and variance 1; what is constant is 0.
    fn gathered(&self, videos: &[Video<'_>]) -> Result<Segments, Fault> {
        let (width, crops) = (self.dataset.dimension(), self.dataset.crops);
        let most = (MOST_SEGMENTS / videos.len()).max(1);
        let mut found = Segments {
            width,
            values: Vec::new(),
            anomalous: Vec::new(),
            fold: Vec::new(),
        };
        let mut scratch = Vec::new();
        for video in videos {
            self.go_on()?;
            for place in evenly(0..video.segments.len(), most) {
                let segment = video.segments[place as usize];
                let mut mean = vec![0.0; width];
                for row in segment * crops..(segment + 1) * crops {
                    let values = video.features.row(row, &mut scratch);
                    for (sum, value) in mean.iter_mut().zip(values) {
                        *sum += f64::from(*value);
                    }
                }
                let values = mean.into_iter().map(|sum| (sum / crops as f64) as f32);
                found.values.extend(values);
                found.anomalous.push(video.anomalous);
                found.fold.push(video.fold);
            }
        }
        found.standardise();
        Ok(found)
    }
}

impl Segments {
    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..][..self.width]
    }

    fn standardise(&mut self) {
        let (width, count) = (self.width, self.fold.len() as f64);
        let mut mean = vec![0.0; width];
        for row in self.values.chunks_exact(width) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value) / count;
            }
        }
        let mut variance = vec![0.0; width];
        for row in self.values.chunks_exact(width) {
            for ((sum, value), mean) in variance.iter_mut().zip(row).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        // As under `feature_scaling = standard`: what is next to nothing beside the data is constant.
        let least = variance.iter().sum::<f64>() / width as f64 * 1e-12;
        for row in self.values.chunks_exact_mut(width) {
            for ((value, mean), variance) in row.iter_mut().zip(&mean).zip(&variance) {
                *value = if *variance > least {
                    ((f64::from(*value) - mean) / variance.sqrt()) as f32
                } else {
                    0.0
                };
            }
        }
    }

    /// w·(x − m).
    fn projection(&self, row: usize, weights: &[f64], middle: &[f64]) -> f64 {
        let values = self.row(row).iter().zip(weights).zip(middle);
        values
            .map(|((x, w), m)| w * (f64::from(*x) - m))
            .sum::<f64>()
    }

    /// w and m of the discriminant that is fitted on all folds but one; `None` where a kind is not there.
    fn discriminant(
        &self,
        left_out: usize,
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Discriminant>, Fault> {
        let rows: Vec<usize> = (0..self.fold.len())
            .filter(|row| self.fold[*row] != left_out)
            .collect();
        let positives = rows.iter().filter(|row| self.anomalous[**row]).count();
        let counts = [rows.len() - positives, positives];
        if counts.contains(&0) {
            return Ok(None);
        }
        let weight = |row: usize| 0.5 / counts[usize::from(self.anomalous[row])] as f64;
        let mut means = [vec![0.0; self.width], vec![0.0; self.width]];
        for row in &rows {
            let kind = usize::from(self.anomalous[*row]);
            let scale = 1.0 / counts[kind] as f64;
            add(&mut means[kind], scale, self.row(*row));
        }
        let both = means[0].iter().zip(&means[1]);
        let (middle, right): (Vec<f64>, Vec<f64>) = both
            .map(|(normal, anomalous)| {
                (
                    f64::midpoint(*normal, *anomalous),
                    (anomalous - normal) / 2.0,
                )
            })
            .unzip();
        // (Σ c(x − m)(x − m)ᵀ + λ)p.
        let product = |p: &[f64]| -> Vec<f64> {
            let mut out: Vec<f64> = p.iter().map(|value| RIDGE * value).collect();
            let mut total = 0.0;
            for row in &rows {
                let along = weight(*row) * self.projection(*row, p, &middle);
                total += along;
                add(&mut out, along, self.row(*row));
            }
            for (out, middle) in out.iter_mut().zip(&middle) {
                *out -= total * middle;
            }
            out
        };
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let mut w = vec![0.0; self.width];
        let mut rest = right.clone();
        let mut direction = right;
        let mut squared = dot(&rest, &rest);
        let end = squared * TOLERANCE * TOLERANCE;
        for _ in 0..STEPS {
            if stopped() {
                return Err(Fault::Stopped);
            }
            if squared <= end {
                break;
            }
            let image = product(&direction);
            let step = squared / dot(&direction, &image);
            for ((w, rest), (direction, image)) in w
                .iter_mut()
                .zip(&mut rest)
                .zip(direction.iter().zip(&image))
            {
                *w += step * direction;
                *rest -= step * image;
            }
            let next = dot(&rest, &rest);
            for (direction, rest) in direction.iter_mut().zip(&rest) {
                *direction = rest + next / squared * *direction;
            }
            squared = next;
        }
        Ok(w.iter()
            .all(|value| value.is_finite())
            .then_some(Discriminant { weights: w, middle }))
    }
}

/// out += scale·row.
fn add(out: &mut [f64], scale: f64, row: &[f32]) {
    for (out, value) in out.iter_mut().zip(row) {
        *out += scale * f64::from(*value);
    }
}
