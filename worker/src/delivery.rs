//! The delivery of a record: repeated until the coordinator has it, kept on disk meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use client::decision::CallDecision;
use client::link::{LeaseResponse, Trouble};
use proto::Reason;
use proto::nouns::{Next, Receipt};
use sweeps::{Digest, RunRecord};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::context::Context;
use crate::error::WorkerError;
use crate::spool::Spool;

/// How often a coordinator may say that an artifact is missing that was put before: its folder was cleaned in between,
/// or it lies.
const ARTIFACT_ROUNDS: u32 = 3;

/// Artifacts by their digests.
pub type Artifacts = Vec<(Digest, Vec<u8>)>;

/// A record with its artifacts, on its way.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) record: Arc<RunRecord>,
    /// The bytes of its artifacts; `None` where they are in the spool.
    pub(crate) artifacts: Option<Arc<Artifacts>>,
    /// Where it waits.
    pub(crate) spool: Arc<Spool>,
}

/// What became of a delivery.
pub(crate) enum Delivered {
    /// The coordinator has it.
    Acknowledged(LeaseResponse),
    /// The coordinator will never take it, for that reason; it is kept for a person to look at.
    Refused(String),
    /// The worker stops; it waits in the spool.
    Kept,
}

impl Delivery {
    /// Delivers, however often it takes.
    pub(crate) async fn deliver(
        &self,
        context: &Context,
        next: Option<&Next>,
    ) -> Result<Delivered, WorkerError> {
        let mut kept = self.artifacts.is_none();
        let mut stored = BTreeSet::new();
        let mut rounds = 0;
        let mut failures = 0;
        loop {
            let trouble = match self.try_deliver(context, &mut stored, next).await {
                Ok((receipt, work)) => {
                    info!(receipt = receipt.words(), "the record is delivered");
                    if kept {
                        self.in_spool("forget", |delivery| {
                            delivery.spool.delivered(&delivery.record)
                        })
                        .await;
                    }
                    return Ok(Delivered::Acknowledged(work));
                }
                Err(trouble) => trouble,
            };
            // Another try may not come: from now on the record is on disk.
            if !kept {
                kept = self.keep().await;
            }
            match (trouble.decision, trouble.reason) {
                (CallDecision::Retry | CallDecision::HelloAgain, _) => {}
                (_, Some(Reason::MissingArtifact)) if rounds < ARTIFACT_ROUNDS => {
                    rounds += 1;
                    stored.clear();
                }
                (
                    _,
                    Some(Reason::Unauthenticated | Reason::PermissionDenied | Reason::Incompatible),
                ) => {
                    return Err(WorkerError::Refused {
                        reason: trouble.reason,
                        message: trouble.message,
                    });
                }
                (CallDecision::GiveUp | CallDecision::LeaseLost, _) => {
                    error!(
                        message = trouble.message,
                        "the coordinator will not take the record; it is kept in the spool's folder `refused`"
                    );
                    self.in_spool("set aside", |delivery| {
                        delivery.spool.refused(&delivery.record)
                    })
                    .await;
                    return Ok(Delivered::Refused(trouble.message));
                }
            }
            failures += 1;
            let wait = context.link.backoff(failures);
            warn!(
                message = trouble.message,
                failures,
                ?wait,
                "the record is not delivered yet"
            );
            tokio::select! {
                () = sleep(wait) => {}
                () = context.shutdown.cancelled() => return Ok(Delivered::Kept),
            }
            context.check_orphaned()?;
        }
    }

    /// One try: the artifacts that are not stored yet, then the record.
    async fn try_deliver(
        &self,
        context: &Context,
        stored: &mut BTreeSet<Digest>,
        next: Option<&Next>,
    ) -> Result<(Receipt, LeaseResponse), Trouble> {
        for artifact in &self.record.outcome.artifacts {
            if stored.contains(&artifact.digest) {
                continue;
            }
            let held = self.artifacts.as_ref().and_then(|artifacts| {
                artifacts
                    .iter()
                    .find(|(digest, _)| *digest == artifact.digest)
            });
            match held {
                Some((digest, bytes)) => context.link.put_artifact(*digest, bytes).await?,
                None => match self.spooled(artifact.digest).await {
                    Ok(bytes) => context.link.put_artifact(artifact.digest, &bytes).await?,
                    // The coordinator may have it from an earlier try; it says so if not.
                    Err(cause) => {
                        warn!(artifact = %artifact.digest, %cause, "an artifact is not in the spool");
                    }
                },
            }
            stored.insert(artifact.digest);
        }
        context.link.finish(&self.record, next).await
    }

    /// Keeps the record on disk; whether that worked. A full disk here is no reason to stop trying to deliver.
    async fn keep(&self) -> bool {
        self.in_spool("keep", |delivery| {
            let artifacts: Vec<(Digest, &[u8])> = delivery
                .artifacts
                .iter()
                .flat_map(|artifacts| artifacts.iter())
                .map(|(digest, bytes)| (*digest, bytes.as_slice()))
                .collect();
            delivery.spool.keep(&delivery.record, &artifacts)
        })
        .await
    }

    async fn spooled(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let spool = Arc::clone(&self.spool);
        spawn_blocking(move || spool.artifact_bytes(digest))
            .await
            .map_err(io::Error::other)?
    }

    async fn in_spool(
        &self,
        what: &'static str,
        act: impl FnOnce(&Self) -> io::Result<()> + Send + 'static,
    ) -> bool {
        let delivery = self.clone();
        let job = self.record.job_id;
        let result = spawn_blocking(move || act(&delivery))
            .await
            .map_err(io::Error::other)
            .and_then(|result| result);
        if let Err(cause) = &result {
            error!(job = %job.short(), %cause, "failed to {what} a record in the spool folder");
        }
        result.is_ok()
    }
}
