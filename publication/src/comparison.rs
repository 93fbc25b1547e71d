//! A job that was run again beside its record.

use serde::{Deserialize, Serialize};
use sweeps::{DeviceInfo, FinalMetrics, Outcome, RunRecord};

use crate::difference;

/// How a second run compares with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every curve, metric, warning and artifact is equal to the bit.
    Equal,
    /// Made on another kind of device, whose bits are other ones: its final AUCs are near.
    Near,
    /// Not equal on the same kind of device, or farther away on another one.
    Different,
    /// It cannot be run here.
    NotRun,
}

impl Verdict {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Equal => "equal to the bit",
            Self::Near => "equal within its device's class",
            Self::Different => "DIFFERENT",
            Self::NotRun => "cannot be run here",
        }
    }
}

/// Compares what came out with the record, and says why. `tolerance` is the largest difference of a final AUC between two kinds of
/// devices.
pub fn compare(
    record: &RunRecord,
    found: &Outcome,
    here: &DeviceInfo,
    tolerance: f64,
) -> (Verdict, String) {
    if record.outcome.digest() == found.digest() {
        return (Verdict::Equal, String::new());
    }
    let there = &record.provenance.device.kind;
    if *there == here.kind {
        return (Verdict::Different, first_difference(&record.outcome, found));
    }
    let farthest = distance(&record.outcome.metrics, &found.metrics);
    let kinds = format!("recorded on {there}, run again on {}", here.kind);
    match farthest {
        Some(farthest) if farthest <= tolerance => (
            Verdict::Near,
            format!("{kinds}: final AUCs within {:.2} points", farthest * 100.0),
        ),
        Some(farthest) => (
            Verdict::Different,
            format!(
                "{kinds}: a final AUC differs by {:.2} points, more than the {:.0} that two kinds of devices may",
                farthest * 100.0,
                tolerance * 100.0
            ),
        ),
        None => (
            Verdict::Different,
            format!("{kinds}: {}", first_difference(&record.outcome, found)),
        ),
    }
}

/// The largest difference of a final AUC; `None` where one of the two has an AUC that the other lacks.
fn distance(left: &FinalMetrics, right: &FinalMetrics) -> Option<f64> {
    let mut farthest = 0.0_f64;
    for (left, right) in [(left.d, right.d), (left.g, right.g)] {
        let auc = |score: Option<sweeps::ScoreMetrics>| score.and_then(|score| score.auc);
        match (auc(left), auc(right)) {
            (Some(left), Some(right)) => farthest = farthest.max((left - right).abs()),
            (None, None) => {}
            _ => return None,
        }
    }
    Some(farthest)
}

/// The first value that differs, the final metrics first: they are what is reported.
fn first_difference(told: &Outcome, found: &Outcome) -> String {
    let part = |outcome: &Outcome| {
        [
            ("metrics", serde_json::to_value(&outcome.metrics)),
            ("curve", serde_json::to_value(&outcome.curve)),
            ("warnings", serde_json::to_value(&outcome.warnings)),
            ("artifacts", serde_json::to_value(&outcome.artifacts)),
        ]
    };
    for ((name, told), (_, found)) in part(told).into_iter().zip(part(found)) {
        let (told, found) = (told.unwrap_or_default(), found.unwrap_or_default());
        if let Some((path, told, found)) = difference::of_values(&told, &found) {
            let path = path.trim_start_matches('.');
            let dot = if path.is_empty() || path.starts_with('[') {
                ""
            } else {
                "."
            };
            return format!(
                "{name}{dot}{path}: the record says {told}, running it again gives {found}"
            );
        }
    }
    "the two differ".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{AttemptNumber, Digest, JobId, Provenance, ScoreMetrics};

    fn outcome(auc: f64) -> Outcome {
        Outcome {
            metrics: FinalMetrics {
                d: None,
                g: Some(ScoreMetrics {
                    auc: Some(auc),
                    ..ScoreMetrics::default()
                }),
            },
            ..Outcome::default()
        }
    }

    fn record(auc: f64, kind: &str) -> RunRecord {
        RunRecord {
            job_id: JobId([1; 32]),
            outcome: outcome(auc),
            provenance: Provenance {
                attempt: AttemptNumber(1),
                worker: "w".into(),
                device: DeviceInfo {
                    kind: kind.into(),
                    name: String::new(),
                },
                version: String::new(),
                trainer_revision: 2,
                dataset_digest: Digest([0; 32]),
                duration_s: 1.0,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        }
    }

    #[test]
    fn bits_count_on_one_kind_and_points_on_another() {
        let here = DeviceInfo {
            kind: "cpu-avx2".into(),
            name: String::new(),
        };
        let of = |record: RunRecord, found: f64| compare(&record, &outcome(found), &here, 0.02);
        assert_eq!(of(record(0.8, "cuda-sm90"), 0.8).0, Verdict::Equal);
        assert_eq!(of(record(0.8, "cuda-sm90"), 0.81).0, Verdict::Near);
        assert_eq!(of(record(0.8, "cuda-sm90"), 0.83).0, Verdict::Different);
        let (verdict, why) = of(record(0.8, "cpu-avx2"), 0.800_000_1);
        assert_eq!(verdict, Verdict::Different);
        assert!(
            why.starts_with("metrics.g.auc: the record says 0.8, running"),
            "{why}"
        );
    }
}
