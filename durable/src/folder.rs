//! Folders, and the names in them.

use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Makes a folder that is its owner's alone, and the folders above it as they usually are. Their names are durable.
///
/// # Errors
/// What the operating system said.
pub fn make_folders(folder: &Path) -> io::Result<()> {
    // A link may lead to a folder that is made yet.
    make_folder(&behind_links(folder)?, 0o700)
}

fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder
        .parent()
        .filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_folder(above, 0o777)?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    match sync_folder(above.unwrap_or(Path::new("."))) {
        // A folder that can be written to and not be read is rare, and cannot be synced.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// What the operating system said.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes everything below a folder durable: files, folders, names.
///
/// # Errors
/// What the operating system said.
#[cfg(target_os = "linux")]
pub fn sync_all_below(folder: &Path) -> io::Result<()> {
    // One call for the whole file system, instead of one for each of a hundred thousand files.
    Ok(nix::unistd::syncfs(File::open(folder)?)?)
}

/// Makes everything below a folder durable: files, folders, names.
///
/// # Errors
/// What the operating system said.
#[cfg(not(target_os = "linux"))]
pub fn sync_all_below(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all_below(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Removes a file, durably; one that is not there is removed.
///
/// # Errors
/// What the operating system said.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(parent(path)),
    }
}

/// The same, except that a power loss may bring the file back.
///
/// # Errors
/// What the operating system said.
pub fn discard(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Links that are followed before they are called a circle, as the system does.
const MOST_LINKS: usize = 40;

/// The path that links lead to, whether or not anything is there.
///
/// # Errors
/// They lead in a circle.
pub fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = parent(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a link that leads to itself",
    ))
}

/// The folder of a path; a bare name is in the one where the process is.
pub fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/file");
        make_folders(parent(&path)).unwrap();
        std::fs::write(&path, b"x").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        sync_all_below(folder.path()).unwrap();
        assert_eq!(parent(Path::new("name")), Path::new("."));
    }
}
