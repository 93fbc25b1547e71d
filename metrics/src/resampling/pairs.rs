//! How often an anomalous frame of one video scores above a normal frame of another.

use crate::frames::Frames;

/// Pairs of videos at most, anomalous ones times all: 2,000 resamples of them are 4 · 10⁹ additions.
pub const MOST_PAIRS: usize = 1 << 20;
/// Segments with anomalous frames times videos at most: the additions of one run.
pub const MOST_STEPS: usize = 1 << 28;

/// For each anomalous video and each video: the pairs (anomalous frame of the one, normal frame of the other) in the right
/// order, ties at half, summed over the runs of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoPairs {
    /// Numbers of the videos with anomalous frames.
    pub(super) anomalous: Vec<usize>,
    /// Anomalous frames of each of those.
    pub(super) positives: Vec<f64>,
    /// Normal frames of each video.
    pub(super) negatives: Vec<f64>,
    /// Twice the pairs in the right order, a line per anomalous video. Whole numbers, exact below 2⁵³.
    pub(super) doubled: Vec<f64>,
    pub(super) runs: usize,
}

impl VideoPairs {
    /// Counts the pairs of the runs of one method. `None` with one class, without runs, and above [`MOST_PAIRS`] or
    /// [`MOST_STEPS`].
    ///
    /// # Shapes
    /// Each of `runs`: one finite number per segment of `frames`.
    pub fn count<'a>(frames: &Frames, runs: impl IntoIterator<Item = &'a [f32]>) -> Option<Self> {
        let videos = frames.videos();
        let total = |counts: &[u32]| counts.iter().map(|count| f64::from(*count)).sum::<f64>();
        let anomalous: Vec<usize> = (0..videos.len())
            .filter(|video| frames.is_anomalous(&videos[*video]))
            .collect();
        let negatives: Vec<f64> = videos
            .iter()
            .map(|video| total(&frames.negatives()[video.clone()]))
            .collect();
        let steps = frames
            .positives()
            .iter()
            .filter(|count| **count > 0)
            .count();
        if anomalous.is_empty()
            || negatives.iter().all(|count| *count == 0.0)
            || anomalous.len().saturating_mul(videos.len()) > MOST_PAIRS
            || steps.saturating_mul(videos.len()) > MOST_STEPS
        {
            return None;
        }
        let mut pairs = Self {
            positives: anomalous
                .iter()
                .map(|video| total(&frames.positives()[videos[*video].clone()]))
                .collect(),
            doubled: vec![0.0; anomalous.len() * videos.len()],
            anomalous,
            negatives,
            runs: 0,
        };
        for scores in runs {
            pairs.add(frames, scores);
        }
        (pairs.runs > 0).then_some(pairs)
    }

    /// Goes through the segments by rising score, with the normal frames of each video that lie below.
    fn add(&mut self, frames: &Frames, scores: &[f32]) {
        let width = self.negatives.len();
        let mut line_of = vec![usize::MAX; width];
        for (line, video) in self.anomalous.iter().enumerate() {
            line_of[*video] = line;
        }
        let segments = ascending(frames, scores);
        let mut below = vec![0.0_f64; width];
        for ties in segments.chunk_by(|left, right| left.score == right.score) {
            let found = |pairs: &mut Self, below: &[f64], times: f64| {
                for segment in ties.iter().filter(|segment| segment.positives > 0) {
                    let line = line_of[segment.video as usize] * width;
                    let weight = times * f64::from(segment.positives);
                    for (sum, below) in pairs.doubled[line..line + width].iter_mut().zip(below) {
                        *sum += weight * below;
                    }
                }
            };
            if ties.iter().all(|segment| segment.negatives == 0) {
                found(self, &below, 2.0);
                continue;
            }
            // Once with the normal frames of equal score above, once with them below: together each counts half.
            found(self, &below, 1.0);
            for segment in ties {
                below[segment.video as usize] += f64::from(segment.negatives);
            }
            found(self, &below, 1.0);
        }
        self.runs += 1;
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether two methods were scored on the same frames.
    pub(super) fn comparable(&self, other: &Self) -> bool {
        (&self.anomalous, &self.positives, &self.negatives)
            == (&other.anomalous, &other.positives, &other.negatives)
    }
}

struct Segment {
    score: f32,
    video: u32,
    positives: u32,
    negatives: u32,
}

/// The segments that have frames, by rising score.
fn ascending(frames: &Frames, scores: &[f32]) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(scores.len());
    for (video, own) in frames.videos().iter().enumerate() {
        for segment in own.clone() {
            let (positives, negatives) = (frames.positives()[segment], frames.negatives()[segment]);
            if positives > 0 || negatives > 0 {
                segments.push(Segment {
                    // −0 and 0 are one score.
                    score: scores[segment] + 0.0,
                    video: video as u32,
                    positives,
                    negatives,
                });
            }
        }
    }
    segments.sort_unstable_by(|left, right| left.score.total_cmp(&right.score));
    segments
}
