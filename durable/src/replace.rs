//! A file put in the place of another.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::disk::{Disk, RealDisk};
use crate::folder::parent;
use crate::temporary::beside;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// Who may do what with it, whatever the process's mask says. `None`: as with any new file.
    pub mode: Option<u32>,
    /// Whether it is on disk when it is written. Where not, a power loss may undo it.
    pub synced: bool,
    /// Whether it belongs to whom the file before it belonged, or its folder where root makes a new one (crate `ownership`).
    pub owner_kept: bool,
}

impl Writing {
    /// On disk, for everybody who may read a new file.
    pub const DURABLE: Self = Self {
        mode: None,
        synced: true,
        owner_kept: false,
    };
    /// On disk, for its owner alone.
    pub const PRIVATE: Self = Self {
        mode: Some(0o600),
        synced: true,
        owner_kept: false,
    };
    /// Whole or not at all, and no more: for what may be lost, not torn.
    pub const ATOMIC: Self = Self {
        mode: None,
        synced: false,
        owner_kept: false,
    };
}

/// Writes `parts`, one after the other, to the file `path`: whoever reads it, after a crash too, finds the old bytes or the
/// new ones. The folder must be there.
///
/// # Errors
/// What the operating system said; the file is as it was then.
pub fn replace(path: &Path, parts: &[&[u8]], how: Writing) -> io::Result<()> {
    let (mut file, temporary) = beside(path, how.mode.unwrap_or(0o666))?;
    let mut write = || {
        if how.owner_kept {
            ownership::keep(&file, path)?;
        }
        if let Some(mode) = how.mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        for bytes in parts {
            file.write_all(bytes)?;
        }
        if how.synced {
            file.sync_all()?;
            publish(&RealDisk, &temporary, path)
        } else {
            std::fs::rename(&temporary, path)
        }
    };
    let written = write();
    if written.is_err() {
        // A file that is not whole only makes a full disk fuller; where it was renamed there is none.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Gives a file that is synced its name, and makes the name durable.
///
/// # Errors
/// What the operating system said.
pub fn publish(disk: &dyn Disk, part: &Path, path: &Path) -> io::Result<()> {
    disk.rename(part, path)?;
    disk.sync_folder(parent(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_under_its_name_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        replace(&path, &[b"one"], Writing::DURABLE).unwrap();
        replace(&path, &[b"two", b"three"], Writing::PRIVATE).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"twothree");
        assert_eq!(mode(), 0o600);
        let shown = Writing {
            mode: Some(0o644),
            ..Writing::ATOMIC
        };
        replace(&path, &[b"four"], shown).unwrap();
        assert_eq!(
            (std::fs::read(&path).unwrap(), mode()),
            (b"four".into(), 0o644)
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::create_dir_all(path.join("by a folder")).unwrap();
        for how in [Writing::DURABLE, Writing::ATOMIC] {
            assert!(replace(&path, &[b"x"], how).is_err());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(path.is_dir());
    }
}
