//! What admins ask of the state folder.

use proto::limits::NAME_BYTES;
use proto::{text, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::people::{Clients, Stream};
use crate::store::backup::Piece;
use proto::nouns::Audit;
use proto::status;

/// Pieces on their way: a megabyte a reader.
const PIECES_AHEAD: usize = 4;

impl Clients {
    pub(super) async fn audit_sweep(
        &self,
        request: wire::AuditRequest,
    ) -> Result<wire::AuditResponse, Status> {
        let audit = Audit {
            sweep: text("sweep", request.sweep, NAME_BYTES)?,
            fraction: request.fraction,
        };
        let audited = self.engine.audit(audit).await.map_err(|no| status(&no))?;
        Ok(wire::AuditResponse {
            finished: audited.finished,
            chosen: audited.chosen,
            queued: audited.queued,
        })
    }

    pub(super) fn send_backup(&self) -> Result<Stream<wire::BackupResponse>, Status> {
        let permit = self.permits.stream()?;
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let engine = self.engine.clone();
        self.spawn(permit, async move {
            let pieces = sender.clone();
            // A reader that goes ends the reading; one that is slow only makes its thread wait.
            let take = move |piece: Piece| pieces.blocking_send(Ok(piece.into())).is_ok();
            if let Err(refusal) = engine.backup(take).await {
                let _ = sender.send(Err(status(&refusal))).await;
            }
        });
        Ok(ReceiverStream::new(receiver))
    }

    pub(super) async fn collect(
        &self,
        request: wire::CollectGarbageRequest,
    ) -> Result<wire::CollectGarbageResponse, Status> {
        let collected = self
            .engine
            .collect_garbage(request.dry_run)
            .await
            .map_err(|no| status(&no))?;
        Ok(collected.into())
    }
}
