//! What happened to jobs and when, as far back as the journal tells it: the past of the live page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proto::nouns::{Timestamp, WorkerId};
use sweeps::JobId;

use crate::model::entry::{Entry, RetryDecision};
use crate::store::journal::{self, JournalError};

/// A longer journal is not read for a page: it would be some seconds of a core.
const MOST_BYTES: u64 = 512 << 20;

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) at: Timestamp,
    pub(crate) job: JobId,
    pub(crate) what: What,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The worker of that name began it.
    Began(Arc<str>),
    /// It has a result.
    Finished,
    /// It failed for good.
    Failed,
    /// Its attempt ended, and it waits again.
    GivenBack,
}

/// What happened to these jobs, in order. `names` are those of workers that said hello before what the journal still tells.
/// Empty where the journal is too long, or cannot be read now.
pub(crate) fn history(
    state: &Path,
    wanted: &BTreeSet<JobId>,
    names: BTreeMap<WorkerId, Arc<str>>,
) -> Vec<Happened> {
    let folder = state.join("journal");
    if journal::length(&folder) > MOST_BYTES {
        return Vec::new();
    }
    let mut past = Past {
        wanted,
        names,
        happened: Vec::new(),
    };
    let visited = journal::visit(&folder, &mut |scanned| {
        past.take(&scanned.entry);
        Ok::<_, JournalError>(())
    });
    if let Err(error) = visited {
        // The end of what is being written, or a file that was replaced meanwhile.
        tracing::debug!(%error, "the journal was not read to its end");
    }
    past.happened
}

struct Past<'a> {
    wanted: &'a BTreeSet<JobId>,
    names: BTreeMap<WorkerId, Arc<str>>,
    happened: Vec<Happened>,
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
                    self.push(*at, lease.job, What::GivenBack);
                }
            }
            Entry::Failed {
                at, job, verdict, ..
            } => {
                let what = match verdict {
                    RetryDecision::Retry => What::GivenBack,
                    RetryDecision::Failed | RetryDecision::Quarantined => What::Failed,
                };
                self.push(*at, *job, what);
            }
            Entry::Finished { at, record } => self.push(*at, record.job_id, What::Finished),
            _ => {}
        }
    }

    fn push(&mut self, at: Timestamp, job: JobId, what: What) {
        if self.wanted.contains(&job) {
            self.happened.push(Happened { at, job, what });
        }
    }
}
