//! Room on the disk, and what uploads leave of it for others.

use std::io;
use std::path::Path;

/// Room that is left for us in the file system of that folder.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    #[allow(
        clippy::useless_conversion,
        reason = "other systems count in other types"
    )]
    Some(u64::from(found.blocks_available()).saturating_mul(u64::from(found.fragment_size())))
}

/// What is left free for the journal where nobody says how much: a share of a small disk, and no more than it ever needs of
/// a large one.
pub(crate) fn reserve(folder: &Path) -> u64 {
    const MOST: u64 = 256 << 20;
    const SHARE: u64 = 10;
    let Ok(found) = nix::sys::statvfs::statvfs(folder) else {
        return 0;
    };
    #[allow(
        clippy::useless_conversion,
        reason = "other systems count in other types"
    )]
    let size = u64::from(found.blocks()).saturating_mul(u64::from(found.fragment_size()));
    (size / SHARE).min(MOST)
}

/// What uploads leave free on the disk of the artifacts, where `journals` is left free on that of the journal. On another
/// disk nobody needs what the journal needs, which may be more than that disk has: a share of its own is enough.
pub(crate) fn reserve_beside(journal: &Path, artifacts: &Path, journals: u64) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let device = |folder: &Path| std::fs::metadata(folder).ok().map(|found| found.dev());
    match (device(journal), device(artifacts)) {
        (Some(one), Some(other)) if one != other => reserve(artifacts).min(journals),
        _ => journals,
    }
}

/// Whether that says that a disk, or somebody's share of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
