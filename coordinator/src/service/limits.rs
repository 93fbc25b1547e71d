//! How much of everything at a time. What may be in one message is in [`proto::limits`].

use std::sync::Arc;
use std::time::Duration;

use proto::{Reason, refuse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::Status;

use crate::engine::expand::LONG_FILE;
use crate::engine::metrics::{GaugeGuard, Metrics};

/// How much of everything at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. A worker has one, a person's command one for a moment.
    pub connections: usize,
    /// Open connections from one address (of IPv6, from one /64): one stranger must not take all places. Workers behind one
    /// gateway share an address.
    pub connections_per_address: usize,
    /// Uploads of artifacts under way.
    pub uploads: usize,
    /// Streamed answers: watchers, lists of cells, artifacts.
    pub streams: usize,
    /// Jobs of one sweep, whatever its submitter asks for.
    pub jobs_per_sweep: usize,
    /// Room on the disk below which the coordinator says that it is not ready, in bytes.
    pub least_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 1024,
            uploads: 64,
            streams: 1024,
            jobs_per_sweep: 1_000_000,
            least_free_bytes: 256 << 20,
        }
    }
}

/// Sweep files that are expanded at a time: a million jobs take some hundred megabytes until they are packed.
const EXPANSIONS: usize = 4;
/// Long sweep files that are expanded at a time, beside the others: reading two megabytes takes some hundred megabytes, and
/// whoever sends many of them shall not take the permits of everybody else.
const LONG_EXPANSIONS: usize = 1;
/// How long an upload waits for its turn.
const UPLOAD_WAITS: Duration = Duration::from_secs(20);
/// How long a sweep file waits for its turn. Its whole text waits with it.
const EXPANSION_WAITS: Duration = Duration::from_secs(10);

/// What the services have to give: each call of a kind that takes much needs a permit.
#[derive(Debug, Clone)]
pub(super) struct Permits {
    uploads: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    expansions: Arc<Semaphore>,
    long_expansions: Arc<Semaphore>,
    metrics: Metrics,
    limits: Limits,
}

/// A permit, held until it is dropped.
pub(super) struct Permit {
    _permit: OwnedSemaphorePermit,
    _held: GaugeGuard,
}

impl Permits {
    pub(super) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self {
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            expansions: Arc::new(Semaphore::new(EXPANSIONS)),
            long_expansions: Arc::new(Semaphore::new(LONG_EXPANSIONS)),
            metrics,
            limits,
        }
    }

    pub(super) fn jobs_per_sweep(&self) -> usize {
        self.limits.jobs_per_sweep
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// A permit for an upload; it waits a moment for one.
    pub(super) async fn upload(&self) -> Result<Permit, Status> {
        let permit = timeout(UPLOAD_WAITS, self.uploads.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(busy("uploads", self.limits.uploads));
        };
        Ok(Permit {
            _permit: permit,
            _held: self.metrics.upload(),
        })
    }

    /// A permit to expand a sweep file of so many bytes; it waits a moment for one.
    pub(super) async fn expansion(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Status> {
        let (permits, what, most) = if bytes >= LONG_FILE {
            let what = "submissions of long sweep files";
            (&self.long_expansions, what, LONG_EXPANSIONS)
        } else {
            (&self.expansions, "submissions", EXPANSIONS)
        };
        let permit = timeout(EXPANSION_WAITS, permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(busy(what, most));
        };
        Ok(permit)
    }

    /// A place for a streamed answer.
    pub(super) fn stream(&self) -> Result<Permit, Status> {
        let permit = self.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| busy("streamed answers", self.limits.streams))?;
        Ok(Permit {
            _permit: permit,
            _held: self.metrics.stream(),
        })
    }
}

fn busy(what: &str, most: usize) -> Status {
    refuse(
        Reason::Busy,
        format!("the coordinator has {most} {what} under way, which is its limit: try again later"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No place is left: it is waited for one, for so long.
    async fn refused(permits: &Permits, bytes: usize) {
        let begin = tokio::time::Instant::now();
        let status = permits.expansion(bytes).await.unwrap_err();
        assert_eq!(begin.elapsed(), EXPANSION_WAITS);
        assert_eq!(Reason::of(&status), Some(Reason::Busy), "{status}");
    }

    #[tokio::test(start_paused = true)]
    async fn long_files_are_expanded_one_at_a_time_and_leave_room_for_others() {
        let permits = Permits::new(Limits::default(), Metrics::new());
        let long = permits.expansion(LONG_FILE).await.unwrap();
        refused(&permits, 2 << 20).await;
        let mut held = Vec::new();
        for _ in 0..EXPANSIONS {
            held.push(permits.expansion(LONG_FILE - 1).await.unwrap());
        }
        refused(&permits, 100).await;
        held.pop();
        drop(permits.expansion(100).await.unwrap());
        drop(long);
        drop(permits.expansion(2 << 20).await.unwrap());
    }
}
