//! The board as it was: where each cell stood at a time, and what was known then.

use std::collections::BTreeMap;

use proto::nouns::Timestamp;
use serde::Serialize;
use sweeps::JobStatus;

use crate::board::Board;
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
}

impl Board {
    /// The board as it was at that time, as far as its spans tell. A job whose end nobody tells had ended before.
    pub fn past(&self, at: Timestamp) -> Past {
        let statuses = self.statuses_at(at);
        let mut counts = [0; JobStatus::ALL.len()];
        for status in &statuses {
            counts[*status as usize] += 1;
        }
        let groups = self.groups.iter();
        Past {
            counts,
            summaries: groups
                .map(|group| self.summary_of(group, |job| statuses[job] == JobStatus::Done))
                .collect(),
            statuses: self
                .cells
                .iter()
                .map(|cell| letter(statuses[cell.job as usize]))
                .collect(),
        }
    }

    /// Where each job stood.
    pub(crate) fn statuses_at(&self, at: Timestamp) -> Vec<JobStatus> {
        let mut latest: BTreeMap<u32, Option<&Span>> = BTreeMap::new();
        for span in self.spans() {
            let known = latest.entry(span.cell).or_default();
            if span.from <= at.0 {
                *known = Some(span);
            }
        }
        let status = |job: &crate::job::Job| {
            let spans = job.cells.first().and_then(|cell| latest.get(cell));
            match spans {
                None if job.status == JobStatus::Running => JobStatus::Pending,
                None => job.status,
                Some(None) => JobStatus::Pending,
                Some(Some(span)) if span.until.is_none_or(|until| until > at.0) => {
                    JobStatus::Running
                }
                Some(Some(span)) => match span.end {
                    SpanEnd::Done => JobStatus::Done,
                    SpanEnd::Failed => JobStatus::Failed,
                    SpanEnd::Back | SpanEnd::Open => JobStatus::Pending,
                },
            }
        };
        self.jobs.iter().map(status).collect()
    }
}
