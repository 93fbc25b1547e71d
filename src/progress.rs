//! Progress of a sweep: bars on a terminal, plain lines in a log. Everything goes to stderr.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sweeps::{EpochPoint, JobId, JobStatus};

use crate::clock::Stopwatch;
use crate::labels::Labels;
use crate::output::{self, say};

/// What the display is told.
#[derive(Debug, Clone)]
pub enum News {
    /// A job's status changed.
    Job {
        /// The job.
        job: JobId,
        /// Where it stands now.
        status: JobStatus,
        /// The number of its last attempt.
        attempt: u64,
        /// The worker that has it or had it.
        worker: Option<Arc<str>>,
        /// Why the last attempt ended without a result.
        error: Option<Arc<str>>,
        /// What the job's cell reports, where it is done: of its record, not of the last epoch that was heard of.
        auc: Option<f64>,
    },
    /// Epochs of a running job.
    Epochs {
        /// The job.
        job: JobId,
        /// The points.
        points: Arc<[EpochPoint]>,
    },
}

/// Shows the progress of one sweep.
pub struct Progress {
    labels: Labels,
    statuses: BTreeMap<JobId, JobStatus>,
    /// Epochs that each unfinished job has reported, over all phases.
    epochs: BTreeMap<JobId, u32>,
    /// Of the last epoch that each unfinished job has reported.
    live_auc: BTreeMap<JobId, f64>,
    settled_before: usize,
    watch: Stopwatch,
    bars: Option<Bars>,
}

struct Bars {
    multi: MultiProgress,
    total: ProgressBar,
    jobs: BTreeMap<JobId, ProgressBar>,
}

impl Progress {
    /// A display of these jobs, of which some are settled already.
    pub fn new(labels: Labels, statuses: BTreeMap<JobId, JobStatus>) -> Self {
        let settled = statuses
            .values()
            .filter(|status| status.is_settled())
            .count();
        let bars = std::io::stderr()
            .is_terminal()
            .then(|| Bars::new(labels.len() as u64, settled as u64));
        Self {
            labels,
            statuses,
            epochs: BTreeMap::new(),
            live_auc: BTreeMap::new(),
            settled_before: settled,
            watch: Stopwatch::start(),
            bars,
        }
    }

    /// Takes in what happened.
    pub fn hear(&mut self, news: &News) {
        match news {
            News::Job {
                job,
                status,
                attempt,
                worker,
                error,
                auc,
            } => {
                let before = self.statuses.insert(*job, *status);
                if before != Some(*status) || error.is_some() {
                    let text = self.line(
                        job,
                        *status,
                        *attempt,
                        worker.as_deref(),
                        error.as_deref(),
                        *auc,
                    );
                    self.tell(job, *status, &text);
                }
                if *status != JobStatus::Running {
                    self.epochs.remove(job);
                    self.live_auc.remove(job);
                }
            }
            News::Epochs { job, points } => {
                *self.epochs.entry(*job).or_default() += points.len() as u32;
                let score_by = self.labels.get(job).score_by;
                let mut latest = points.iter().rev();
                if let Some(auc) = latest.find_map(|point| score_by.of(point.auc_d, point.auc_g)) {
                    self.live_auc.insert(*job, auc);
                }
                self.tell_epochs(job);
            }
        }
        self.tell_total();
    }

    /// Takes the bars away.
    pub fn close(&mut self) {
        if let Some(bars) = self.bars.take() {
            let _ = bars.multi.clear();
        }
    }

    /// Whether a finished job's number is shown: bars end without one.
    pub fn shows_results(&self) -> bool {
        self.bars.is_none()
    }

    /// What happened to a job, in a line.
    fn line(
        &self,
        job: &JobId,
        status: JobStatus,
        attempt: u64,
        worker: Option<&str>,
        error: Option<&str>,
        auc: Option<f64>,
    ) -> String {
        let label = self.labels.get(job);
        let settled = self
            .statuses
            .values()
            .filter(|status| status.is_settled())
            .count();
        let worker = worker
            .map(|worker| format!(" on {worker}"))
            .unwrap_or_default();
        let again = if attempt > 1 {
            format!(", attempt {attempt}")
        } else {
            String::new()
        };
        let auc = auc
            .map(|auc| format!(", AUC {:.2}%", auc * 100.0))
            .unwrap_or_default();
        match (status, error) {
            (JobStatus::Running, _) => format!("started {}{worker}{again}", label.text),
            (JobStatus::Done, _) => format!(
                "done    {}{auc} [{settled}/{}]{}",
                label.text,
                self.labels.len(),
                self.eta()
            ),
            (JobStatus::Pending, Some(error)) => format!("retry   {}: {error}", label.text),
            (JobStatus::Pending, None) => format!("queued  {} again", label.text),
            (_, error) => format!(
                "{:<12}{}{}",
                status.name(),
                label.text,
                error.map(|error| format!(": {error}")).unwrap_or_default()
            ),
        }
    }

    fn tell(&mut self, job: &JobId, status: JobStatus, text: &str) {
        // Workers' names and errors come from outside.
        let text = output::line(text);
        let label = self.labels.get(job);
        match &mut self.bars {
            None => say(&format!("[{}] {text}", clock(self.watch.elapsed()))),
            Some(bars) => {
                if status == JobStatus::Running {
                    bars.start(*job, &label.text, u64::from(label.epochs));
                } else {
                    bars.end(job);
                    if status != JobStatus::Done {
                        let _ = bars.multi.println(&*text);
                    }
                }
            }
        }
    }

    fn tell_epochs(&mut self, job: &JobId) {
        let done = self.epochs.get(job).copied().unwrap_or_default();
        let auc = self
            .live_auc
            .get(job)
            .map(|auc| format!("AUC {:.2}%", auc * 100.0))
            .unwrap_or_default();
        if let Some(bar) = self.bars.as_ref().and_then(|bars| bars.jobs.get(job)) {
            bar.set_position(u64::from(done));
            bar.set_message(auc);
        }
    }

    fn tell_total(&self) {
        if let Some(bars) = &self.bars {
            let settled = self
                .statuses
                .values()
                .filter(|status| status.is_settled())
                .count();
            bars.total.set_position(settled as u64);
            bars.total.set_message(self.eta());
        }
    }

    /// The time that is left if the unfinished epochs go on at the pace so far; empty before anything is known.
    fn eta(&self) -> String {
        let total: f64 =
            self.statuses.len().max(self.labels.len()) as f64 - self.settled_before as f64;
        let settled = self
            .statuses
            .values()
            .filter(|status| status.is_settled())
            .count()
            - self.settled_before.min(self.statuses.len());
        let partial: f64 = self
            .epochs
            .iter()
            .map(|(job, done)| f64::from(*done) / f64::from(self.labels.get(job).epochs.max(1)))
            .sum();
        let done = settled as f64 + partial.min(total - settled as f64);
        if done <= 0.0 || done >= total {
            return String::new();
        }
        let left = self.watch.elapsed().mul_f64((total - done) / done);
        format!(", about {} left", clock(left))
    }
}

impl Bars {
    fn new(total: u64, settled: u64) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let bar = multi.add(ProgressBar::new(total).with_position(settled));
        bar.set_style(style("jobs [{bar:30}] {pos}/{len}, {elapsed}{msg}"));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            multi,
            total: bar,
            jobs: BTreeMap::new(),
        }
    }

    fn start(&mut self, job: JobId, label: &str, epochs: u64) {
        let multi = &self.multi;
        let bar = self
            .jobs
            .entry(job)
            .or_insert_with(|| multi.add(ProgressBar::new(epochs)));
        bar.set_style(style("  {prefix} [{bar:20}] epoch {pos}/{len} {msg}"));
        bar.set_prefix(output::line(label).into_owned());
        bar.set_position(0);
    }

    fn end(&mut self, job: &JobId) {
        if let Some(bar) = self.jobs.remove(job) {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// `1:02:03`, or `02:03` below an hour.
pub fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use sweeps::{Limits, Phase, expand_text};

    use super::*;

    /// A display without bars of one job that scores by G.
    fn display() -> (Progress, JobId) {
        let text = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\n[job]\nscore_by = \"generator\"\n";
        let (_, expansion) = expand_text("s.toml", text, Limits::default()).unwrap();
        let job = JobId([7; 32]);
        let cell = sweeps::CellResult {
            cell: expansion.cells[0].clone(),
            job_id: job,
            status: JobStatus::Running,
            record: None,
            live: Vec::new(),
            attempts: 1,
            error: None,
        };
        let labels = Labels::of_cells(&[], &[cell]);
        let progress = Progress {
            bars: None,
            ..Progress::new(labels, [(job, JobStatus::Running)].into())
        };
        (progress, job)
    }

    #[test]
    fn a_finished_jobs_number_is_its_records() {
        let (mut progress, job) = display();
        let point = EpochPoint {
            auc_d: Some(0.25),
            auc_g: Some(0.5),
            ..EpochPoint::new(Phase::Train, 1)
        };
        progress.hear(&News::Epochs {
            job,
            points: [point].into(),
        });
        assert_eq!(progress.live_auc.get(&job), Some(&0.5), "that of score_by");
        let line = |auc| progress.line(&job, JobStatus::Done, 1, None, None, auc);
        assert!(
            line(Some(0.75)).contains("AUC 75.00%"),
            "{}",
            line(Some(0.75))
        );
        assert!(!line(None).contains("AUC"), "{}", line(None));
    }
}
