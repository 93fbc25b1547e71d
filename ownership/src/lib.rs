//! Whose a file is that is written into a folder of somebody else.
//!
//! A coordinator runs as a user of its own, and root manages its keys. A file of mode 600 that root leaves in the service's
//! folder is one that the service cannot read. So a file that takes another's place keeps that one's owner and group, and a
//! new one that root makes belongs to whom its folder belongs. Who may do neither is told who may.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown,
};
use std::path::{Path, PathBuf};

use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::unistd::{Uid, User};

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Owner {
    fn of(found: &Metadata) -> Self {
        Self {
            uid: found.uid(),
            gid: found.gid(),
        }
    }

    /// The user as `sudo -u` takes it: by name, or by number where it has none.
    pub fn user(self) -> String {
        match User::from_uid(Uid::from_raw(self.uid)) {
            Ok(Some(user)) => user.name,
            _ => format!("'#{}'", self.uid),
        }
    }
}

/// Gives a file, open and soon to be at `path`, to whom it belongs there: to the owner of what it replaces, or of its folder
/// where root makes a new one. A file of root's in a folder of somebody else is the remainder of a mistake, and is replaced
/// as if it were new.
///
/// # Errors
/// What is at `path` is another user's, and only that user or root can write one in its place.
pub fn keep(file: &File, path: &Path) -> io::Result<()> {
    let own = Owner::of(&file.metadata()?);
    let replaced = std::fs::metadata(path).ok();
    let folder = Owner::of(&std::fs::metadata(parent(path))?);
    let Some(wanted) = wanted(
        replaced.as_ref().map(Owner::of),
        folder,
        Uid::effective().is_root(),
    ) else {
        return Ok(());
    };
    if own == wanted {
        return Ok(());
    }
    match fchown(file, Some(wanted.uid), Some(wanted.gid)) {
        // A group that the caller is not in: the owner is right, which is what a file of mode 600 needs.
        Err(_) if own.uid == wanted.uid => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(io::Error::new(error.kind(), anothers(wanted)))
        }
        given => given,
    }
}

/// Whose a file is to be; `None`: its maker's.
fn wanted(replaced: Option<Owner>, folder: Owner, by_root: bool) -> Option<Owner> {
    match replaced {
        Some(owner) if owner.uid != 0 || folder.uid == 0 => Some(owner),
        _ => (by_root && folder.uid != 0).then_some(folder),
    }
}

/// What somebody is told who cannot write for that owner.
pub fn anothers(owner: Owner) -> String {
    if owner.uid == 0 {
        return "it is root's: run the same command as root, or give the file to the user who needs it (`chown`)".to_owned();
    }
    let user = owner.user();
    format!("it is the user {user}'s: run the same command as `sudo -u {user} …`, or as root")
}

/// What the operating system said about `path`, and who may do it where the caller may not.
pub fn explain(error: io::Error, path: &Path) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied || error.get_ref().is_some() {
        return error;
    }
    let found = std::fs::metadata(path).or_else(|_| std::fs::metadata(parent(path)));
    match found.map(|found| Owner::of(&found)) {
        Ok(owner) if owner.uid != Uid::effective().as_raw() => {
            io::Error::new(error.kind(), format!("{error}; {}", anothers(owner)))
        }
        _ => error,
    }
}

/// The mode of a file that is to be at `path`: that of what it replaces, `new` where it replaces nothing.
pub fn mode(path: &Path, new: u32) -> u32 {
    std::fs::metadata(path).map_or(new, |found| found.permissions().mode() & 0o777)
}

/// Makes a folder and those above it that are missing; each belongs to whom the one above it belongs.
///
/// # Errors
/// What the operating system said.
pub fn make_folders(folder: &Path) -> io::Result<()> {
    make(folder, 0o777)
}

/// The same, and the folder itself is its owner's alone, as one of keys or of a coordinator is.
///
/// # Errors
/// What the operating system said.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    make(folder, 0o700)
}

fn make(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folders(above)?;
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            let owner = Owner::of(&std::fs::metadata(above)?);
            match wanted(None, owner, Uid::effective().is_root()) {
                Some(owner) => lchown(folder, Some(owner.uid), Some(owner.gid)),
                None => Ok(()),
            }
        }
    }
}

/// The owner of a folder on which root works though it is not root's; `None` for everybody else, and where it is not there.
pub fn foreign_to_root(folder: &Path) -> Option<Owner> {
    let owner = Owner::of(&std::fs::metadata(folder).ok()?);
    (Uid::effective().is_root() && owner.uid != 0).then_some(owner)
}

/// Gives everything below a folder that root made there to the folder's owner. Does nothing where the folder is root's, or
/// the caller is not root. Links are given, not followed.
///
/// # Errors
/// What the operating system said.
pub fn hand_over(folder: &Path) -> io::Result<()> {
    let Some(owner) = foreign_to_root(folder) else {
        return Ok(());
    };
    // The folder itself may be reached by a link.
    let open = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(O_DIRECTORY)
        .open(folder)?;
    hand_over_below(&open, folder, owner)
}

fn hand_over_below(open: &File, folder: &Path, owner: Owner) -> io::Result<()> {
    // By the open folder, so that nothing is reached through a link that was put in its place meanwhile.
    let here = if cfg!(target_os = "linux") {
        PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()))
    } else {
        folder.to_owned()
    };
    for entry in std::fs::read_dir(&here)? {
        let entry = entry?;
        let path = here.join(entry.file_name());
        let found = match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        if found.uid() == 0 {
            lchown(&path, Some(owner.uid), Some(owner.gid))?;
        }
        if found.is_dir() {
            let below = std::fs::OpenOptions::new()
                .read(true)
                .custom_flags(O_DIRECTORY | O_NOFOLLOW)
                .open(&path)?;
            hand_over_below(&below, &path, owner)?;
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Owner = Owner {
        uid: 65534,
        gid: 65533,
    };
    const ROOT: Owner = Owner { uid: 0, gid: 0 };
    const ALICE: Owner = Owner {
        uid: 1000,
        gid: 1000,
    };

    fn owner(path: &Path) -> Owner {
        Owner::of(&std::fs::symlink_metadata(path).unwrap())
    }

    #[test]
    fn what_replaces_keeps_the_owner_and_what_root_makes_is_the_folders() {
        assert_eq!(wanted(Some(SERVICE), ROOT, true), Some(SERVICE));
        assert_eq!(wanted(Some(SERVICE), SERVICE, true), Some(SERVICE));
        assert_eq!(wanted(None, SERVICE, true), Some(SERVICE));
        assert_eq!(wanted(None, ROOT, true), None);
        // What an earlier mistake left is mended.
        assert_eq!(wanted(Some(ROOT), SERVICE, true), Some(SERVICE));
        assert_eq!(wanted(Some(ROOT), ROOT, true), Some(ROOT));
        // Nobody else gives files away, or makes one of another's his own.
        assert_eq!(wanted(None, ROOT, false), None);
        assert_eq!(wanted(None, SERVICE, false), None);
        assert_eq!(wanted(Some(SERVICE), ROOT, false), Some(SERVICE));
        assert_eq!(wanted(Some(ALICE), SERVICE, false), Some(ALICE));
        assert!(
            anothers(Owner {
                uid: 4_000_000_000,
                gid: 0
            })
            .contains("sudo -u '#4000000000'")
        );
    }

    #[test]
    fn roots_files_in_a_folder_of_a_service_are_the_services() {
        if !Uid::effective().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("service");
        std::fs::create_dir(&service).unwrap();
        let give = |path: &Path| lchown(path, Some(SERVICE.uid), Some(SERVICE.gid)).unwrap();
        give(&service);
        let (part, path) = (service.join("part"), service.join("tokens.json"));
        keep(&File::create(&part).unwrap(), &path).unwrap();
        assert_eq!(owner(&part), SERVICE);
        make_folders(&service.join("a/b")).unwrap();
        assert_eq!(owner(&service.join("a/b")), SERVICE);
        // A file of the service in a folder of root's.
        let (part, path) = (
            folder.path().join("part"),
            folder.path().join("tokens.json"),
        );
        File::create(&path).unwrap();
        give(&path);
        keep(&File::create(&part).unwrap(), &path).unwrap();
        assert_eq!(owner(&part), SERVICE);

        // Whatever else root left; what is elsewhere stays whose it is.
        let outside = folder.path().join("outside");
        File::create(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, service.join("a/link")).unwrap();
        File::create(service.join("a/b/file")).unwrap();
        hand_over(&service).unwrap();
        assert_eq!(owner(&service.join("a/b/file")), SERVICE);
        assert_eq!(owner(&service.join("a/link")), SERVICE);
        assert_eq!(owner(&outside), ROOT);
        assert_eq!(foreign_to_root(&service), Some(SERVICE));
        assert_eq!(foreign_to_root(folder.path()), None);
    }
}
