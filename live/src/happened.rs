//! What a journal tells of a job.

use std::sync::Arc;

use proto::nouns::Timestamp;
use sweeps::JobId;

use crate::spans::SpanEnd;

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// To which job.
    pub job: JobId,
    /// What.
    pub what: What,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The worker of that name began it.
    Began(Arc<str>),
    /// Its attempt ended; of one that failed, what was wrong.
    Ended(SpanEnd, Option<Arc<str>>),
}
