//! What `top` knows and shows. It changes by news and by keys alone; no clock, no terminal, no coordinator.

mod cursor;
mod curves;
mod failures;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proto::nouns::{Change, Control, Explanation, LogLine, SweepInfo, SweepSummary, WorkerView};
use sweeps::{EpochPoint, JobId, JobStatus};

pub use cursor::Cursor;
pub use curves::{Curves, Metric};
pub use failures::Failures;

use super::news::News;
use crate::standing::Standing;

/// Curves of so many seeds of a group are asked for.
const MOST_CURVES: usize = 100;

/// What is shown below the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Variants by seeds, and the curve of the selected variant.
    Grid,
    /// The workers.
    Workers,
    /// Jobs that failed.
    Failures,
    /// One job.
    Job,
    /// The sweeps of the coordinator.
    Sweeps,
    /// What is decided while seeds arrive.
    Claims,
}

impl View {
    /// In the order of their keys, from 1.
    pub const ALL: [Self; 6] = [
        Self::Grid,
        Self::Workers,
        Self::Failures,
        Self::Job,
        Self::Sweeps,
        Self::Claims,
    ];

    /// What stands in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Workers => "workers",
            Self::Failures => "failures",
            Self::Job => "job",
            Self::Sweeps => "sweeps",
            Self::Claims => "claims",
        }
    }
}

/// What the coordinator should be asked or told.
#[derive(Debug, PartialEq)]
pub enum Wish {
    /// The picture of a sweep, and what changes in it.
    Follow(String),
    /// One job, or none any more.
    Look(Option<JobId>),
    /// Curves of these jobs of the sweep.
    Curves(String, Vec<JobId>),
    /// A person's act.
    Control(Control),
    /// The same of a worker, by its name.
    Drain(String),
}

/// An act that waits for `y`.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// What `y` does.
    pub act: Wish,
}

/// The sweep that is followed.
#[derive(Debug)]
pub struct Followed {
    /// Everything but its cells.
    pub info: SweepInfo,
    /// Where its jobs stand.
    pub standing: Standing,
    /// Who has a job, or had it last.
    pub workers: BTreeMap<JobId, Arc<str>>,
    /// The curves that are known.
    pub curves: Curves,
    /// The jobs without a result.
    pub failures: Failures,
}

/// One job that is looked at.
#[derive(Debug)]
pub struct JobPage {
    /// Its id.
    pub job: JobId,
    /// What was answered about it, and its log.
    pub answer: Option<(Box<Explanation>, Vec<LogLine>)>,
    /// Lines that the log is scrolled up.
    pub scrolled: usize,
}

/// All of it.
#[derive(Debug)]
pub struct Model {
    /// Whom is asked.
    pub whom: String,
    /// What is shown.
    pub view: View,
    /// Whether the keys are shown over it.
    pub help: bool,
    /// All sweeps.
    pub sweeps: Vec<SweepSummary>,
    /// All workers.
    pub workers: Vec<WorkerView>,
    /// The name of the sweep that is followed.
    pub name: Option<String>,
    /// What is known of it.
    pub followed: Option<Followed>,
    /// The job that is looked at.
    pub page: Option<JobPage>,
    /// What curves show.
    pub metric: Metric,
    /// The selected variant.
    pub variant: Cursor,
    /// The selected seed.
    pub seed: Cursor,
    /// The selected worker.
    pub worker: Cursor,
    /// The selected failure.
    pub failure: Cursor,
    /// The selected sweep.
    pub sweep: Cursor,
    /// The selected claim.
    pub claim: Cursor,
    /// What was said last.
    pub said: Option<String>,
    /// Why nobody answers.
    pub away: Option<String>,
    /// What waits for `y`.
    pub question: Option<Question>,
    wishes: Vec<Wish>,
}

impl Model {
    /// Nothing is known yet.
    pub fn new(whom: String) -> Self {
        Self {
            whom,
            view: View::Grid,
            help: false,
            sweeps: Vec::new(),
            workers: Vec::new(),
            name: None,
            followed: None,
            page: None,
            metric: Metric::AucReported,
            variant: Cursor::default(),
            seed: Cursor::default(),
            worker: Cursor::default(),
            failure: Cursor::default(),
            sweep: Cursor::default(),
            claim: Cursor::default(),
            said: None,
            away: None,
            question: None,
            wishes: Vec::new(),
        }
    }

    /// What should be asked, since the last time.
    pub fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Wishes it.
    pub(super) fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    /// Follows that sweep.
    pub fn follow(&mut self, name: String) {
        self.followed = None;
        self.page = None;
        (self.variant, self.seed, self.failure) = Default::default();
        self.wish(Wish::Look(None));
        self.wish(Wish::Follow(name.clone()));
        self.name = Some(name);
        self.view = View::Grid;
    }

    /// Takes in what was heard, at that time since the beginning.
    pub fn hear(&mut self, news: News, now: Duration) {
        // Whatever is told was told by somebody: a question that was given up while nobody answered never says that it is over.
        if !matches!(news, News::Away(_) | News::Said(_)) {
            self.away = None;
        }
        match news {
            News::Sweeps(sweeps) => self.hear_sweeps(sweeps),
            News::Workers(workers) => {
                self.worker.bound(workers.len());
                self.workers = workers;
            }
            News::Picture(info, rows) => {
                let curves = self
                    .followed
                    .take()
                    .map(|followed| followed.curves)
                    .unwrap_or_default();
                let followed = Followed {
                    standing: Standing::of_rows(&info.columns, &rows, now),
                    workers: BTreeMap::new(),
                    curves,
                    failures: Failures::of_rows(&rows),
                    info: *info,
                };
                self.variant.bound(followed.standing.groups().len());
                self.failure.bound(followed.failures.len());
                self.followed = Some(followed);
                self.bound_seed();
                self.want_curves();
            }
            News::Change(change) => self.hear_change(*change, now),
            News::Curve(job, points) => {
                if let Some(followed) = &mut self.followed {
                    followed.curves.put(job, points);
                }
            }
            News::Job(job, explanation, lines) => {
                if let Some(page) = self.page.as_mut().filter(|page| page.job == job) {
                    page.answer = Some((explanation, lines));
                }
            }
            News::Claims(claims) => {
                if let Some(followed) = &mut self.followed {
                    followed.info.claims = claims;
                }
            }
            News::Said(text) => self.said = Some(text),
            News::Away(text) => self.away = Some(text),
            News::Here => {}
        }
    }

    fn hear_sweeps(&mut self, sweeps: Vec<SweepSummary>) {
        self.sweep.bound(sweeps.len());
        if self.name.is_none() {
            // The last that is under way, or the last.
            let newest = sweeps
                .iter()
                .max_by_key(|sweep| (!sweep.counts.is_settled(), sweep.submitted_at.0));
            if let Some(sweep) = newest {
                self.follow(sweep.name.clone());
            }
        }
        let name = self.name.as_deref();
        if let Some(followed) = &mut self.followed
            && let Some(summary) = sweeps.iter().find(|sweep| Some(&*sweep.name) == name)
        {
            // Submitted anew, or with seeds that claims asked for: it has other cells now.
            let before = &followed.info.summary;
            if (summary.submitted_at, summary.cells) != (before.submitted_at, before.cells) {
                self.wishes.push(Wish::Follow(summary.name.clone()));
            }
            followed.info.summary = summary.clone();
        }
        self.sweeps = sweeps;
    }

    fn hear_change(&mut self, change: Change, now: Duration) {
        let Some(followed) = &mut self.followed else {
            return;
        };
        match change {
            Change::Job {
                job,
                status,
                worker,
                error,
                scores: [d, g],
                ..
            } => {
                if followed.standing.set(job, status, now).is_none() {
                    return;
                }
                if let Some(worker) = worker {
                    followed.workers.insert(job, worker);
                }
                followed.failures.hear(job, status, error.as_deref());
                self.failure.bound(followed.failures.len());
                if status == JobStatus::Done {
                    if let Some(group) = followed.standing.group_of(&job)
                        && let Some(auc) = group.reporting.score_by.of(d, g)
                    {
                        followed.standing.score(job, auc);
                    }
                    followed.curves.finish(&job);
                    if self.shown_jobs().contains(&job) {
                        self.want_curves();
                    }
                } else if status != JobStatus::Running {
                    followed.curves.forget(&job);
                }
            }
            Change::Epochs {
                job, points, ended, ..
            } => {
                followed.standing.advance(job, ended);
                let score_by = followed
                    .standing
                    .group_of(&job)
                    .map(|group| group.reporting.score_by)
                    .unwrap_or_default();
                let mut latest = points.iter().rev();
                if let Some(auc) = latest.find_map(|point| score_by.of(point.auc_d, point.auc_g)) {
                    followed.standing.score(job, auc);
                }
                followed.curves.append(job, &points);
            }
            Change::Sweep { counts, .. } => followed.info.summary.counts = counts,
            Change::Log { .. } | Change::Worker { .. } => {}
        }
    }

    /// The jobs of the selected variant.
    pub fn shown_jobs(&self) -> Vec<JobId> {
        let group = self
            .followed
            .as_ref()
            .and_then(|followed| followed.standing.groups().get(self.variant.at));
        group.map_or_else(Vec::new, |group| {
            group.seeds.iter().map(|(_, job)| *job).collect()
        })
    }

    /// The job under the cursor of the view.
    pub fn selected(&self) -> Option<JobId> {
        let followed = self.followed.as_ref()?;
        match self.view {
            View::Grid => self.shown_jobs().get(self.seed.at).copied(),
            View::Failures => followed.failures.job(self.failure.at),
            View::Workers => {
                let worker = self.workers.get(self.worker.at)?;
                worker.leases.first().map(|lease| lease.job)
            }
            View::Job => self.page.as_ref().map(|page| page.job),
            View::Sweeps | View::Claims => None,
        }
    }

    pub(super) fn bound_seed(&mut self) {
        let seeds = self.shown_jobs().len();
        self.seed.bound(seeds);
    }

    /// Asks for the curves of the selected variant that are not known.
    pub(super) fn want_curves(&mut self) {
        let Some((followed, name)) = self.followed.as_ref().zip(self.name.clone()) else {
            return;
        };
        let wanted = self.shown_jobs().into_iter().filter(|job| {
            let status = followed.standing.status(job);
            let begun = matches!(status, Some(JobStatus::Done | JobStatus::Running));
            begun && followed.curves.lacks(job)
        });
        let wanted: Vec<JobId> = wanted.take(MOST_CURVES).collect();
        if !wanted.is_empty() {
            self.wish(Wish::Curves(name, wanted));
        }
    }

    /// Looks at that job.
    pub(super) fn open(&mut self, job: JobId) {
        self.page = Some(JobPage {
            job,
            answer: None,
            scrolled: 0,
        });
        self.view = View::Job;
        self.wish(Wish::Look(Some(job)));
    }

    /// What a job is called.
    pub fn label(&self, job: &JobId) -> String {
        self.followed
            .as_ref()
            .map_or_else(|| job.short(), |followed| followed.standing.label(job))
    }
}

/// Points of a curve under their phase and epoch.
pub type Points = BTreeMap<(sweeps::Phase, u32), EpochPoint>;
