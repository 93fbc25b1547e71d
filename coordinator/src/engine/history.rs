//! What happened to jobs and when, as far back as the journal tells it: the past of the live page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use live::{Happened, SpanEnd, What};
use proto::nouns::{AttemptFailure, Timestamp, WorkerId};
use sweeps::JobId;

use crate::model::entry::{Entry, RetryDecision};
use crate::store::journal::{self, JournalError};

/// A longer journal is not read for a page: it would be some seconds of a core.
const MOST_BYTES: u64 = 512 << 20;

/// What the journal tells of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// What happened to its jobs, in order.
    pub(crate) happened: Vec<Happened>,
    /// When its claims were looked at: a time for each look.
    pub(crate) looked: Vec<Timestamp>,
}

/// What happened to these jobs of that sweep. `names` are those of workers that said hello before what the journal still tells.
/// Empty where the journal is too long, or cannot be read now.
pub(crate) fn history(
    state: &Path,
    sweep: &str,
    wanted: &BTreeSet<JobId>,
    names: BTreeMap<WorkerId, Arc<str>>,
) -> History {
    let folder = state.join("journal");
    if journal::length(&folder) > MOST_BYTES {
        return History::default();
    }
    let mut past = Past {
        sweep,
        wanted,
        names,
        history: History::default(),
    };
    let visited = journal::visit(&folder, &mut |scanned| {
        past.take(&scanned.entry);
        Ok::<_, JournalError>(())
    });
    if let Err(error) = visited {
        // The end of what is being written, or a file that was replaced meanwhile.
        tracing::debug!(%error, "the journal was not read to its end");
    }
    past.history
}

struct Past<'a> {
    sweep: &'a str,
    wanted: &'a BTreeSet<JobId>,
    names: BTreeMap<WorkerId, Arc<str>>,
    history: History,
}

impl Past<'_> {
    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::WorkerJoined { worker, hello, .. } => {
                self.names.insert(*worker, hello.name.as_str().into());
            }
            Entry::Leased { at, worker, leases } => {
                let name = self.names.get(worker).cloned();
                let name = name.unwrap_or_else(|| format!("worker {worker}").into());
                for lease in leases {
                    self.push(*at, lease.job, What::Began(name.clone()));
                }
            }
            Entry::Released { at, leases, .. } => {
                for lease in leases {
                    self.push(*at, lease.job, What::Ended(SpanEnd::Back, None));
                }
            }
            Entry::Failed {
                at,
                job,
                attempt,
                worker,
                failure,
                verdict,
            } if self.wanted.contains(job) => {
                let end = match verdict {
                    RetryDecision::Retry => SpanEnd::Back,
                    RetryDecision::Failed | RetryDecision::Quarantined => SpanEnd::Failed,
                };
                let failed = AttemptFailure {
                    attempt: *attempt,
                    worker: worker.clone(),
                    failure: failure.clone(),
                    at: *at,
                };
                self.push(*at, *job, What::Ended(end, Some(failed.line().into())));
            }
            Entry::Finished { at, record } => {
                self.push(*at, record.job_id, What::Ended(SpanEnd::Done, None));
            }
            Entry::Looked {
                at, sweep, looks, ..
            } if sweep == self.sweep => {
                let times = looks.iter().map(|_| *at);
                self.history.looked.extend(times);
            }
            _ => {}
        }
    }

    fn push(&mut self, at: Timestamp, job: JobId, what: What) {
        if self.wanted.contains(&job) {
            self.history.happened.push(Happened { at, job, what });
        }
    }
}
