//! What `top` hears.

use looks::ClaimsView;
use proto::nouns::{Change, Explanation, LogLine, Row, SweepInfo, SweepSummary, WorkerView};
use sweeps::{EpochPoint, JobId};

/// What the model is told.
#[derive(Debug)]
pub enum News {
    /// All sweeps.
    Sweeps(Vec<SweepSummary>),
    /// All workers.
    Workers(Vec<WorkerView>),
    /// The sweep that is followed, as a whole.
    Picture(Box<SweepInfo>, Vec<Row>),
    /// What changed in it since.
    Change(Box<Change>),
    /// Where the claims of the sweep that is followed stand.
    Claims(Option<Box<ClaimsView>>),
    /// The curve of a job.
    Curve(JobId, Vec<EpochPoint>),
    /// Why a job is where it is, and its log.
    Job(JobId, Box<Explanation>, Vec<LogLine>),
    /// Something was done, or refused: for people.
    Said(String),
    /// Nobody answers.
    Away(String),
    /// Somebody answers again.
    Here,
}
