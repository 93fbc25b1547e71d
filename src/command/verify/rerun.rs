//! A sample of jobs, run again here and compared with their records.

#[cfg(feature = "train")]
mod training;

use std::path::Path;

use publication::comparison::Verdict;
use publication::content::cell_label;
use publication::verification::JobCheck;
use sweeps::{Cell, FinalMetrics, JobId, RunRecord};

use crate::command::published::{OpenBox, OpenSweep};
use crate::data_folders::Folders;
#[cfg(not(feature = "train"))]
use crate::error::CommandError;

/// What runs jobs of a box again.
pub struct Rerun<'a> {
    /// The box.
    pub opened: &'a OpenBox,
    /// Where data sets are here.
    pub folders: &'a Folders,
    /// Where copies and checkpoints may lie.
    pub scratch: &'a Path,
    /// The device.
    pub device: &'a str,
    /// How many jobs run at the same time, where that is asked for.
    pub lanes: Option<usize>,
}

/// A job of the sample.
struct Drawn<'a> {
    job: JobId,
    sweep: &'a OpenSweep,
    position: usize,
    record: RunRecord,
}

impl Drawn<'_> {
    fn check(&self, verdict: Verdict, why: String) -> JobCheck {
        JobCheck {
            verdict,
            recorded_auc: self.auc(&self.record.outcome.metrics),
            ..not_run(self.job, self.sweep, self.position, why)
        }
    }

    fn cell(&self) -> &Cell {
        &self.sweep.cells[self.position]
    }

    /// The AUC that its cell reports.
    fn auc(&self, metrics: &FinalMetrics) -> Option<f64> {
        let d = metrics.d.and_then(|score| score.auc);
        let g = metrics.g.and_then(|score| score.auc);
        self.cell().reporting.score_by.of(d, g)
    }
}

/// A job of which nothing is known but why it was not run.
fn not_run(job: JobId, sweep: &OpenSweep, position: usize, why: String) -> JobCheck {
    JobCheck {
        job,
        cell: cell_label(&sweep.columns, &sweep.cells[position]),
        verdict: Verdict::NotRun,
        why,
        recorded_auc: None,
        found_auc: None,
        seconds: 0.0,
    }
}

impl<'a> Rerun<'a> {
    /// The jobs with their records; those whose record cannot be read are told as such.
    fn drawn(&self, jobs: &[JobId]) -> (Vec<Drawn<'a>>, Vec<JobCheck>) {
        let finished = self.opened.finished();
        let (mut drawn, mut unread) = (Vec::new(), Vec::new());
        for job in jobs {
            let Some((sweep, position)) = finished.get(job).copied() else {
                continue;
            };
            match self.opened.record(*job) {
                Ok(record) => drawn.push(Drawn {
                    job: *job,
                    sweep,
                    position,
                    record,
                }),
                Err(fault) => {
                    let why = format!("its record cannot be read: {}", fault.what);
                    unread.push(not_run(*job, sweep, position, why));
                }
            }
        }
        (drawn, unread)
    }

    /// A build that trains nothing.
    #[cfg(not(feature = "train"))]
    pub async fn run(&self, jobs: &[JobId]) -> Result<(String, Vec<JobCheck>), CommandError> {
        let _ = (self.folders, self.scratch, self.device, self.lanes);
        let (drawn, mut checks) = self.drawn(jobs);
        let why = "this build trains nothing: build gcl-sweep with the feature `train`";
        checks.extend(
            drawn
                .iter()
                .map(|drawn| drawn.check(Verdict::NotRun, why.to_owned())),
        );
        Ok(("nothing".to_owned(), checks))
    }
}
