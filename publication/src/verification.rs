//! What checking a box found.

use std::fmt;

use serde::Serialize;
use sweeps::JobId;

use crate::comparison::Verdict;

/// What checking a box found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verification {
    /// The box's title.
    pub title: String,
    /// The program that published it.
    pub published_by: String,
    /// The program that checked it.
    pub checked_by: String,
    /// The device that jobs were run on.
    pub device: String,
    /// What was checked without running a job.
    pub checks: Vec<Check>,
    /// The sample of jobs.
    pub sample: Sample,
    /// Each of them.
    pub jobs: Vec<JobCheck>,
}

/// One kind of check.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Check {
    /// What was checked: `hashes`, `journal`, `records`, `sweeps`, `figures`, `numbers`.
    pub name: String,
    /// How many things were equal, in words: `212 files`.
    pub equal: String,
    /// What a reader must know besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What was not as it should be.
    pub faults: Vec<Fault>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Where in it, where that is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, what } = self;
        if place.is_empty() {
            write!(formatter, "{file}: {what}")
        } else {
            write!(formatter, "{file}, {place}: {what}")
        }
    }
}

impl Fault {
    /// Of a file.
    pub fn new(file: impl Into<String>, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            place: place.into(),
            what: what.into(),
        }
    }
}

/// Which jobs were drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Finished jobs of the box.
    pub of: usize,
    /// The share that was asked for.
    pub fraction: f64,
    /// The seed that drew them.
    pub seed: u64,
}

/// A job that was drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobCheck {
    /// Its id.
    pub job: JobId,
    /// The first cell that it belongs to.
    pub cell: String,
    /// How its second run compares.
    pub verdict: Verdict,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The AUC of the record.
    pub recorded_auc: Option<f64>,
    /// The AUC that came out.
    pub found_auc: Option<f64>,
    /// Seconds that it took here.
    pub seconds: f64,
}

/// What a verification amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// All is as the box says, and every job of the sample was run.
    Equal,
    /// Nothing differs, but not every job of the sample could be run.
    Incomplete,
    /// Something differs.
    Different,
}

impl Verification {
    /// What it amounts to.
    pub fn conclusion(&self) -> Conclusion {
        if self.checks.iter().any(|check| !check.faults.is_empty())
            || self.count(Verdict::Different) > 0
        {
            Conclusion::Different
        } else if self.count(Verdict::NotRun) > 0 {
            Conclusion::Incomplete
        } else {
            Conclusion::Equal
        }
    }

    /// Jobs of the sample with that verdict.
    fn count(&self, verdict: Verdict) -> usize {
        let jobs = self.jobs.iter();
        jobs.filter(|job| job.verdict == verdict).count()
    }

    /// How many jobs of the sample have each verdict, as a sentence.
    pub fn sample_sentence(&self) -> String {
        let Sample { of, fraction, seed } = self.sample;
        if of == 0 {
            return "No job was run again.".to_owned();
        }
        if self.jobs.is_empty() {
            return format!(
                "No job was run again: the box has {of} finished jobs, and a share of {fraction} of them was asked for."
            );
        }
        let parts: Vec<String> = [
            Verdict::Equal,
            Verdict::Near,
            Verdict::Different,
            Verdict::NotRun,
        ]
        .into_iter()
        .filter_map(|verdict| {
            let count = self.count(verdict);
            (count > 0).then(|| format!("{count} {}", verdict.words()))
        })
        .collect();
        format!(
            "{} of {of} finished jobs, drawn by seed {seed}: {}.",
            self.jobs.len(),
            parts.join(", ")
        )
    }

    /// The last sentence.
    pub fn sentence(&self) -> String {
        match self.conclusion() {
            Conclusion::Equal => {
                let left = self.sample.of - self.jobs.len();
                let rest = if left > 0 {
                    format!(" What nobody drew, {left} jobs, rests on its hashes alone.")
                } else {
                    String::new()
                };
                format!("All that was checked is as the box says.{rest}")
            }
            Conclusion::Incomplete => {
                "Nothing differs from what the box says, but not every job of the sample could be run here.".to_owned()
            }
            Conclusion::Different => {
                let faults: usize = self.checks.iter().map(|check| check.faults.len()).sum();
                let jobs = self.count(Verdict::Different);
                format!("The box is not what it says: {faults} faults in its files, {jobs} jobs that come out otherwise.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(verdict: Verdict) -> JobCheck {
        JobCheck {
            job: JobId([1; 32]),
            cell: "GCL_B, seed 0".into(),
            verdict,
            why: String::new(),
            recorded_auc: None,
            found_auc: None,
            seconds: 0.0,
        }
    }

    #[test]
    fn the_worst_of_what_was_found_is_what_it_amounts_to() {
        let mut found = Verification {
            sample: Sample {
                of: 40,
                fraction: 0.05,
                seed: 3,
            },
            jobs: vec![job(Verdict::Equal), job(Verdict::Equal)],
            ..Verification::default()
        };
        assert_eq!(found.conclusion(), Conclusion::Equal);
        assert!(found.sentence().contains("38 jobs"));
        found.jobs[1].verdict = Verdict::NotRun;
        assert_eq!(found.conclusion(), Conclusion::Incomplete);
        found.jobs[0].verdict = Verdict::Different;
        assert_eq!(found.conclusion(), Conclusion::Different);
        assert_eq!(
            found.sample_sentence(),
            "2 of 40 finished jobs, drawn by seed 3: 1 DIFFERENT, 1 cannot be run here."
        );
        let fault = Fault::new("report/index.html", "", "x");
        let found = Verification {
            checks: vec![Check {
                faults: vec![fault],
                ..Check::default()
            }],
            ..Verification::default()
        };
        assert_eq!(found.conclusion(), Conclusion::Different);
    }
}
