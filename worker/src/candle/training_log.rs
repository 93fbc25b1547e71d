//! What the log of a training job says: few lines, however many epochs it has. Pure.
//!
//! The beginning names what is trained on what, the end what came of it. Between them the first epochs of each phase are told, then
//! one at a time that grows with the time that has passed: a job of a second has ten lines, one of a day some two hundred.

use std::fmt::Write;
use std::time::Duration;

use gcl::Prepared;
use sweeps::{DeviceInfo, EpochPoint, Outcome, Phase, ScoreMetrics};

use crate::trainer::Task;

/// Epochs of each phase that are told however fast they come.
const FIRST_EPOCHS: u32 = 3;
/// Between two epochs that are told, at least.
const SELDOM: Duration = Duration::from_secs(2);
/// The same as a share of the time that has passed.
const SHARE: u32 = 25;
/// Warnings of a result that are told one by one.
const WARNINGS: usize = 20;

/// What was told of the epochs so far.
#[derive(Debug, Default)]
pub(super) struct TrainingLog {
    phase: Option<Phase>,
    of_phase: u32,
    next: Duration,
    /// The last epoch, where it was not told.
    untold: Option<EpochPoint>,
}

/// What is trained, on what.
pub(super) fn beginning(task: &Task, device: &DeviceInfo, threads: usize) -> [String; 2] {
    let parameters: Vec<String> = task
        .job
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let threads = match threads {
        1 => "1 thread".to_owned(),
        count => format!("{count} threads"),
    };
    [
        format!(
            "training begins: data set {} ({}), seed {}, on {} ({}), {threads}",
            task.job.dataset,
            &task.dataset.to_string()[..12],
            task.job.seed,
            device.name,
            device.kind
        ),
        format!("parameters: {}", parameters.join(" ")),
    ]
}

/// The data can be read.
pub(super) fn data_ready(after: Duration, data: &Prepared) -> String {
    let own = data.bytes() + data.scaling_bytes();
    let mut line = format!(
        "the data are ready after {:.1} s: {:.1} MB",
        after.as_secs_f64(),
        own as f64 / 1e6
    );
    if data.mapped_bytes() > 0 {
        let mapped = data.mapped_bytes() as f64 / 1e6;
        let _ = write!(line, " and {mapped:.1} MB of mapped files");
    }
    line
}

impl TrainingLog {
    /// What to say of that epoch, so long after the beginning; mostly nothing.
    pub(super) fn epoch(&mut self, after: Duration, point: &EpochPoint) -> Option<String> {
        if self.phase != Some(point.phase) {
            self.phase = Some(point.phase);
            self.of_phase = 0;
        }
        self.of_phase += 1;
        if self.of_phase > FIRST_EPOCHS && after < self.next {
            self.untold = Some(point.clone());
            return None;
        }
        self.untold = None;
        self.next = after + SELDOM.max(after / SHARE);
        Some(told(after, point))
    }

    /// What came of it.
    pub(super) fn end(&mut self, after: Duration, outcome: &Outcome) -> Vec<String> {
        let mut lines: Vec<String> = self
            .untold
            .take()
            .iter()
            .map(|point| told(after, point))
            .collect();
        for warning in outcome.warnings.iter().take(WARNINGS) {
            lines.push(format!("warning: {} ({})", warning.message, warning.code));
        }
        if let Some(more) = outcome.warnings.len().checked_sub(WARNINGS + 1) {
            lines.push(format!("{} more warnings", more + 1));
        }
        let mut line = format!(
            "training ended after {:.1} s and {} epochs:",
            after.as_secs_f64(),
            outcome.curve.len()
        );
        score(&mut line, "D", outcome.metrics.d.as_ref());
        score(&mut line, "G", outcome.metrics.g.as_ref());
        lines.push(line);
        lines
    }
}

fn told(after: Duration, point: &EpochPoint) -> String {
    let mut line = format!(
        "epoch {} of {} after {:.1} s:",
        point.epoch,
        point.phase,
        after.as_secs_f64()
    );
    let numbers = [
        ("loss of D", point.loss_d),
        ("loss of G", point.loss_g),
        ("AUC of D", point.auc_d),
        ("AUC of G", point.auc_g),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(line, " {name} {value:.4},");
        }
    }
    line.pop();
    line
}

fn score(line: &mut String, name: &str, score: Option<&ScoreMetrics>) {
    if let Some(auc) = score.and_then(|score| score.auc) {
        let _ = write!(line, " AUC of {name} {auc:.4}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::Warning;

    fn point(phase: Phase, epoch: u32) -> EpochPoint {
        EpochPoint {
            loss_d: Some(0.25),
            auc_d: Some(0.75),
            ..EpochPoint::new(phase, epoch)
        }
    }

    #[test]
    fn short_jobs_are_told_and_long_ones_stay_short() {
        for (epochs, each, most) in [(5, 10, 5), (1_000, 1, 4), (86_400, 1_000, 230)] {
            let mut log = TrainingLog::default();
            let mut lines = Vec::new();
            let mut after = Duration::ZERO;
            for epoch in 1..=epochs {
                after += Duration::from_millis(each);
                lines.extend(log.epoch(after, &point(Phase::Train, epoch)));
            }
            lines.extend(log.end(after, &Outcome::default()));
            assert!(
                (4..=most + 2).contains(&lines.len()),
                "{} lines",
                lines.len()
            );
            assert_eq!(
                lines[0],
                format!(
                    "epoch 1 of train after {:.1} s: loss of D 0.2500, AUC of D 0.7500",
                    each as f64 / 1e3
                )
            );
            let last = format!("epoch {epochs} of train");
            assert!(
                lines.iter().any(|line| line.starts_with(&last)),
                "the last epoch is told"
            );
        }
    }

    #[test]
    fn warnings_are_told_and_bounded() {
        let outcome = Outcome {
            warnings: (0..100)
                .map(|number| Warning {
                    code: "few-steps".to_owned(),
                    message: format!("number {number}"),
                })
                .collect(),
            ..Outcome::default()
        };
        let lines = TrainingLog::default().end(Duration::from_secs(1), &outcome);
        assert_eq!(lines.len(), WARNINGS + 2);
        assert_eq!(lines[0], "warning: number 0 (few-steps)");
        assert_eq!(lines[WARNINGS], "80 more warnings");
    }

    #[test]
    fn an_epoch_without_numbers_is_a_whole_line() {
        let line = TrainingLog::default().epoch(Duration::ZERO, &EpochPoint::new(Phase::Train, 1));
        assert_eq!(line.as_deref(), Some("epoch 1 of train after 0.0 s"));
    }
}
