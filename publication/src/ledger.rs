//! What the journal says of each attempt: who tried which job, from when to when, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{AttemptNumber, DeviceInfo, Failure, JobId, RunRecord};

use crate::chain::{ChainFault, Line};
use crate::fact::Fact;

/// An attempt of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// Its number.
    pub number: AttemptNumber,
    /// The worker's name, where it is known.
    pub worker: Option<String>,
    /// What it ran on.
    pub device: Option<DeviceInfo>,
    /// When it was leased, in milliseconds since 1970; not known behind a snapshot.
    pub began_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// How.
    pub end: AttemptEnd,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// It has not, as far as the journal goes.
    Open,
    /// With the job's record.
    Finished,
    /// There was none: the job's record was taken over from a cache of finished results, and worker and device are those that it
    /// names.
    TakenOver,
    /// It was handed back.
    Released(String),
    /// It failed.
    Failed(Failure),
}

/// What the journal says of some jobs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// Attempts, by job and number.
    pub attempts: BTreeMap<(JobId, AttemptNumber), Attempt>,
    /// The first record of each job, with its line, from 1.
    pub records: BTreeMap<JobId, (usize, RunRecord)>,
    /// Submissions of each sweep: line, moment, text.
    pub submissions: BTreeMap<String, Vec<(usize, u64, String)>>,
    /// The moment of the last entry that has one.
    pub last_ms: u64,
}

impl Ledger {
    /// Reads the lines, as far as they are of those jobs.
    ///
    /// # Errors
    /// An entry of a known kind that says something else than such entries do.
    pub fn of(lines: &[Line], jobs: &BTreeSet<JobId>) -> Result<Self, ChainFault> {
        let mut ledger = Self::default();
        let mut workers: BTreeMap<u64, (String, DeviceInfo)> = BTreeMap::new();
        for (position, line) in lines.iter().enumerate() {
            let Some(entry) = &line.entry else { continue };
            let fact = Fact::read(entry).map_err(|error| ChainFault {
                line: position + 1,
                what: format!("entry {} cannot be read: {error}", line.sequence),
            })?;
            ledger.add(position + 1, fact, jobs, &mut workers);
        }
        Ok(ledger)
    }

    fn add(
        &mut self,
        line: usize,
        fact: Fact,
        jobs: &BTreeSet<JobId>,
        workers: &mut BTreeMap<u64, (String, DeviceInfo)>,
    ) {
        match fact {
            Fact::Submitted { at, submission } | Fact::SubmissionBegun { at, submission } => {
                self.last_ms = self.last_ms.max(at);
                self.submissions.entry(submission.name).or_default().push((
                    line,
                    at,
                    submission.text,
                ));
            }
            Fact::WorkerJoined { worker, hello, .. } => {
                workers.insert(worker, (hello.name, hello.device));
            }
            Fact::Leased { at, worker, leases } => {
                for lease in leases.iter().filter(|lease| jobs.contains(&lease.job)) {
                    let known = workers.get(&worker);
                    let attempt = self.attempt(lease.job, lease.attempt);
                    attempt.began_ms = Some(at);
                    attempt.worker = known.map(|(name, _)| name.clone());
                    attempt.device = known.map(|(_, device)| device.clone());
                }
            }
            Fact::Released { at, leases, reason } => {
                for lease in leases.iter().filter(|lease| jobs.contains(&lease.job)) {
                    let attempt = self.attempt(lease.job, lease.attempt);
                    attempt.ended_ms = Some(at);
                    attempt.end = AttemptEnd::Released(reason.clone());
                }
            }
            Fact::Failed {
                at,
                job,
                attempt,
                worker,
                failure,
            } if jobs.contains(&job) => {
                let attempt = self.attempt(job, attempt);
                attempt.ended_ms = Some(at);
                attempt.worker.get_or_insert(worker);
                attempt.end = AttemptEnd::Failed(failure);
            }
            Fact::Finished { at, record } if jobs.contains(&record.job_id) => {
                self.last_ms = self.last_ms.max(at);
                let provenance = &record.provenance;
                // Its own number is one of another state.
                let (number, ended_ms, end) = match provenance.cached_since_ms {
                    None => (provenance.attempt, Some(at), AttemptEnd::Finished),
                    // When it ended there is not said.
                    Some(_) => (AttemptNumber(0), None, AttemptEnd::TakenOver),
                };
                let attempt = self.attempt(record.job_id, number);
                attempt.ended_ms = ended_ms;
                attempt.worker = Some(provenance.worker.clone());
                attempt.device = Some(provenance.device.clone());
                attempt.end = end;
                self.records.entry(record.job_id).or_insert((line, *record));
            }
            Fact::Failed { .. } | Fact::Finished { .. } | Fact::Other => {}
        }
    }

    fn attempt(&mut self, job: JobId, number: AttemptNumber) -> &mut Attempt {
        self.attempts.entry((job, number)).or_insert(Attempt {
            job,
            number,
            worker: None,
            device: None,
            began_ms: None,
            ended_ms: None,
            end: AttemptEnd::Open,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{GENESIS, hashed_anew};

    #[test]
    fn a_result_that_was_taken_over_is_no_attempt_of_this_journal() {
        let job = JobId([7; 32]);
        let record = serde_json::json!({
            "job_id": job, "outcome": sweeps::Outcome::default(),
            "provenance": {
                "attempt": 1, "worker": "local-1", "device": { "kind": "cpu-avx2", "name": "EPYC" }, "version": "", "trainer_revision": 2,
                "dataset_digest": "1".repeat(64), "duration_s": 2.0, "resumed": 0, "cached_since_ms": 5,
            },
        });
        let failed = serde_json::json!({
            "entry": "failed", "at": 25, "job": job, "attempt": 1, "worker": "w",
            "failure": { "class": "out-of-memory", "message": "none left" }, "verdict": "retry",
        });
        let finished = serde_json::json!({ "entry": "finished", "at": 30, "record": record });
        let line = |entry: serde_json::Value| Line {
            sequence: 0,
            snapshot: None,
            before: GENESIS,
            chain: GENESIS,
            entry: Some(entry.to_string()),
        };
        let lines = hashed_anew(&[line(failed), line(finished)]);
        let ledger = Ledger::of(&lines, &[job].into()).unwrap();
        let attempts: Vec<&Attempt> = ledger.attempts.values().collect();
        assert_eq!(
            attempts.len(),
            2,
            "the one that failed here stays as it was"
        );
        assert_eq!(attempts[0].number, AttemptNumber(0));
        assert_eq!(attempts[0].end, AttemptEnd::TakenOver);
        assert_eq!(attempts[0].ended_ms, None);
        assert!(matches!(attempts[1].end, AttemptEnd::Failed(_)));
        assert!(ledger.records.contains_key(&job));
    }

    #[test]
    fn attempts_are_told_with_their_workers_and_times() {
        let job = JobId([7; 32]);
        let entries = [
            r#"{"entry":"worker-joined","at":1,"worker":4,"hello":{"name":"w","device":{"kind":"cpu-avx2","name":"EPYC"}}}"#.to_owned(),
            format!(r#"{{"entry":"leased","at":10,"worker":4,"leases":[{{"job":"{job}","attempt":1}}]}}"#),
            format!(
                r#"{{"entry":"failed","at":25,"job":"{job}","attempt":1,"worker":"w","failure":{{"class":"out-of-memory","message":"none left"}},"verdict":"retry"}}"#
            ),
            format!(r#"{{"entry":"leased","at":30,"worker":4,"leases":[{{"job":"{job}","attempt":2}}]}}"#),
        ];
        let lines: Vec<Line> = entries
            .iter()
            .map(|entry| Line {
                sequence: 0,
                snapshot: None,
                before: GENESIS,
                chain: GENESIS,
                entry: Some(entry.clone()),
            })
            .collect();
        let lines = hashed_anew(&lines);
        let ledger = Ledger::of(&lines, &[job].into()).unwrap();
        let attempts: Vec<&Attempt> = ledger.attempts.values().collect();
        assert_eq!(attempts.len(), 2);
        assert_eq!(
            (attempts[0].began_ms, attempts[0].ended_ms),
            (Some(10), Some(25))
        );
        let AttemptEnd::Failed(failure) = &attempts[0].end else {
            panic!("{:?}", attempts[0].end);
        };
        assert_eq!(failure.to_string(), "out-of-memory: none left");
        assert_eq!(attempts[1].worker.as_deref(), Some("w"));
        assert_eq!(attempts[1].end, AttemptEnd::Open);
        assert!(
            Ledger::of(&lines, &BTreeSet::new())
                .unwrap()
                .attempts
                .is_empty()
        );
    }
}
