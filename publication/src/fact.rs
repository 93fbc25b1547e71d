//! What a journal's entry says, as far as a box needs it. Entries of other kinds, and fields that nobody asks for, are passed over, so
//! that boxes of later versions stay readable.

use serde::Deserialize;
use sweeps::{AttemptNumber, DeviceInfo, Failure, JobId, RunRecord};

/// A fact.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Fact {
    /// A sweep was submitted.
    Submitted {
        /// When.
        at: u64,
        /// What.
        submission: Submission,
    },
    /// A submission in parts begins.
    SubmissionBegun {
        /// When.
        at: u64,
        /// What.
        submission: Submission,
    },
    /// A worker said hello.
    WorkerJoined {
        /// When.
        at: u64,
        /// Its number.
        worker: u64,
        /// What it said.
        hello: Hello,
    },
    /// Jobs were given to a worker.
    Leased {
        /// When.
        at: u64,
        /// To whom.
        worker: u64,
        /// Which.
        leases: Vec<Lease>,
    },
    /// Leases were handed back.
    Released {
        /// When.
        at: u64,
        /// Which.
        leases: Vec<Lease>,
        /// Why.
        reason: String,
    },
    /// An attempt failed.
    Failed {
        /// When.
        at: u64,
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptNumber,
        /// The worker's name.
        worker: String,
        /// What happened.
        failure: Failure,
    },
    /// A job is done.
    Finished {
        /// When.
        at: u64,
        /// Its record.
        record: Box<RunRecord>,
    },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A sweep that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Submission {
    /// Its name.
    pub name: String,
    /// Its file's text.
    pub text: String,
}

/// What a worker said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// Its name.
    pub name: String,
    /// What it computes on.
    pub device: DeviceInfo,
}

/// An attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The attempt's number.
    pub attempt: AttemptNumber,
}

impl Fact {
    /// What an entry says.
    ///
    /// # Errors
    /// It is an entry of a known kind that says something else than such entries do.
    pub fn read(entry: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(entry)
    }
}

/// What an entry is about, to tell the entries of some sweeps from those of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The sweep that it names.
    pub sweep: Option<String>,
    /// The jobs that it names.
    pub jobs: Vec<JobId>,
    /// It holds a part of the whole state.
    pub is_image: bool,
    /// It is a part of a submission that has begun.
    pub is_part: bool,
}

impl Subject {
    /// Of an entry; nothing where it is not read.
    pub fn of(entry: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let kind = entry["entry"].as_str().unwrap_or_default();
        let mut subject = Self {
            is_image: kind == "image",
            is_part: kind.starts_with("submission-") && kind != "submission-begun",
            sweep: text(&entry["submission"]["name"])
                .or_else(|| text(&entry["target"]["sweep"]))
                .or_else(|| text(&entry["sweep"])),
            jobs: Vec::new(),
        };
        let mut add = |value: &serde_json::Value| {
            subject
                .jobs
                .extend(value.as_str().and_then(|text| text.parse::<JobId>().ok()));
        };
        add(&entry["job"]);
        add(&entry["target"]["job"]);
        add(&entry["record"]["job_id"]);
        for lease in entry["leases"].as_array().into_iter().flatten() {
            add(&lease["job"]);
        }
        for job in entry["jobs"].as_array().into_iter().flatten() {
            add(job);
        }
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_nobody_asks_for_are_passed_over() {
        assert_eq!(
            Fact::read(r#"{"entry":"worker-drained","at":1,"worker":2}"#).unwrap(),
            Fact::Other
        );
        assert!(Fact::read(r#"{"entry":"leased","at":"x"}"#).is_err());
    }

    #[test]
    fn an_entry_says_whom_it_is_about() {
        let job = "07".repeat(32);
        let of = |text: String| Subject::of(&serde_json::from_str(&text).unwrap());
        let leased = of(format!(
            r#"{{"entry":"leased","leases":[{{"job":"{job}","attempt":1}}]}}"#
        ));
        assert_eq!(leased.jobs, [JobId([7; 32])]);
        let steered = of(r#"{"entry":"steered","target":{"sweep":"s"}}"#.to_owned());
        assert_eq!(steered.sweep.as_deref(), Some("s"));
        assert!(of(r#"{"entry":"image","part":{}}"#.to_owned()).is_image);
        assert!(of(r#"{"entry":"submission-part"}"#.to_owned()).is_part);
    }
}
