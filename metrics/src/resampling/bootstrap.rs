//! The bootstrap itself: which videos a resample has, and the difference of AUC on them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::pairs::VideoPairs;

/// Resamples that an interval is made of.
pub const RESAMPLES: usize = 2_000;
/// Below so many videos with anomalous frames, and likewise without where there are such, no interval is given.
pub const SMALLEST_STRATUM: usize = 10;

/// The difference of AUC between two methods, and how it moves with other test videos.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoDifference {
    /// Test videos.
    pub videos: usize,
    /// Those of them with anomalous frames.
    pub anomalous: usize,
    /// AUC of the left minus AUC of the right on the test split as it is, each a mean over its runs.
    pub difference: f64,
    /// Lower end of the 95% interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The 95% interval of left − right over resampled videos: an expanded percentile interval. `None` where the two were not scored on the same
/// frames, and with fewer videos than [`SMALLEST_STRATUM`]. The same pairs give the same interval: the stream of resamples
/// depends on the numbers of videos alone.
pub fn compare_videos(left: &VideoPairs, right: &VideoPairs) -> Option<VideoDifference> {
    let videos = left.negatives.len();
    let anomalous = left.anomalous.len();
    let normal = videos - anomalous;
    let few = |count: usize| count < SMALLEST_STRATUM;
    if !left.comparable(right) || few(anomalous) || (normal > 0 && few(normal)) {
        return None;
    }
    resample(left, right, RESAMPLES)
}

pub(super) fn resample(
    left: &VideoPairs,
    right: &VideoPairs,
    resamples: usize,
) -> Option<VideoDifference> {
    let form = Form::new(left, right);
    let difference = form.difference(&vec![1.0; left.negatives.len()])?;
    let mut draws = Draws::new(left);
    let mut distribution: Vec<f64> = (0..resamples)
        .filter_map(|_| form.difference(draws.next()))
        .collect();
    // Only videos that are anomalous throughout can leave a resample without a normal frame.
    if distribution.len() * 2 < resamples {
        return None;
    }
    distribution.sort_unstable_by(f64::total_cmp);
    let tail = tail(smallest_stratum(left));
    Some(VideoDifference {
        videos: left.negatives.len(),
        anomalous: left.anomalous.len(),
        difference,
        low: quantile(&distribution, tail),
        high: quantile(&distribution, 1.0 - tail),
    })
}

/// The number of videos in the smaller stratum that has any.
fn smallest_stratum(pairs: &VideoPairs) -> usize {
    let anomalous = pairs.anomalous.len();
    let normal = pairs.negatives.len() - anomalous;
    if normal == 0 {
        anomalous
    } else {
        anomalous.min(normal)
    }
}

/// The share of resamples beyond each end. A plain percentile interval takes 2.5%, and is too narrow where videos are few:
/// it divides by n where it should by n − 1, and knows no tails of Student's t. Hesterberg's expanded percentile interval
/// ("What teachers should know about the bootstrap", 2015) mends both: Φ(−√(n/(n−1)) · t).
fn tail(videos: usize) -> f64 {
    let n = videos as f64;
    let z = -(n / (n - 1.0)).sqrt() * student_quantile(n - 1.0);
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The 97.5% quantile of Student's t by its expansion in 1/ν (Abramowitz and Stegun 26.7.5): to 10⁻⁴ from ν = 9 on.
fn student_quantile(freedom: f64) -> f64 {
    let x = 1.959_963_984_540_054_f64;
    let (x3, x5, x7) = (x.powi(3), x.powi(5), x.powi(7));
    x + (x3 + x) / (4.0 * freedom)
        + (5.0 * x5 + 16.0 * x3 + 3.0 * x) / (96.0 * freedom.powi(2))
        + (3.0 * x7 + 19.0 * x5 + 17.0 * x3 - 15.0 * x) / (384.0 * freedom.powi(3))
}

/// The quadratic form whose value at the counts of a resample is the difference of AUC.
struct Form<'a> {
    pairs: &'a VideoPairs,
    /// Left − right, a line per anomalous video: the mean over runs of the pairs in the right order.
    matrix: Vec<f64>,
}

impl<'a> Form<'a> {
    fn new(left: &'a VideoPairs, right: &VideoPairs) -> Self {
        let mean = |pairs: &VideoPairs, doubled: f64| doubled / (2 * pairs.runs) as f64;
        let both = left.doubled.iter().zip(&right.doubled);
        Self {
            pairs: left,
            matrix: both
                .map(|(ours, theirs)| mean(left, *ours) - mean(right, *theirs))
                .collect(),
        }
    }

    /// With each video as often as `counts` says; `None` with one class.
    fn difference(&self, counts: &[f64]) -> Option<f64> {
        let mut sum = 0.0;
        let mut positives = 0.0;
        let lines = self.matrix.chunks_exact(counts.len());
        for ((video, line), frames) in self
            .pairs
            .anomalous
            .iter()
            .zip(lines)
            .zip(&self.pairs.positives)
        {
            let count = counts[*video];
            if count > 0.0 {
                sum += count * dot(line, counts);
                positives += count * frames;
            }
        }
        let negatives = dot(&self.pairs.negatives, counts);
        (positives > 0.0 && negatives > 0.0).then(|| sum / positives / negatives)
    }
}

/// Eight sums side by side, so that none waits for itself; always in this order.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let ((lefts, left_rest), (rights, right_rest)) =
        (left.as_chunks::<8>(), right.as_chunks::<8>());
    for (left, right) in lefts.iter().zip(rights) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    sums.iter().sum::<f64>() + rest.map(|(left, right)| left * right).sum::<f64>()
}

/// How often a resample has each video.
pub(super) struct Draws {
    random: ChaCha8Rng,
    /// Videos with anomalous frames, and those without.
    strata: [Vec<usize>; 2],
    counts: Vec<f64>,
}

impl Draws {
    pub(super) fn new(pairs: &VideoPairs) -> Self {
        let videos = pairs.negatives.len();
        let normal: Vec<usize> = (0..videos)
            .filter(|video| pairs.anomalous.binary_search(video).is_err())
            .collect();
        let mut hash = blake3::Hasher::new();
        hash.update(b"gcl-sweep test videos 1");
        for size in [pairs.anomalous.len(), normal.len()] {
            hash.update(&(size as u64).to_le_bytes());
        }
        Self {
            random: ChaCha8Rng::from_seed(*hash.finalize().as_bytes()),
            strata: [pairs.anomalous.clone(), normal],
            counts: vec![0.0; videos],
        }
    }

    pub(super) fn next(&mut self) -> &[f64] {
        self.counts.fill(0.0);
        for stratum in &self.strata {
            for _ in 0..stratum.len() {
                // Lemire's multiply-shift: the bias is below n / 2³².
                let place = (u64::from(self.random.next_u32()) * stratum.len() as u64) >> 32;
                self.counts[stratum[place as usize]] += 1.0;
            }
        }
        &self.counts
    }
}

/// Between the neighbours by rank, linearly. `sorted` is not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests;
