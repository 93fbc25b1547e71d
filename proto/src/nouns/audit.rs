//! Audits: finished jobs that are run again, to see whether the same comes out.

use serde::{Deserialize, Serialize};

/// Asks for a share of a sweep's finished jobs to be run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The sweep's name.
    pub sweep: String,
    /// Of its finished jobs, above 0 and at most 1. The same share means the same jobs, a larger one these and more.
    pub fraction: f64,
}

/// What an audit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audited {
    /// Finished jobs of the sweep.
    pub finished: u64,
    /// Jobs that the share means.
    pub chosen: u64,
    /// Of these, those that were not audited before and are queued now.
    pub queued: u64,
}

/// How the second result of an audited job compares with the recorded one, which stays whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditVerdict {
    /// Equal to the bit.
    Equal,
    /// Made on another kind of device, its final AUCs within [`TOLERANCE`] of the recorded ones.
    Within,
    /// Not equal on the same kind of device, or farther away on another one.
    Different,
    /// It could not be run again: each try failed.
    Failed,
}

/// The largest difference of a final AUC (a fraction) between two kinds of devices that an audit tolerates. Training
/// amplifies the rounding in which they differ; two points are less than the spread over seeds in the paper's figure 10.
pub const TOLERANCE: f64 = 0.02;

/// What audits of a sweep's jobs found so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AuditStamp {
    /// Jobs that wait for their audit, or run for it.
    pub waiting: u64,
    /// [`AuditVerdict::Equal`].
    pub equal: u64,
    /// [`AuditVerdict::Within`].
    pub within: u64,
    /// [`AuditVerdict::Different`].
    pub different: u64,
    /// [`AuditVerdict::Failed`].
    pub failed: u64,
    /// [`TOLERANCE`] of the coordinator that says so.
    pub tolerance: f64,
}

impl AuditStamp {
    /// Counts a verdict.
    pub fn count(&mut self, verdict: AuditVerdict) {
        match verdict {
            AuditVerdict::Equal => self.equal += 1,
            AuditVerdict::Within => self.within += 1,
            AuditVerdict::Different => self.different += 1,
            AuditVerdict::Failed => self.failed += 1,
        }
    }

    /// Jobs that were run again and compared.
    pub fn compared(&self) -> u64 {
        self.equal + self.within + self.different
    }

    /// The stamp as a sentence for reports and terminals; `None` where nothing was audited.
    pub fn sentence(&self) -> Option<String> {
        if *self
            == (Self {
                tolerance: self.tolerance,
                ..Self::default()
            })
        {
            return None;
        }
        let mut parts = vec![format!("{} equal to the bit", self.equal)];
        let tolerance = self.tolerance * 100.0;
        for (count, what) in [
            (
                self.within,
                format!("within {tolerance} points of AUC on another kind of device"),
            ),
            (self.different, "DIFFERENT".into()),
            (self.failed, "could not be run again".into()),
            (self.waiting, "still to be run".into()),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let jobs = if self.compared() == 1 { "job" } else { "jobs" };
        Some(format!(
            "Audit: {} finished {jobs} run again and compared: {}.",
            self.compared(),
            parts.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_says_what_was_found() {
        assert_eq!(AuditStamp::default().sentence(), None);
        let stamp = AuditStamp {
            equal: 3,
            within: 1,
            different: 1,
            waiting: 2,
            failed: 0,
            tolerance: 0.02,
        };
        assert_eq!(
            stamp.sentence().unwrap(),
            "Audit: 5 finished jobs run again and compared: 3 equal to the bit, 1 within 2 points of AUC on another kind of device, 1 DIFFERENT, 2 still to be run."
        );
    }
}
