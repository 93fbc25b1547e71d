//! The picture of one sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proto::nouns::{Change, Row, RowGroup, Timestamp};
use sweeps::{EpochPoint, JobId, JobStatus, RunRecord, ScoreBy};

use crate::alarms::{AlarmGroup, alarm_of, alarms};
use crate::failures::{FailureGroup, failures};
use crate::filter::Filtered;
use crate::happened::{Happened, What};
use crate::hours::{Hours, hours};
use crate::job::{Job, Standing};
use crate::looked::Looked;
use crate::printed::{Printed, PrintedNumber};
use crate::spans::{Span, Spans, Timeline, end_of};
use crate::summary::Summary;

/// Cells of a sweep that a page shows, the first.
pub const MOST_CELLS: usize = 50_000;
/// Points of curves that are kept together; of jobs after that the last point alone.
const MOST_POINTS: usize = 2_000_000;

/// Cells that differ in their seed alone.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) shared: Arc<RowGroup>,
    pub(crate) cells: Vec<u32>,
    /// What a paper printed for it.
    pub(crate) printed: Option<PrintedNumber>,
}

impl Group {
    pub(crate) fn by(&self) -> ScoreBy {
        self.shared.reporting.score_by
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BoardCell {
    pub(crate) group: u32,
    pub(crate) seed: u64,
    pub(crate) job: u32,
}

/// The picture of one sweep.
#[derive(Debug, Clone)]
pub struct Board {
    pub(crate) columns: Vec<String>,
    pub(crate) groups: Vec<Group>,
    pub(crate) cells: Vec<BoardCell>,
    pub(crate) jobs: Vec<Job>,
    by_id: BTreeMap<JobId, u32>,
    /// Groups by the text of their variant and point.
    by_text: BTreeMap<String, Vec<u32>>,
    /// Cells that found no room.
    pub(crate) hidden: u64,
    /// Of a rehearsal no AUC is shown: it is no result.
    pub(crate) is_rehearsal: bool,
    points: usize,
    spans: Spans,
    /// The looks at its claims.
    pub looked: Looked,
    pub(crate) touched: Touched,
}

/// What is new since somebody was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    pub(crate) cells: BTreeSet<u32>,
    pub(crate) results: BTreeSet<u32>,
    pub(crate) curves: BTreeSet<u32>,
    pub(crate) failures: bool,
    pub(crate) alarms: bool,
    pub(crate) hours: bool,
}

impl Board {
    /// Of a sweep with these columns, without a cell.
    pub fn new(columns: Vec<String>, is_rehearsal: bool) -> Self {
        Self {
            columns,
            groups: Vec::new(),
            cells: Vec::new(),
            jobs: Vec::new(),
            by_id: BTreeMap::new(),
            by_text: BTreeMap::new(),
            hidden: 0,
            is_rehearsal,
            points: 0,
            spans: Spans::default(),
            looked: Looked::default(),
            touched: Touched::default(),
        }
    }

    /// Takes over a sweep's next row.
    pub fn push(&mut self, row: &Row) {
        if self.cells.len() >= MOST_CELLS {
            self.hidden += 1;
            return;
        }
        let position = self.cells.len() as u32;
        let group = self.group_of(row);
        let jobs = &mut self.jobs;
        let number = *self.by_id.entry(row.job_id).or_insert_with(|| {
            jobs.push(Job::new(row.job_id));
            jobs.len() as u32 - 1
        });
        let job = &mut self.jobs[number as usize];
        job.status = row.status;
        job.attempts = row.attempts;
        job.epochs = row.epochs;
        job.error = row.error.as_deref().map(Arc::from);
        // A row has the reported number alone; a record that is read later has both.
        job.scores = [row.auc, row.auc];
        job.cells.push(position);
        self.groups[group].cells.push(position);
        self.cells.push(BoardCell {
            group: group as u32,
            seed: row.seed,
            job: number,
        });
        self.see_alarm(number);
    }

    /// The group of a row, a new one where there is none.
    fn group_of(&mut self, row: &Row) -> usize {
        // Rows that differ in their seed usually come one after the other, and share what they have in common.
        if let Some(last) = self.groups.last()
            && Arc::ptr_eq(&last.shared, &row.group)
        {
            return self.groups.len() - 1;
        }
        let mut text = row.group.variant.clone();
        for value in &row.group.point {
            text.push('\u{1f}');
            text.extend(value.as_ref().map(ToString::to_string));
        }
        let alike = self.by_text.entry(text).or_default();
        let known = alike
            .iter()
            .find(|group| self.groups[**group as usize].shared == row.group);
        if let Some(group) = known {
            return *group as usize;
        }
        let group = self.groups.len();
        alike.push(group as u32);
        self.groups.push(Group {
            shared: row.group.clone(),
            cells: Vec::new(),
            printed: None,
        });
        group
    }

    /// Puts printed numbers beside their groups.
    pub fn print(&mut self, numbers: Vec<Printed>) {
        for Printed {
            variant,
            point,
            number,
        } in numbers
        {
            let mut groups = self.groups.iter_mut();
            let is_meant =
                |group: &&mut Group| group.shared.variant == variant && group.shared.point == point;
            if let Some(group) = groups.find(is_meant) {
                group.printed = Some(number);
            }
        }
    }

    /// The number of cells that are shown.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether no cell is shown.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The different jobs of its cells.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().map(|job| job.id)
    }

    /// The jobs that have more than their rows say: a record, or epochs. Those that run come first, since somebody looks at
    /// them.
    pub fn jobs_to_read(&self) -> Vec<JobId> {
        let is_done = |job: &&Job| job.status == JobStatus::Done;
        let begun = self.jobs.iter().filter(|job| job.epochs > 0);
        let running = begun.filter(|job| !is_done(job));
        let done = self.jobs.iter().filter(is_done);
        running.chain(done).map(|job| job.id).collect()
    }

    /// The position of a job's first cell.
    fn cell_of(&self, job: JobId) -> Option<u32> {
        let job = &self.jobs[*self.by_id.get(&job)? as usize];
        job.cells.first().copied()
    }

    /// Takes over what a record says.
    pub fn read(&mut self, record: &RunRecord) {
        let Some(number) = self.by_id.get(&record.job_id).copied() else {
            return;
        };
        let metrics = &record.outcome.metrics;
        let auc = |score: Option<sweeps::ScoreMetrics>| score.and_then(|score| score.auc);
        let job = &mut self.jobs[number as usize];
        job.scores = [auc(metrics.d), auc(metrics.g)];
        job.seconds = Some(record.provenance.duration_s);
        job.worker = Some(record.provenance.worker.as_str().into());
        self.put_points(number, &record.outcome.curve);
        self.touch_cells(number);
        self.touched.hours = true;
    }

    /// Takes over epochs of a job.
    pub fn put(&mut self, job: JobId, points: &[EpochPoint]) {
        if let Some(number) = self.by_id.get(&job).copied() {
            self.put_points(number, points);
            self.touch_cells(number);
        }
    }

    fn put_points(&mut self, number: u32, points: &[EpochPoint]) {
        let job = &mut self.jobs[number as usize];
        for point in points {
            self.points += usize::from(job.curve.put(point));
        }
        if self.points > MOST_POINTS {
            self.points -= job.curve.len().saturating_sub(1);
            job.curve.forget_all_but_the_last();
        }
        job.epochs = job.epochs.max(job.curve.len() as u32);
        for cell in &job.cells {
            self.touched.curves.insert(self.cells[*cell as usize].group);
        }
        self.see_alarm(number);
    }

    /// A lease that was held before this board was made.
    pub fn leased(&mut self, job: JobId, worker: &str, since: Timestamp) {
        if let Some(number) = self.by_id.get(&job).copied() {
            let job = &mut self.jobs[number as usize];
            job.worker = Some(worker.into());
            if let Some(cell) = job.cells.first() {
                self.spans.begin(worker.into(), *cell, since);
            }
        }
    }

    /// Takes over a change that was heard at that time. Says whether a record is to be read now.
    pub fn hear(&mut self, change: &Change, now: Timestamp) -> Option<JobId> {
        let number = match change {
            Change::Job { job, .. } | Change::Epochs { job, .. } => self.by_id.get(job).copied(),
            Change::Log { .. } | Change::Sweep { .. } | Change::Worker { .. } => None,
        }? as usize;
        let before = self.jobs[number].alarm;
        let to_read = self.take_over(change, now);
        let job = &mut self.jobs[number];
        if job.alarm != before {
            job.alarmed = Some(now);
        }
        to_read
    }

    fn take_over(&mut self, change: &Change, now: Timestamp) -> Option<JobId> {
        match change {
            Change::Job {
                job: id,
                status,
                attempt,
                worker,
                error,
                scores,
                ..
            } => {
                let number = *self.by_id.get(id)?;
                let job = &mut self.jobs[number as usize];
                let before = job.status;
                job.status = *status;
                job.attempts = attempt.count();
                if *status == JobStatus::Pending {
                    job.epochs = 0;
                }
                if worker.is_some() {
                    job.worker.clone_from(worker);
                }
                if error.is_some() {
                    job.error.clone_from(error);
                    self.touched.failures = true;
                }
                if *status == JobStatus::Done {
                    job.scores = *scores;
                    self.touched.failures |= job.error.take().is_some();
                }
                // A retry that was asked for is a failure that is no more settled.
                self.touched.failures |= before.is_failure() != status.is_failure();
                if let Some(cell) = job.cells.first() {
                    match (status, &job.worker) {
                        (JobStatus::Running, Some(worker)) => {
                            self.spans.begin(worker.clone(), *cell, now);
                        }
                        _ => self.spans.end(*cell, now, end_of(*status), error.clone()),
                    }
                }
                for cell in &job.cells {
                    let group = self.cells[*cell as usize].group;
                    self.touched.results.insert(group);
                }
                self.touched.hours = true;
                self.touch_cells(number);
                self.see_alarm(number);
                (*status == JobStatus::Done).then_some(*id)
            }
            Change::Epochs { job, points, .. } => {
                self.put(*job, points);
                None
            }
            Change::Log { .. } | Change::Sweep { .. } | Change::Worker { .. } => None,
        }
    }

    fn touch_cells(&mut self, number: u32) {
        let job = &self.jobs[number as usize];
        self.touched.cells.extend(job.cells.iter().copied());
        if job.status == JobStatus::Done {
            for cell in &job.cells {
                let group = self.cells[*cell as usize].group;
                self.touched.results.insert(group);
            }
        }
    }

    fn see_alarm(&mut self, number: u32) {
        let job = &self.jobs[number as usize];
        let Some(cell) = job.cells.first() else {
            return;
        };
        let by = self.groups[self.cells[*cell as usize].group as usize].by();
        // An AUC of a rehearsal, or an agreement, says nothing.
        let alarm = if self.is_rehearsal {
            None
        } else {
            alarm_of(job, by)
        };
        if alarm != job.alarm {
            self.jobs[number as usize].alarm = alarm;
            self.touched.alarms = true;
        }
    }

    /// The AUC that a cell shows: of a finished job what it reports, of another the last that was told.
    pub(crate) fn auc(&self, cell: &BoardCell) -> Option<f64> {
        if self.is_rehearsal {
            return None;
        }
        let job = &self.jobs[cell.job as usize];
        let by = self.groups[cell.group as usize].by();
        match job.status {
            JobStatus::Done => job.result(by),
            _ => job.last_trained().and_then(|point| Job::auc_at(point, by)),
        }
    }

    /// The results of a group's finished cells.
    pub(crate) fn summary(&self, group: &Group) -> Option<Summary> {
        self.summary_of(group, |_| true)
    }

    /// The same of those jobs alone that are taken, by their position.
    pub(crate) fn summary_of(
        &self,
        group: &Group,
        takes: impl Fn(usize) -> bool,
    ) -> Option<Summary> {
        if self.is_rehearsal {
            return None;
        }
        let by = group.by();
        let cells = group.cells.iter();
        let jobs = cells.map(|cell| self.cells[*cell as usize].job as usize);
        Summary::of(
            jobs.filter(|job| takes(*job))
                .filter_map(|job| self.jobs[job].result(by)),
        )
    }

    pub(crate) fn alarms(&self) -> Vec<AlarmGroup> {
        alarms(self.jobs.iter().map(Job::standing))
    }

    pub(crate) fn failures(&self) -> Vec<FailureGroup> {
        failures(self.jobs.iter().map(Job::standing))
    }

    pub(crate) fn hours(&self) -> Hours {
        self.hours_of(self.jobs.iter().map(Job::standing))
    }

    pub(crate) fn hours_of<'a>(&self, jobs: impl Iterator<Item = Standing<'a>>) -> Hours {
        hours(jobs.filter_map(|job| Some((self.cells[job.cell? as usize].group, job))))
    }

    /// Who had which job when, as far as it is known.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    /// Takes over what happened before this board was made, at `begin`, in order.
    pub fn remember(&mut self, past: impl IntoIterator<Item = Happened>, begin: Timestamp) {
        let mut older = Spans::default();
        for Happened { at, job, what } in past {
            let Some(cell) = self.cell_of(job) else {
                continue;
            };
            match what {
                What::Began(worker) => older.begin(worker, cell, at),
                What::Ended(end, error) => older.end(cell, at, end, error),
            }
        }
        self.spans.precede(&older, begin);
    }

    /// The spans from that number on: see [`Timeline`].
    pub fn timeline(&self, since: u64, anew: u64) -> Timeline {
        self.spans.timeline(since, anew)
    }

    /// What a filter asks of a cell.
    pub fn filtered(&self, cell: usize) -> impl Filtered + '_ {
        FilteredCell {
            board: self,
            cell: self.cells[cell],
        }
    }
}

struct FilteredCell<'a> {
    board: &'a Board,
    cell: BoardCell,
}

impl Filtered for FilteredCell<'_> {
    fn value(&self, column: &str) -> Option<String> {
        let job = &self.board.jobs[self.cell.job as usize];
        let shared = &self.board.groups[self.cell.group as usize].shared;
        match column {
            "variant" => Some(shared.variant.clone()),
            "seed" => Some(self.cell.seed.to_string()),
            "status" => Some(job.status.name().to_owned()),
            "worker" => job.worker.as_deref().map(str::to_owned),
            "job" => Some(job.id.short()),
            axis => {
                let mut columns = self.board.columns.iter();
                let at = columns.position(|name| name.eq_ignore_ascii_case(axis))?;
                Some(shared.point.get(at)?.as_ref()?.to_string())
            }
        }
    }
}
