//! One job of a sweep, as the page shows it.

use std::sync::Arc;

use proto::nouns::Timestamp;
use sweeps::{JobId, JobStatus, Phase, ScoreBy};

use crate::alarm::Alarm;
use crate::curve::{Curve, Point};

/// A job: several cells may have the same.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) status: JobStatus,
    pub(crate) attempts: u32,
    /// The AUCs of D and of G in the record of a finished job.
    pub(crate) scores: [Option<f64>; 2],
    /// Epochs that are known to have ended.
    pub(crate) epochs: u32,
    pub(crate) worker: Option<Arc<str>>,
    /// The last failure, of a job without a record.
    pub(crate) error: Option<Arc<str>>,
    /// Seconds that its training took.
    pub(crate) seconds: Option<f64>,
    pub(crate) curve: Curve,
    /// Positions of its cells.
    pub(crate) cells: Vec<u32>,
    /// What is to be looked at.
    pub(crate) alarm: Option<Alarm>,
    /// Since when, where that was heard.
    pub(crate) alarmed: Option<Timestamp>,
}

/// Where a job stands, or stood: what panels over all jobs are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing<'a> {
    pub(crate) status: JobStatus,
    /// The last failure, of a job without a record.
    pub(crate) error: Option<&'a str>,
    pub(crate) seconds: Option<f64>,
    pub(crate) alarm: Option<Alarm>,
    /// The position of its first cell.
    pub(crate) cell: Option<u32>,
}

impl Job {
    pub(crate) fn new(id: JobId) -> Self {
        Self {
            id,
            status: JobStatus::Pending,
            attempts: 0,
            scores: [None, None],
            epochs: 0,
            worker: None,
            error: None,
            seconds: None,
            curve: Curve::default(),
            cells: Vec::new(),
            alarm: None,
            alarmed: None,
        }
    }

    /// Where it stands now.
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            status: self.status,
            error: self.error.as_deref(),
            seconds: self.seconds,
            alarm: self.alarm,
            cell: self.cells.first().copied(),
        }
    }

    /// What a finished job reports by that score.
    pub(crate) fn result(&self, by: ScoreBy) -> Option<f64> {
        if self.status == JobStatus::Done {
            by.of(self.scores[0], self.scores[1])
        } else {
            None
        }
    }

    /// The AUC at a point by that score.
    pub(crate) fn auc_at(point: &Point, by: ScoreBy) -> Option<f64> {
        by.of(point.number(0), point.number(1))
    }

    /// The last point of the training proper.
    pub(crate) fn last_trained(&self) -> Option<&Point> {
        self.curve
            .last()
            .filter(|point| point.phase == Phase::Train)
    }
}
