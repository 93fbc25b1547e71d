//! The board as it was: where each cell stood at a time, and what was known then.

use std::collections::BTreeMap;

use proto::nouns::Timestamp;
use serde::Serialize;
use sweeps::JobStatus;

use crate::alarm::Alarm;
use crate::alarms::{AlarmGroup, alarms, has_diverged};
use crate::board::Board;
use crate::failures::{FailureGroup, failures};
use crate::hours::Hours;
use crate::job::{Job, Standing};
use crate::looked::ClaimThen;
use crate::shown::letter;
use crate::spans::{Span, SpanEnd};
use crate::summary::Summary;

/// The board as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Past {
    /// A letter for each cell.
    statuses: String,
    /// Different jobs by status, in the order of [`JobStatus::ALL`].
    counts: [u64; JobStatus::ALL.len()],
    /// By group, the results that there were.
    summaries: Vec<Option<Summary>>,
    alarms: Vec<AlarmGroup>,
    failures: Vec<FailureGroup>,
    hours: Hours,
    /// Who had had a job by then.
    workers: Vec<WorkerThen>,
    /// By claim, in the order of the family.
    claims: Vec<Option<ClaimThen>>,
}

/// A worker as it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct WorkerThen {
    name: String,
    /// The first cells of the jobs that it had, and since when.
    jobs: Vec<(u32, u64)>,
    finished: u64,
    failed: u64,
}

/// What spans told of a job until some time.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    status: JobStatus,
    error: Option<&'a str>,
}

impl<'a> Told<'a> {
    const NOTHING: Self = Self {
        status: JobStatus::Pending,
        error: None,
    };

    /// After the next span, which began by then.
    fn hear(&mut self, span: &'a Span, at: Timestamp) {
        self.status = if has_ended(span, at) {
            match span.end {
                SpanEnd::Done => JobStatus::Done,
                SpanEnd::Failed => JobStatus::Failed,
                SpanEnd::Back | SpanEnd::Open => JobStatus::Pending,
            }
        } else {
            JobStatus::Running
        };
        if self.status == JobStatus::Done {
            self.error = None;
        } else if self.status != JobStatus::Running && span.error.is_some() {
            self.error = span.error.as_deref();
        }
    }
}

fn has_ended(span: &Span, at: Timestamp) -> bool {
    span.until.is_some_and(|until| until <= at.0)
}

impl Board {
    /// The board as it was at that time, as far as its spans tell. A job whose end nobody tells had ended before.
    pub fn past(&self, at: Timestamp) -> Past {
        let standings = self.standings_at(at);
        let mut counts = [0; JobStatus::ALL.len()];
        for standing in &standings {
            counts[standing.status as usize] += 1;
        }
        let groups = self.groups.iter();
        let jobs = || standings.iter().copied();
        Past {
            counts,
            summaries: groups
                .map(|group| self.summary_of(group, |job| standings[job].status == JobStatus::Done))
                .collect(),
            statuses: self
                .cells
                .iter()
                .map(|cell| letter(standings[cell.job as usize].status))
                .collect(),
            alarms: alarms(jobs()),
            failures: failures(jobs()),
            hours: self.hours_of(jobs()),
            workers: self.workers_at(at),
            claims: self.looked.at(at),
        }
    }

    /// Where each job stood.
    pub(crate) fn standings_at(&self, at: Timestamp) -> Vec<Standing<'_>> {
        let mut told: BTreeMap<u32, Told<'_>> = BTreeMap::new();
        let mut ended: BTreeMap<u32, Timestamp> = BTreeMap::new();
        for span in self.spans() {
            let known = told.entry(span.cell).or_insert(Told::NOTHING);
            if span.from <= at.0 {
                known.hear(span, at);
            }
            if let Some(until) = span.until {
                ended.insert(span.cell, Timestamp(until));
            }
        }
        let standing = |job| {
            let now = Job::standing(job);
            let then = now.cell.and_then(|cell| told.get(&cell).copied());
            let Some(Told { status, error }) = then else {
                // It had ended before anything that is known, or was never begun.
                return match now.status {
                    JobStatus::Running => Standing {
                        status: JobStatus::Pending,
                        alarm: None,
                        ..now
                    },
                    _ => now,
                };
            };
            // An alarm that nobody heard beginning is known from the end of its job on.
            let ended = now.cell.and_then(|cell| ended.get(&cell).copied());
            let raised = job.alarmed.or(ended).is_some_and(|raised| raised.0 <= at.0);
            let alarm = if has_diverged(status, error) {
                Some(Alarm::NotANumber)
            } else {
                now.alarm
                    .filter(|alarm| raised && *alarm != Alarm::NotANumber)
            };
            Standing {
                status,
                error,
                alarm,
                ..now
            }
        };
        self.jobs.iter().map(standing).collect()
    }

    fn workers_at(&self, at: Timestamp) -> Vec<WorkerThen> {
        let mut workers: BTreeMap<&str, WorkerThen> = BTreeMap::new();
        for span in self.spans().filter(|span| span.from <= at.0) {
            let worker = workers.entry(&span.worker).or_default();
            if !has_ended(span, at) {
                worker.jobs.push((span.cell, span.from));
                continue;
            }
            worker.finished += u64::from(span.end == SpanEnd::Done);
            worker.failed += u64::from(span.error.is_some() || span.end == SpanEnd::Failed);
        }
        let named = |(name, worker): (&str, WorkerThen)| WorkerThen {
            name: name.to_owned(),
            ..worker
        };
        workers.into_iter().map(named).collect()
    }
}
