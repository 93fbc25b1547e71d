//! Progress of a sweep: a line for each variant on a terminal, one for each change in a log. Everything goes to stderr.

mod lines;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use proto::nouns::Row;
use sweeps::{JobId, JobStatus};

use crate::clock::Stopwatch;
use crate::output::{self, say};
use crate::standing::{Standing, Times};

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
        /// How many ended since the last such news.
        ended: u32,
    },
}

/// The least time between two drawings.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Shows the progress of one sweep.
pub struct Progress {
    standing: Standing,
    watch: Stopwatch,
    /// What a log says of the time that is left, and when that is summed up again.
    eta: String,
    next_eta: Duration,
    bars: Option<Bars>,
}

struct Bars {
    multi: MultiProgress,
    total: ProgressBar,
    variants: Vec<ProgressBar>,
    /// Not drawn again before.
    next: Duration,
}

impl Progress {
    /// A display of these rows, of which some are settled already. `watch` runs since somebody began to look: a sweep that grows has
    /// a display for each of its sizes.
    pub fn new(columns: &[String], rows: &[Row], watch: Stopwatch) -> Self {
        let standing = Standing::of_rows(columns, rows, watch.elapsed());
        // A terminal that cannot move its cursor gets lines, as a log does.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bars = (std::io::stderr().is_terminal() && !is_dumb)
            .then(|| Bars::new(standing.len() as u64, standing.settled() as u64));
        let mut progress = Self {
            standing,
            watch,
            eta: String::new(),
            next_eta: Duration::ZERO,
            bars,
        };
        progress.draw();
        progress
    }

    /// Whether the job is one of those that are shown.
    pub fn knows(&self, job: &JobId) -> bool {
        self.standing.status(job).is_some()
    }

    /// Where the jobs stand.
    pub fn standing(&self) -> &Standing {
        &self.standing
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
                let before = self.standing.set(*job, *status, self.watch.elapsed());
                if let Some(auc) = auc {
                    self.standing.score(*job, *auc);
                }
                if before != Some(*status) || error.is_some() {
                    let text = self.line(
                        job,
                        *status,
                        *attempt,
                        worker.as_deref(),
                        error.as_deref(),
                        *auc,
                    );
                    self.tell(*status, &text);
                }
            }
            News::Epochs { job, ended } => self.standing.advance(*job, *ended),
        }
        self.draw();
    }

    /// Shows the time that went by.
    pub fn tick(&mut self) {
        self.draw();
    }

    /// Whether the AUC of each finished job is shown: bars have the mean of those whose record says it.
    pub fn shows_each_auc(&self) -> bool {
        self.bars.is_none()
    }

    /// Takes the bars away.
    pub fn close(&mut self) {
        if let Some(bars) = self.bars.take() {
            let _ = bars.multi.clear();
        }
    }

    /// What happened to a job, in a line.
    fn line(
        &mut self,
        job: &JobId,
        status: JobStatus,
        attempt: u64,
        worker: Option<&str>,
        error: Option<&str>,
        auc: Option<f64>,
    ) -> String {
        let label = self.standing.label(job);
        let settled = self.standing.settled();
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
                self.standing.len(),
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

    /// A log has every change; above the bars stands what somebody should look at.
    fn tell(&mut self, status: JobStatus, text: &str) {
        // Workers' names and errors come from outside.
        let text = output::line(text);
        match &self.bars {
            None => say(&format!("[{}] {text}", clock(self.watch.elapsed()))),
            Some(bars) if !matches!(status, JobStatus::Running | JobStatus::Done) => {
                let _ = bars.multi.println(&*text);
            }
            Some(_) => {}
        }
    }

    fn draw(&mut self) {
        let now = self.watch.elapsed();
        let Some(bars) = self.bars.as_mut().filter(|bars| now >= bars.next) else {
            return;
        };
        bars.draw(&self.standing, now);
        // A sweep of a million jobs takes longer to be summed up than to be drawn.
        let took = self.watch.elapsed().saturating_sub(now);
        bars.next = now + DRAW_EVERY.max(took * 20);
    }

    /// The time that is left; empty before anything is known. It is summed up over all variants, and so not for each of many jobs that
    /// end at once.
    fn eta(&mut self) -> String {
        let now = self.watch.elapsed();
        if now >= self.next_eta {
            self.eta = eta(&self.standing.times(now));
            self.next_eta = now + DRAW_EVERY;
        }
        self.eta.clone()
    }
}

fn eta(times: &Times) -> String {
    let left = times.left();
    left.map_or_else(String::new, |left| format!(", about {} left", clock(left)))
}

impl Bars {
    fn new(total: u64, settled: u64) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let bar = multi.add(ProgressBar::new(total).with_position(settled));
        bar.set_style(style("jobs [{bar:20}] {pos}/{len}, {elapsed}{wide_msg}"));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            multi,
            total: bar,
            variants: Vec::new(),
            next: Duration::ZERO,
        }
    }

    fn draw(&mut self, standing: &Standing, now: Duration) {
        let (width, height) = output::terminal::size();
        self.total.set_length(standing.len() as u64);
        self.total.set_position(standing.settled() as u64);
        let times = standing.times(now);
        self.total.set_message(eta(&times));
        // One column stays free: some terminals wrap a full line.
        let (width, rows) = (width.saturating_sub(1), height.saturating_sub(3));
        let lines = lines::lines(standing, &times, width, rows);
        while self.variants.len() > lines.len() {
            if let Some(bar) = self.variants.pop() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        }
        while self.variants.len() < lines.len() {
            let bar = self.multi.add(ProgressBar::new_spinner());
            bar.set_style(style("{msg}"));
            self.variants.push(bar);
        }
        for (bar, line) in self.variants.iter().zip(lines) {
            bar.set_message(line);
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
    use proto::nouns::RowGroup;
    use sweeps::Reporting;

    use super::*;

    #[test]
    fn a_finished_jobs_number_is_its_records() {
        let job = JobId([7; 32]);
        let group = RowGroup {
            variant: "v".into(),
            point: Vec::new(),
            reporting: Reporting::default(),
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
        let mut progress = Progress::new(&[], &[row], Stopwatch::start());
        progress.hear(&News::Epochs { job, ended: 3 });
        assert!((progress.standing.share_of(&job) - 0.75).abs() < 1e-6);
        let mut line = |auc| progress.line(&job, JobStatus::Done, 1, None, None, auc);
        let with = line(Some(0.75));
        assert!(with.contains("AUC 75.00%"), "{with}");
        let without = line(None);
        assert!(!without.contains("AUC"), "{without}");
    }
}
