//! Scores with counts, sorted once and grouped by ties: what every metric is read from.

/// One score and how many frames have it.
#[derive(Debug, Clone, Copy)]
struct Point {
    score: f32,
    positives: u64,
    negatives: u64,
}

/// Points by falling score, no two of the same.
pub(super) struct Points {
    groups: Vec<Point>,
    positives: u64,
    negatives: u64,
}

impl Points {
    /// From (score, anomalous frames, normal frames) in any order.
    pub(super) fn new(segments: impl Iterator<Item = (f32, u64, u64)>) -> Self {
        let mut all: Vec<Point> = segments
            .filter(|(_, positives, negatives)| positives + negatives > 0)
            .map(|(score, positives, negatives)| Point {
                // −0 and 0 are one score.
                score: score + 0.0,
                positives,
                negatives,
            })
            .collect();
        all.sort_unstable_by(|left, right| right.score.total_cmp(&left.score));
        let mut points: Vec<Point> = Vec::with_capacity(all.len());
        for point in all {
            match points.last_mut() {
                Some(last) if last.score == point.score => {
                    last.positives += point.positives;
                    last.negatives += point.negatives;
                }
                _ => points.push(point),
            }
        }
        Self {
            positives: points.iter().map(|point| point.positives).sum(),
            negatives: points.iter().map(|point| point.negatives).sum(),
            groups: points,
        }
    }

    /// (frames found, false alarms) with the threshold at each point, from the highest down.
    fn cumulative(&self) -> impl Iterator<Item = (&Point, u64, u64)> {
        self.groups.iter().scan((0, 0), |(found, alarms), point| {
            *found += point.positives;
            *alarms += point.negatives;
            Some((point, *found, *alarms))
        })
    }

    /// Pairs (anomalous, normal) in the right order, ties at half, over all pairs. Whole numbers until the division.
    pub(super) fn auc(&self) -> Option<f64> {
        let pairs = u128::from(self.positives) * u128::from(self.negatives);
        if pairs == 0 {
            return None;
        }
        let doubled: u128 = self
            .cumulative()
            .map(|(point, _, alarms)| {
                let below = u128::from(self.negatives - alarms);
                u128::from(point.positives) * (2 * below + u128::from(point.negatives))
            })
            .sum();
        Some(doubled as f64 / (2 * pairs) as f64)
    }

    /// Σ (recall − recall before) · precision, one step per group of ties.
    pub(super) fn average_precision(&self) -> Option<f64> {
        (self.positives > 0 && self.negatives > 0).then(|| {
            self.cumulative()
                .map(|(point, found, alarms)| {
                    let precision = found as f64 / (found + alarms) as f64;
                    point.positives as f64 / self.positives as f64 * precision
                })
                .sum()
        })
    }

    /// The highest threshold at which the recall reaches `recall`.
    pub(super) fn threshold_of_recall(&self, recall: f64) -> Option<f64> {
        (self.positives > 0)
            .then(|| {
                self.cumulative()
                    .find(|(_, found, _)| *found as f64 >= recall * self.positives as f64)
                    .map(|(point, _, _)| f64::from(point.score))
            })
            .flatten()
    }

    /// The share of normal frames at or above `threshold`.
    pub(super) fn false_alarm_rate(&self, threshold: f64) -> Option<f64> {
        (self.negatives > 0).then(|| {
            let alarms: u64 = self
                .groups
                .iter()
                .filter(|point| f64::from(point.score) >= threshold)
                .map(|point| point.negatives)
                .sum();
            alarms as f64 / self.negatives as f64
        })
    }

    /// The best recall of a threshold with at most this share of false positives.
    pub(super) fn recall_at(&self, false_positives: f64) -> Option<f64> {
        (self.positives > 0 && self.negatives > 0).then(|| {
            let found = self
                .cumulative()
                .filter(|(_, _, alarms)| *alarms as f64 / self.negatives as f64 <= false_positives)
                .map(|(_, found, _)| found)
                .max()
                .unwrap_or(0);
            found as f64 / self.positives as f64
        })
    }
}
