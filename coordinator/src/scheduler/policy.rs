//! The settings of the scheduler.

use sweeps::FailureClass;

/// The settings of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long a lease lives without a report.
    pub time_to_live_ms: u64,
    /// The longest that a lease request may wait, whatever it asks for.
    pub longest_wait_ms: u64,
    /// How long an attempt may run; `None`: as long as it likes.
    pub longest_attempt_ms: Option<u64>,
    /// A worker that was not heard for so long and holds nothing is forgotten.
    pub forget_worker_ms: u64,
    /// Retries by class, in the order of [`FailureClass::ALL`].
    pub retries: [u32; FailureClass::ALL.len()],
    /// So many different jobs that fail on one worker in a row hold it back; if they are well elsewhere, it is sent away.
    pub blame: usize,
    /// Fill few workers rather than spread: what is idle stays idle and can go.
    pub pack_workers: bool,
    /// A submission of more cells than this is taken in parts of so many, so that others are answered between them.
    pub submission_part: usize,
}

impl Policy {
    /// How often the scheduler is woken while there are leases. It takes a pause that is longer than twice this for one of the
    /// coordinator's own; a worker that reports three times in a time to live has reported twice by then.
    pub(super) fn pulse_ms(&self) -> u64 {
        (self.time_to_live_ms / 8).max(1)
    }
}

impl Default for Policy {
    fn default() -> Self {
        let mut retries = [0; FailureClass::ALL.len()];
        retries[FailureClass::Preempted as usize] = u32::MAX;
        // Nodes die in bunches; a job that kills its worker each time is still found.
        retries[FailureClass::WorkerLost as usize] = 10;
        retries[FailureClass::Timeout as usize] = 1;
        // Another job on the same card may have taken the memory.
        retries[FailureClass::OutOfMemory as usize] = 2;
        // A function of the job: it would diverge again.
        retries[FailureClass::Diverged as usize] = 0;
        // On another worker only: the same copy will not get better.
        retries[FailureClass::BadData as usize] = 1;
        retries[FailureClass::Trainer as usize] = 1;
        Self {
            time_to_live_ms: 60_000,
            longest_wait_ms: 60_000,
            longest_attempt_ms: None,
            forget_worker_ms: 24 * 3_600_000,
            retries,
            blame: 3,
            pack_workers: false,
            // Some ten milliseconds of work, and a megabyte and a half of journal.
            submission_part: 20_000,
        }
    }
}
