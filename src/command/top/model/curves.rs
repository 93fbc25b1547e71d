//! What is known of the curves of jobs, and the numbers of a variant's curve.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{EpochPoint, JobId, Phase, ScoreBy};

/// What curves show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The AUC that the cell reports.
    AucReported,
    /// That of D.
    AucD,
    /// That of G.
    AucG,
    /// Loss of D.
    LossD,
    /// Loss of G.
    LossG,
    /// Share of rows that G labels anomalous.
    ShareG,
    /// The same of D.
    ShareD,
    /// Share of rows on which the labels agree.
    Agreement,
}

impl Metric {
    const ALL: [Self; 8] = [
        Self::AucReported,
        Self::AucD,
        Self::AucG,
        Self::LossD,
        Self::LossG,
        Self::ShareG,
        Self::ShareD,
        Self::Agreement,
    ];

    /// The one after it, in a circle.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|metric| *metric == self);
        Self::ALL[(at.unwrap_or(0) + 1) % Self::ALL.len()]
    }

    /// What stands over the curve.
    pub fn name(self) -> &'static str {
        match self {
            Self::AucReported => "AUC (%)",
            Self::AucD => "AUC of D (%)",
            Self::AucG => "AUC of G (%)",
            Self::LossD => "loss of D",
            Self::LossG => "loss of G",
            Self::ShareG => "labelled anomalous by G (%)",
            Self::ShareD => "labelled anomalous by D (%)",
            Self::Agreement => "G and D agree (%)",
        }
    }

    /// Its number in a point, shares in percent.
    pub fn of(self, point: &EpochPoint, score_by: ScoreBy) -> Option<f64> {
        let percent = |share: Option<f64>| share.map(|share| share * 100.0);
        match self {
            Self::AucReported => percent(score_by.of(point.auc_d, point.auc_g)),
            Self::AucD => percent(point.auc_d),
            Self::AucG => percent(point.auc_g),
            Self::LossD => point.loss_d,
            Self::LossG => point.loss_g,
            Self::ShareG => percent(point.positive_share_g),
            Self::ShareD => percent(point.positive_share_d),
            Self::Agreement => percent(point.agreement_gd),
        }
    }
}

/// Curves by job.
#[derive(Debug, Default)]
pub struct Curves(BTreeMap<JobId, Known>);

#[derive(Debug, Default)]
struct Known {
    points: super::Points,
    /// It was asked for once: what comes later is heard.
    is_begun: bool,
}

/// One line of a chart: position of the epoch from 1, and the number there.
pub type Line = Vec<(f64, f64)>;

impl Curves {
    /// The curve as the coordinator has it.
    pub fn put(&mut self, job: JobId, points: Vec<EpochPoint>) {
        let known = self.0.entry(job).or_default();
        for point in points {
            known.points.insert((point.phase, point.epoch), point);
        }
        known.is_begun = true;
    }

    /// Epochs that ended.
    pub fn append(&mut self, job: JobId, points: &[EpochPoint]) {
        let known = self.0.entry(job).or_default();
        for point in points {
            known
                .points
                .insert((point.phase, point.epoch), point.clone());
        }
    }

    /// The job is done: its record has the whole curve.
    pub fn finish(&mut self, job: &JobId) {
        if let Some(known) = self.0.get_mut(job) {
            known.is_begun = false;
        }
    }

    /// The job begins anew.
    pub fn forget(&mut self, job: &JobId) {
        self.0.remove(job);
    }

    /// Whether the coordinator has more of it.
    pub fn lacks(&self, job: &JobId) -> bool {
        self.0.get(job).is_none_or(|known| !known.is_begun)
    }

    /// The lines of these jobs, and the mean at each epoch that half of them reached.
    pub fn lines(&self, jobs: &[JobId], metric: Metric, score_by: ScoreBy) -> (Vec<Line>, Line) {
        let known: Vec<&Known> = jobs.iter().filter_map(|job| self.0.get(job)).collect();
        let epochs: BTreeSet<(Phase, u32)> = known
            .iter()
            .flat_map(|known| known.points.keys().copied())
            .collect();
        let places: BTreeMap<(Phase, u32), f64> = epochs
            .into_iter()
            .zip(1_u32..)
            .map(|(epoch, place)| (epoch, place.into()))
            .collect();
        let lines: Vec<Line> = known
            .iter()
            .map(|known| {
                let numbers = known.points.iter().filter_map(|(epoch, point)| {
                    let number = metric
                        .of(point, score_by)
                        .filter(|number| number.is_finite());
                    Some((*places.get(epoch)?, number?))
                });
                numbers.collect::<Line>()
            })
            .filter(|line| !line.is_empty())
            .collect();
        let mut sums: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
        for (place, number) in lines.iter().flatten() {
            let (sum, count) = sums.entry(*place as u32).or_default();
            *sum += number;
            *count += 1;
        }
        let mean = sums
            .into_iter()
            .filter(|(_, (_, count))| count * 2 >= lines.len())
            .map(|(place, (sum, count))| (place.into(), sum / count as f64))
            .collect();
        (lines, mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(epoch: u32, auc: f64) -> EpochPoint {
        EpochPoint {
            auc_d: Some(auc),
            ..EpochPoint::new(Phase::Train, epoch)
        }
    }

    #[test]
    fn the_mean_is_of_the_seeds_that_got_so_far() {
        let (a, b) = (JobId([1; 32]), JobId([2; 32]));
        let mut curves = Curves::default();
        curves.put(a, vec![point(1, 0.5), point(2, 0.75)]);
        curves.append(b, &[point(1, 0.75)]);
        assert!(!curves.lacks(&a) && curves.lacks(&b));
        let (lines, mean) = curves.lines(&[a, b], Metric::AucReported, ScoreBy::Discriminator);
        assert_eq!(lines.len(), 2);
        assert_eq!(mean, [(1.0, 62.5), (2.0, 75.0)]);
        let (lines, mean) = curves.lines(&[a, b], Metric::LossG, ScoreBy::Discriminator);
        assert!(lines.is_empty() && mean.is_empty(), "none was measured");
    }

    #[test]
    fn a_job_that_is_done_is_asked_for_once_more() {
        let job = JobId([1; 32]);
        let mut curves = Curves::default();
        curves.put(job, vec![point(1, 0.5)]);
        curves.finish(&job);
        assert!(curves.lacks(&job));
        curves.put(job, vec![point(1, 0.5), point(2, 0.5)]);
        assert!(!curves.lacks(&job));
        curves.forget(&job);
        assert!(curves.lacks(&job));
    }

    #[test]
    fn metrics_go_in_a_circle() {
        let mut metric = Metric::AucReported;
        for _ in 0..Metric::ALL.len() {
            metric = metric.next();
        }
        assert_eq!(metric, Metric::AucReported);
    }
}
