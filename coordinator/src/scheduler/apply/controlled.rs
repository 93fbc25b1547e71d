//! What controls of sweeps and jobs do to the state.

use crate::scheduler::Scheduler;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{ControlAction, Target, Timestamp};
use sweeps::JobStatus;

impl Scheduler {
    pub(super) fn apply_controlled(
        &mut self,
        at: Timestamp,
        target: &Target,
        action: ControlAction,
        publish: bool,
    ) -> u64 {
        let mut finished = None;
        let jobs: Vec<JobIndex> = match target {
            Target::Job(id) => self.jobs.find(id).into_iter().collect(),
            Target::Sweep(name) => {
                let Some(sweep) = self.jobs.sweep_named(name) else {
                    return 0;
                };
                self.dispatch_needed = true;
                match action {
                    ControlAction::Cancel => {
                        let known = self.jobs.sweep(sweep);
                        let is_over =
                            known.counts.is_settled() && known.submission.claims.is_none();
                        finished = (is_over && !known.cancelled).then_some(sweep);
                        self.jobs.set_sweep_cancelled(sweep, true);
                    }
                    ControlAction::Retry => self.jobs.set_sweep_cancelled(sweep, false),
                    ControlAction::Pause | ControlAction::Resume => {
                        let paused = action == ControlAction::Pause;
                        self.jobs.set_sweep_paused(sweep, paused);
                        return self.jobs.sweep(sweep).counts.of(JobStatus::Pending);
                    }
                }
                let grid = self.jobs.sweep(sweep).grid;
                let mut jobs = self.jobs.grid(grid).jobs.clone();
                jobs.sort_unstable();
                jobs.dedup();
                jobs
            }
        };
        let whole_sweep = matches!(target, Target::Sweep(_));
        let mut changed = 0;
        for index in jobs {
            let is_changed = match action {
                ControlAction::Cancel if whole_sweep && self.jobs.is_wanted(index) => false,
                ControlAction::Cancel => self.apply_cancelled(at, index, publish),
                ControlAction::Retry => self.apply_retried(index, publish),
                ControlAction::Pause => self.apply_paused(index, true),
                ControlAction::Resume => self.apply_paused(index, false),
            };
            changed += u64::from(is_changed);
        }
        // What is over has nothing to cancel but audits: it stays settled.
        if let Some(sweep) = finished {
            self.jobs.set_sweep_cancelled(sweep, false);
        }
        changed
    }

    fn apply_cancelled(&mut self, at: Timestamp, index: JobIndex, publish: bool) -> bool {
        if self.audits.contains(index) {
            self.set_audit(index, None);
            return true;
        }
        let state = &self.jobs.job(index).state;
        if !matches!(state, JobState::Queued | JobState::Leased(_)) {
            return false;
        }
        self.note_lost(index, at);
        self.set_state(index, JobState::Cancelled);
        if publish {
            self.publish_job(index, None, None);
        }
        true
    }

    fn apply_retried(&mut self, index: JobIndex, publish: bool) -> bool {
        let state = &self.jobs.job(index).state;
        if !matches!(
            state,
            JobState::Failed | JobState::Quarantined | JobState::Cancelled
        ) {
            return false;
        }
        self.jobs.forgive(index);
        self.set_state(index, JobState::Queued);
        if publish {
            self.publish_job(index, None, None);
        }
        true
    }

    fn apply_paused(&mut self, index: JobIndex, paused: bool) -> bool {
        let job = self.jobs.job(index);
        if job.paused == paused || matches!(job.state, JobState::Done(_)) {
            return false;
        }
        self.jobs.set_paused(index, paused);
        true
    }
}
