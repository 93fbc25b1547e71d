//! How much of everything at a time. What may be in one message is in [`proto::limits`].

use std::sync::Arc;
use std::time::Duration;

use proto::{Reason, refuse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::Status;

use crate::engine::metrics::{Held, Metrics};

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
/// How long an upload waits for its turn.
const UPLOAD_WAITS: Duration = Duration::from_secs(20);

/// The places that the services have to give.
#[derive(Debug, Clone)]
pub(super) struct Places {
    uploads: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    expansions: Arc<Semaphore>,
    metrics: Metrics,
    limits: Limits,
}

/// A place, held until it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _held: Held,
}

impl Places {
    pub(super) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self {
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            expansions: Arc::new(Semaphore::new(EXPANSIONS)),
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

    /// A place for an upload; it waits a moment for one.
    pub(super) async fn upload(&self) -> Result<Place, Status> {
        let permit = timeout(UPLOAD_WAITS, self.uploads.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(busy("uploads", self.limits.uploads));
        };
        Ok(Place {
            _permit: permit,
            _held: self.metrics.upload(),
        })
    }

    /// A place to expand a sweep file; it waits for one as long as its caller does.
    pub(super) async fn expansion(&self) -> Result<OwnedSemaphorePermit, Status> {
        let permit = self.expansions.clone().acquire_owned().await;
        permit.map_err(|_| busy("submissions", EXPANSIONS))
    }

    /// A place for a streamed answer.
    pub(super) fn stream(&self) -> Result<Place, Status> {
        let permit = self.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| busy("streamed answers", self.limits.streams))?;
        Ok(Place {
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
