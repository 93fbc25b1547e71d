//! What a page is sent: all of a board, or what is new.

use serde::Serialize;
use sweeps::{Choice, JobStatus};

use crate::alarms::AlarmGroup;
use crate::board::{Board, BoardCell, Touched};
use crate::failures::FailureGroup;
use crate::hours::Hours;
use crate::printed::PrintedNumber;
use crate::summary::{Summary, rounded};

/// Everything that a board shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    columns: Vec<String>,
    rehearsal: bool,
    groups: Vec<GroupShown>,
    /// Cells that are not among these: the sweep has more than a page shows.
    hidden: u64,
    cells: Vec<CellShown>,
    alarms: Vec<AlarmGroup>,
    failures: Vec<FailureGroup>,
    hours: Hours,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct GroupShown {
    variant: String,
    point: Vec<Option<String>>,
    epochs: u32,
    /// Which score's AUC is shown.
    score: &'static str,
    /// Whether the report will smooth the scores or cut clips, so that its numbers will be others.
    raw: bool,
    summary: Option<Summary>,
    /// What a paper printed for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    printed: Option<PrintedNumber>,
}

/// A cell. In JSON `[group, seed, job, status, AUC, epochs, attempts, worker]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct CellShown(
    u32,
    u64,
    String,
    char,
    Option<f64>,
    u32,
    u32,
    Option<String>,
);

/// What is new since the last one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delta {
    /// Cells: position, then `status, AUC, epochs, attempts, worker`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cells: Vec<CellNews>,
    /// Groups with other results.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    summaries: Vec<(u32, Option<Summary>)>,
    /// Groups whose curves have other points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curves: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarms: Option<Vec<AlarmGroup>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<FailureGroup>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<Hours>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CellNews(u32, char, Option<f64>, u32, u32, Option<String>);

/// A status in one letter.
pub(crate) fn letter(status: JobStatus) -> char {
    match status {
        JobStatus::Pending => 'p',
        JobStatus::Running => 'r',
        JobStatus::Done => 'd',
        JobStatus::Failed => 'f',
        JobStatus::Quarantined => 'q',
        JobStatus::Cancelled => 'c',
    }
}

impl Board {
    /// Everything that is shown now. What it says is not told again.
    pub fn snapshot(&self) -> Snapshot {
        let groups = self.groups.iter().map(|group| {
            let point = group.shared.point.iter();
            GroupShown {
                variant: group.shared.variant.clone(),
                point: point
                    .map(|value| value.as_ref().map(ToString::to_string))
                    .collect(),
                epochs: group.shared.epochs,
                score: group.by().word(),
                raw: !group.shared.reporting.is_of_record(),
                summary: self.summary(group),
                printed: group.printed.clone(),
            }
        });
        let cells = self.cells.iter().map(|cell| {
            let job = &self.jobs[cell.job as usize];
            let CellNews(_, status, auc, epochs, attempts, worker) = self.news(0, cell);
            let id = job.id.short();
            CellShown(
                cell.group, cell.seed, id, status, auc, epochs, attempts, worker,
            )
        });
        Snapshot {
            columns: self.columns.clone(),
            rehearsal: self.is_rehearsal,
            groups: groups.collect(),
            hidden: self.hidden,
            cells: cells.collect(),
            alarms: self.alarms(),
            failures: self.failures(),
            hours: self.hours(),
        }
    }

    fn news(&self, position: u32, cell: &BoardCell) -> CellNews {
        let job = &self.jobs[cell.job as usize];
        CellNews(
            position,
            letter(job.status),
            self.auc(cell).map(rounded),
            job.epochs,
            job.attempts,
            job.worker.as_deref().map(str::to_owned),
        )
    }

    /// What is new since the last call; `None`: nothing.
    pub fn delta(&mut self) -> Option<Delta> {
        let Touched {
            cells,
            results,
            curves,
            failures,
            alarms,
            hours,
        } = std::mem::take(&mut self.touched);
        let is_new = !(cells.is_empty() && results.is_empty() && curves.is_empty())
            || failures
            || alarms
            || hours;
        is_new.then(|| Delta {
            cells: cells
                .into_iter()
                .map(|position| self.news(position, &self.cells[position as usize]))
                .collect(),
            summaries: results
                .into_iter()
                .map(|group| (group, self.summary(&self.groups[group as usize])))
                .collect(),
            curves: curves.into_iter().collect(),
            alarms: alarms.then(|| self.alarms()),
            failures: failures.then(|| self.failures()),
            hours: hours.then(|| self.hours()),
        })
    }
}
