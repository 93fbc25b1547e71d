//! What a result from elsewhere does to its job.

use sweeps::{AttemptNumber, RunRecord};

use crate::scheduler::Scheduler;
use crate::scheduler::done::Done;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::Timestamp;

/// No attempt has this number: whatever an attempt of this state delivers later is compared, and never taken for the same.
const NO_ATTEMPT: AttemptNumber = AttemptNumber(0);

impl Scheduler {
    /// Ends a job with a result that no attempt of this state made: its number, its worker and its time are those of another
    /// state, and nobody here is praised or blamed for it.
    pub(super) fn apply_taken_over(&mut self, at: Timestamp, index: JobIndex, record: &RunRecord) {
        let job = self.jobs.job(index);
        let attempts = job.attempts;
        let is_blamed_on_somebody = job.has_failed();
        self.note_lost(index, at);
        let done = Done {
            attempt: NO_ATTEMPT,
            ..Done::of(record, attempts)
        };
        self.set_state(index, JobState::Done(Box::new(done)));
        // Who was held back for it may go on.
        self.dispatch_needed |= is_blamed_on_somebody;
    }
}
