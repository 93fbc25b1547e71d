//! Backups, garbage, audits.

use crate::limits::MESSAGE_BYTES;
use crate::{WireError, required, text, wire};

use crate::nouns::AuditStamp;
use crate::nouns::Collected;
use crate::nouns::Piece;

impl From<Piece> for wire::BackupResponse {
    fn from(piece: Piece) -> Self {
        use wire::backup_response::Part;
        let part = match piece {
            Piece::File { path, bytes } => Part::File(wire::BackupFile { path, bytes }),
            Piece::Data(data) => Part::Data(data),
            Piece::End { files, bytes } => Part::End(wire::BackupEnd { files, bytes }),
        };
        Self { part: Some(part) }
    }
}

impl TryFrom<wire::BackupResponse> for Piece {
    type Error = WireError;
    fn try_from(piece: wire::BackupResponse) -> Result<Self, WireError> {
        use wire::backup_response::Part;
        Ok(match required("part", piece.part)? {
            Part::File(file) => Self::File {
                path: text("path", file.path, 1024)?,
                bytes: file.bytes,
            },
            Part::Data(data) => {
                super::at_most("data", data.len(), MESSAGE_BYTES)?;
                Self::Data(data)
            }
            Part::End(end) => Self::End {
                files: end.files,
                bytes: end.bytes,
            },
        })
    }
}

impl From<Collected> for wire::CollectGarbageResponse {
    fn from(collected: Collected) -> Self {
        Self {
            removed: collected.removed,
            removed_bytes: collected.removed_bytes,
            kept: collected.kept,
            kept_bytes: collected.kept_bytes,
            young: collected.young,
        }
    }
}

impl From<wire::CollectGarbageResponse> for Collected {
    fn from(collected: wire::CollectGarbageResponse) -> Self {
        Self {
            removed: collected.removed,
            removed_bytes: collected.removed_bytes,
            kept: collected.kept,
            kept_bytes: collected.kept_bytes,
            young: collected.young,
        }
    }
}

impl From<AuditStamp> for wire::AuditStamp {
    fn from(stamp: AuditStamp) -> Self {
        Self {
            waiting: stamp.waiting,
            equal: stamp.equal,
            within: stamp.within,
            different: stamp.different,
            failed: stamp.failed,
            tolerance: stamp.tolerance,
        }
    }
}

impl From<wire::AuditStamp> for AuditStamp {
    fn from(stamp: wire::AuditStamp) -> Self {
        Self {
            waiting: stamp.waiting,
            equal: stamp.equal,
            within: stamp.within,
            different: stamp.different,
            failed: stamp.failed,
            tolerance: stamp.tolerance,
        }
    }
}
