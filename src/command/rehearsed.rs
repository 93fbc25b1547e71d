//! What a rehearsal measured, kept in its folder for `plan`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The file, in a rehearsal's folder.
pub const FILE: &str = "needs.json";

/// Seconds of a job as a rehearsal of the sweep measured them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RehearsedTimes {
    /// What it measured on.
    pub device: String,
    /// The mean of a variant's jobs on a data set.
    seconds: BTreeMap<(String, String), f64>,
}

#[derive(Deserialize)]
struct Report {
    sweep: String,
    needs: Needs,
}

#[derive(Deserialize)]
struct Needs {
    device: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    variant: String,
    dataset: String,
    jobs: usize,
    device_s: f64,
    not_estimated: usize,
}

impl RehearsedTimes {
    /// Those that the rehearsal in that folder left of the sweep; `None`: there are none.
    pub fn read(folder: &Path, sweep: &str) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
        Self::parse(&text, sweep)
    }

    fn parse(text: &str, sweep: &str) -> Option<Self> {
        let Report { sweep: of, needs } = serde_json::from_str(text).ok()?;
        if of != sweep {
            return None;
        }
        let mean = |line: Line| {
            let jobs = line.jobs.saturating_sub(line.not_estimated);
            let seconds = line.device_s / jobs as f64;
            // Of no job nothing is known.
            seconds
                .is_finite()
                .then_some(((line.variant, line.dataset), seconds))
        };
        Some(Self {
            device: needs.device,
            seconds: needs.lines.into_iter().filter_map(mean).collect(),
        })
    }

    /// Seconds of a job of that variant on that data set.
    pub fn of(&self, variant: &str, dataset: &str) -> Option<f64> {
        let key = (variant.to_owned(), dataset.to_owned());
        self.seconds.get(&key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "sweep": "s", "rehearsal": true, "needs": { "device": "cpu-avx2 (EPYC)", "lines": [
        { "variant": "a", "dataset": "d", "jobs": 5, "device_s": 8.0, "not_estimated": 1, "step_s": null },
        { "variant": "PCA", "dataset": "d", "jobs": 5, "device_s": 0.0, "not_estimated": 5 } ] } }"#;

    #[test]
    fn a_job_takes_what_its_variants_jobs_take_on_average_and_what_was_not_measured_is_not_known() {
        let times = RehearsedTimes::parse(TEXT, "s").unwrap();
        assert_eq!(times.of("a", "d"), Some(2.0));
        assert_eq!(times.of("PCA", "d"), None);
        assert_eq!(times.of("a", "other"), None);
        assert_eq!(RehearsedTimes::parse(TEXT, "t"), None);
        assert_eq!(RehearsedTimes::parse("{", "s"), None);
    }
}
