//! What a subscriber hears.

use std::sync::Arc;

use crate::limits::{CHANGE_SWEEPS, LISTED, NAME_BYTES, REPORT_LINES, REPORT_POINTS, TEXT_BYTES};
use crate::number::optional;
use crate::{WireError, cut, job_id, required, text, texts, wire, word};
use sweeps::AttemptNumber;
use wire::watch_event::Event;

use super::{all, name};
use crate::nouns::Change;
use crate::nouns::WatchEvent;

impl From<&Change> for wire::WatchEvent {
    fn from(change: &Change) -> Self {
        let event = match change {
            Change::Job {
                job,
                sweeps,
                status,
                attempt,
                worker,
                error,
                scores: [auc_d, auc_g],
            } => Event::Job(wire::JobChange {
                job_id: job.0.to_vec(),
                sweeps: owned(sweeps),
                status: wire::JobStatus::from(*status).into(),
                attempt: attempt.0,
                worker: shown(worker.as_ref()),
                error: shown(error.as_ref()),
                auc_d: *auc_d,
                auc_g: *auc_g,
            }),
            Change::Epochs {
                job,
                sweeps,
                attempt,
                points,
                ended,
            } => Event::Epochs(wire::EpochsChange {
                job_id: job.0.to_vec(),
                sweeps: owned(sweeps),
                attempt: attempt.0,
                points: points.iter().map(Into::into).collect(),
                ended: if *ended as usize == points.len() {
                    0
                } else {
                    *ended
                },
            }),
            Change::Log {
                job,
                sweeps,
                attempt,
                lines,
            } => Event::Log(wire::LogChange {
                job_id: job.0.to_vec(),
                sweeps: owned(sweeps),
                attempt: attempt.0,
                lines: lines.to_vec(),
            }),
            Change::Sweep { name, counts } => Event::Sweep(wire::SweepChange {
                name: name.as_ref().to_owned(),
                counts: Some(counts.into()),
            }),
            Change::Worker {
                name,
                state,
                reason,
            } => Event::Worker(wire::WorkerChange {
                name: name.as_ref().to_owned(),
                state: wire::WorkerState::from(*state).into(),
                reason: shown(reason.as_ref()),
            }),
        };
        Self {
            event: Some(event),
            sequence: 0,
        }
    }
}

impl TryFrom<wire::WatchEvent> for WatchEvent {
    type Error = WireError;
    fn try_from(event: wire::WatchEvent) -> Result<Self, WireError> {
        Ok(Self::Change(match required("event", event.event)? {
            Event::Missed(changes) => return Ok(Self::Missed(changes)),
            Event::Job(change) => Change::Job {
                job: job_id("job_id", &change.job_id)?,
                sweeps: shared(change.sweeps)?,
                status: word::<wire::JobStatus, _>("status", change.status)?,
                attempt: AttemptNumber(change.attempt),
                worker: line(change.worker)?,
                error: line(change.error)?,
                scores: [
                    optional("auc_d", change.auc_d)?,
                    optional("auc_g", change.auc_g)?,
                ],
            },
            Event::Epochs(change) => Change::Epochs {
                job: job_id("job_id", &change.job_id)?,
                sweeps: shared(change.sweeps)?,
                attempt: AttemptNumber(change.attempt),
                ended: match change.ended {
                    0 => change.points.len() as u32,
                    ended => ended,
                },
                points: all("points", change.points, REPORT_POINTS)?.into(),
            },
            Event::Log(change) => Change::Log {
                job: job_id("job_id", &change.job_id)?,
                sweeps: shared(change.sweeps)?,
                attempt: AttemptNumber(change.attempt),
                lines: texts("lines", change.lines, REPORT_LINES, TEXT_BYTES)?.into(),
            },
            Event::Sweep(change) => Change::Sweep {
                name: name("name", change.name)?.into(),
                counts: required("counts", change.counts)?.into(),
            },
            Event::Worker(change) => Change::Worker {
                name: name("name", change.name)?.into(),
                state: word::<wire::WorkerState, _>("state", change.state)?,
                reason: line(change.reason)?,
            },
        }))
    }
}

fn owned(names: &[Arc<str>]) -> Vec<String> {
    let names = names.iter().take(CHANGE_SWEEPS);
    names.map(|name| name.as_ref().to_owned()).collect()
}

fn shown(line: Option<&Arc<str>>) -> Option<String> {
    line.map(|line| cut(line, TEXT_BYTES))
}

fn shared(names: Vec<String>) -> Result<Arc<[Arc<str>]>, WireError> {
    Ok(texts("sweeps", names, LISTED, NAME_BYTES)?
        .into_iter()
        .map(Arc::from)
        .collect())
}

fn line(line: Option<String>) -> Result<Option<Arc<str>>, WireError> {
    line.map(|line| text("reason", line, TEXT_BYTES).map(Arc::from))
        .transpose()
}
