//! Progress of a sweep: bars on a terminal, plain lines in a log. Everything goes to stderr.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use proto::nouns::RowGroup;
use sweeps::{EpochPoint, JobId, JobStatus};

use crate::clock::Stopwatch;
use crate::labels::Labels;
use crate::output::{self, say};
use crate::tally::Tally;

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
        /// How many ended since the last such news.
        ended: u32,
    },
}

/// Shows the progress of one sweep.
pub struct Progress {
    labels: Labels,
    tally: Tally,
    /// Epochs that each unfinished job has reported, over all phases.
    epochs: BTreeMap<JobId, u32>,
    /// The sum of the shares of their jobs that they are.
    partial: f64,
    /// Of the last epoch that each unfinished job has reported.
    live_auc: BTreeMap<JobId, f64>,
    settled_before: usize,
    watch: Stopwatch,
    /// Since these jobs are shown.
    round: Stopwatch,
    bars: Option<Bars>,
}

struct Bars {
    multi: MultiProgress,
    total: ProgressBar,
    jobs: BTreeMap<JobId, ProgressBar>,
}

impl Progress {
    /// A display of these jobs, of which some are settled already. `watch` ran since somebody began to look: a sweep that grows has
    /// a display for each of its sizes.
    pub fn new(labels: Labels, tally: Tally, watch: Stopwatch) -> Self {
        let settled = tally.settled();
        let bars = std::io::stderr()
            .is_terminal()
            .then(|| Bars::new(labels.len() as u64, settled as u64));
        Self {
            labels,
            tally,
            epochs: BTreeMap::new(),
            partial: 0.0,
            live_auc: BTreeMap::new(),
            settled_before: settled,
            watch,
            round: Stopwatch::start(),
            bars,
        }
    }

    /// Whether the job is one of those that are shown.
    pub fn knows(&self, job: &JobId) -> bool {
        self.labels.group(job).is_some()
    }

    /// Where the jobs stand.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the job's cell has in common with others.
    pub fn group(&self, job: &JobId) -> Option<&RowGroup> {
        self.labels.group(job)
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
                let before = self.tally.set(*job, *status);
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
                    if let Some(epochs) = self.epochs.remove(job) {
                        self.partial -= self.share(job, epochs);
                    }
                    self.live_auc.remove(job);
                }
            }
            News::Epochs { job, points, ended } => {
                let before = self.epochs.get(job).copied().unwrap_or(0);
                let epochs = before.saturating_add(*ended);
                self.epochs.insert(*job, epochs);
                self.partial += self.share(job, epochs) - self.share(job, before);
                let group = self.labels.group(job);
                let score_by = group.map(|group| group.reporting.score_by);
                let score_by = score_by.unwrap_or_default();
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
        let label = self.labels.text(job);
        let settled = self.tally.settled();
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
            (JobStatus::Running, _) => format!("started {label}{worker}{again}"),
            (JobStatus::Done, _) => format!(
                "done    {}{auc} [{settled}/{}]{}",
                label,
                self.labels.len(),
                self.eta()
            ),
            (JobStatus::Pending, Some(error)) => format!("retry   {label}: {error}"),
            (JobStatus::Pending, None) => format!("queued  {label} again"),
            (_, error) => format!(
                "{:<12}{}{}",
                status.name(),
                label,
                error.map(|error| format!(": {error}")).unwrap_or_default()
            ),
        }
    }

    fn tell(&mut self, job: &JobId, status: JobStatus, text: &str) {
        // Workers' names and errors come from outside.
        let text = output::line(text);
        match &mut self.bars {
            None => say(&format!("[{}] {text}", clock(self.watch.elapsed()))),
            Some(bars) => {
                if status == JobStatus::Running {
                    let epochs = u64::from(self.labels.epochs(job));
                    bars.start(*job, &self.labels.text(job), epochs);
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
            bars.total.set_position(self.tally.settled() as u64);
            bars.total.set_message(self.eta());
        }
    }

    /// The share of a job that so many epochs are.
    fn share(&self, job: &JobId, epochs: u32) -> f64 {
        f64::from(epochs) / f64::from(self.labels.epochs(job).max(1))
    }

    /// The time that is left if the unfinished epochs go on at the pace so far; empty before anything is known.
    fn eta(&self) -> String {
        let jobs = self.tally.len().max(self.labels.len());
        let total = jobs.saturating_sub(self.settled_before) as f64;
        let settled = self.tally.settled().saturating_sub(self.settled_before) as f64;
        let done = settled + self.partial.clamp(0.0, (total - settled).max(0.0));
        if done <= 0.0 || done >= total {
            return String::new();
        }
        let left = self.round.elapsed().mul_f64((total - done) / done);
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
    use proto::nouns::{Row, RowGroup};
    use sweeps::{Phase, Reporting, ScoreBy};

    use super::*;

    /// A display without bars of one job of 4 epochs that scores by G.
    fn display() -> (Progress, JobId) {
        let job = JobId([7; 32]);
        let group = RowGroup {
            variant: "v".into(),
            point: Vec::new(),
            reporting: Reporting {
                score_by: ScoreBy::Generator,
                ..Reporting::default()
            },
            epochs: 4,
        };
        let row = Row {
            group: Arc::new(group),
            seed: 0,
            job_id: job,
            status: JobStatus::Running,
            attempts: 1,
            epochs: 0,
            auc: None,
            error: None,
            warnings: Vec::new(),
        };
        let labels = Labels::of_rows(&[], &[row]);
        let tally = [(job, JobStatus::Running)].into_iter().collect();
        let progress = Progress {
            bars: None,
            ..Progress::new(labels, tally, Stopwatch::start())
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
            ended: 3,
        });
        assert!((progress.partial - 0.75).abs() < 1e-9, "3 of 4 epochs");
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
