//! What every part of a worker process works with, and how long it waits and tries.

use std::sync::Arc;
use std::time::Duration;

use client::decision::CallDecision;
use client::link::{Link, Trouble};
use proto::nouns::LeaseKey;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::error::WorkerError;
use crate::spool::Spool;
use crate::trainer::Trainer;
use crate::walltime::Walltime;

/// The share of the grace period that a trainer gets; the rest is for handing jobs back.
const TRAINERS_SHARE: f64 = 0.8;

/// What every part of a worker process works with.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) trainer: Arc<dyn Trainer>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) link: Arc<Link>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) walltime: Walltime,
}

impl Context {
    /// How long a trainer may take to stop.
    pub(crate) fn trainers_grace(&self) -> Duration {
        self.config.grace.mul_f64(TRAINERS_SHARE)
    }

    /// How long the last calls of a worker that leaves may take.
    pub(crate) fn farewell(&self) -> Duration {
        self.config.grace.mul_f64(1.0 - TRAINERS_SHARE)
    }

    /// Releases a lease, as long as the grace period allows. That nobody hears of the release is no harm: the lease runs out.
    pub(crate) async fn release(&self, key: LeaseKey, reason: &str) {
        let tries = async {
            let mut failures = 0;
            loop {
                match self.link.release(key, reason).await {
                    Ok(()) => return,
                    Err(trouble) if matches!(trouble.decision, CallDecision::Retry) => {
                        failures += 1;
                        sleep(self.link.backoff(failures)).await;
                    }
                    Err(trouble) => {
                        info!(job = %key.job.short(), attempt = %key.attempt, message = trouble.message, "a job could not be handed back");
                        return;
                    }
                }
            }
        };
        if timeout(self.farewell(), tries).await.is_err() {
            warn!(job = %key.job.short(), attempt = %key.attempt, "nobody heard that a job is handed back: its lease will run out");
        }
    }

    /// Waits before the next try; `false` when told to stop meanwhile.
    pub(crate) async fn pause(
        &self,
        trouble: &Trouble,
        failures: u32,
    ) -> Result<bool, WorkerError> {
        self.check_orphaned()?;
        let wait = self.link.backoff(failures);
        warn!(
            message = trouble.message,
            failures,
            ?wait,
            "the coordinator is not reached"
        );
        tokio::select! {
            () = sleep(wait) => Ok(true),
            () = self.shutdown.cancelled() => Ok(false),
        }
    }

    /// Whether the coordinator was silent for too long.
    pub(crate) fn check_orphaned(&self) -> Result<(), WorkerError> {
        let (silent, last) = self.link.silence();
        if silent >= self.config.orphan_timeout {
            return Err(WorkerError::Orphaned { silent, last });
        }
        Ok(())
    }
}

/// What a refusal means for a worker that cannot go on without the call.
pub(crate) fn refused(trouble: Trouble) -> WorkerError {
    WorkerError::Refused {
        reason: trouble.reason,
        message: trouble.message,
    }
}
