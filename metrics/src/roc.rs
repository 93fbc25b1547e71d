//! The ROC curve: scores with counts of frames, sorted once and grouped by ties. Every metric is read from it, and so is
//! every figure.

/// One score and how many anomalous and normal frames have it.
#[derive(Debug, Clone, Copy)]
struct Point {
    score: f32,
    positives: u64,
    negatives: u64,
}

/// The ROC curve of some frames: their scores from the highest down, each once, with the frames that have it.
#[derive(Debug, Clone)]
pub struct Roc {
    groups: Vec<Point>,
    positives: u64,
    negatives: u64,
}

impl Roc {
    /// From (score, anomalous frames, normal frames) in any order.
    pub fn new(segments: impl Iterator<Item = (f32, u64, u64)>) -> Self {
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

    /// The curve's points, (false positive rate, recall), from (0, 0) to (1, 1): one per distinct score. `None` with one
    /// class. The area below them is [`auc`](Self::auc).
    pub fn points(&self) -> Option<Vec<(f64, f64)>> {
        (self.positives > 0 && self.negatives > 0).then(|| {
            let origin = std::iter::once((0.0, 0.0));
            let rates = self.cumulative().map(|(_, found, alarms)| {
                (
                    alarms as f64 / self.negatives as f64,
                    found as f64 / self.positives as f64,
                )
            });
            origin.chain(rates).collect()
        })
    }

    /// (frames found, false alarms) with the threshold at each point, from the highest down.
    fn cumulative(&self) -> impl Iterator<Item = (&Point, u64, u64)> {
        self.groups.iter().scan((0, 0), |(found, alarms), point| {
            *found += point.positives;
            *alarms += point.negatives;
            Some((point, *found, *alarms))
        })
    }

    /// The area under the curve: pairs (anomalous, normal) in the right order, ties at half, over all pairs. Whole numbers
    /// until the division. `None` with one class.
    pub fn auc(&self) -> Option<f64> {
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

    /// Average precision: Σ (recall − recall before) · precision, one step per group of ties. `None` with one class.
    pub fn average_precision(&self) -> Option<f64> {
        (self.positives > 0 && self.negatives > 0).then(|| {
            self.cumulative()
                .map(|(point, found, alarms)| {
                    let precision = found as f64 / (found + alarms) as f64;
                    point.positives as f64 / self.positives as f64 * precision
                })
                .sum()
        })
    }

    /// The highest threshold at which the recall reaches `recall`; `None` without an anomalous frame.
    pub fn threshold_of_recall(&self, recall: f64) -> Option<f64> {
        (self.positives > 0)
            .then(|| {
                self.cumulative()
                    .find(|(_, found, _)| *found as f64 >= recall * self.positives as f64)
                    .map(|(point, _, _)| f64::from(point.score))
            })
            .flatten()
    }

    /// The share of normal frames at or above `threshold`; `None` without a normal frame.
    pub fn false_alarm_rate(&self, threshold: f64) -> Option<f64> {
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

    /// The best recall of a threshold with at most this share of false positives; `None` with one class.
    pub fn recall_at(&self, false_positives: f64) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_below_the_points_is_the_auc() {
        let segments = [
            (0.1, 0, 2),
            (0.5, 1, 1),
            (0.5, 1, 0),
            (0.9, 3, 1),
            (0.7, 0, 0),
        ];
        let roc = Roc::new(segments.into_iter());
        let points = roc.points().unwrap();
        assert_eq!(points.len(), 4, "one per distinct score that a frame has");
        assert_eq!((points[0], points[3]), ((0.0, 0.0), (1.0, 1.0)));
        let area: f64 = points
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0) * f64::midpoint(pair[0].1, pair[1].1))
            .sum();
        // 5 anomalous × 4 normal frames: of the 0.9s three win against three and tie one; of the 0.5s two win against
        // two and tie one.
        let pairs = (3.0 * 3.5 + 2.0 * 2.5) / 20.0;
        assert!((area - pairs).abs() < 1e-15);
        assert!((roc.auc().unwrap() - pairs).abs() < 1e-15);
        assert!(Roc::new([(0.5, 3, 0)].into_iter()).points().is_none());
    }
}
