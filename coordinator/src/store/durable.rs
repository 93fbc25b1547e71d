//! Files that are whole under their name or not there at all, also after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::disk::{make_folders, sync_folder};

/// Writes a file with that mode: beside, synced, renamed, its name synced. Its owner is that of the file that it replaces,
/// or of the folder (crate `ownership`).
///
/// # Errors
/// What the operating system said; the file is as it was then.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let part = beside(path);
    let write = || {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&part)?;
        ownership::keep(&file, path)?;
        // Whatever an older file of that name allowed.
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        publish(&part, path)
    };
    let written = write();
    if written.is_err() {
        // Where it cannot be removed either, it is overwritten the next time.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Gives a file that is synced its name, and makes the name durable. Makes the folder where needed.
///
/// # Errors
/// What the operating system said.
pub(crate) fn publish(part: &Path, path: &Path) -> io::Result<()> {
    let folder = parent(path);
    make_folders(folder)?;
    std::fs::rename(part, path)?;
    sync_folder(folder)
}

/// A name for a damaged file, or a damaged part of one, that ends in `.damaged` and that no other file has: what was set
/// aside before stays.
///
/// # Errors
/// What the operating system said.
pub(crate) fn aside(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u64;
    loop {
        let mut name = path.as_os_str().to_owned();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        name.push(".damaged");
        let name = PathBuf::from(name);
        match std::fs::symlink_metadata(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
            Err(error) => return Err(error),
            Ok(_) => number += 1,
        }
    }
}

/// Removes a file, durably; one that is not there is removed.
///
/// # Errors
/// What the operating system said.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(parent(path)),
    }
}

/// Copies a file, and answers the digest and the number of the bytes that were copied. It is on disk after
/// [`sync_all_below`].
///
/// # Errors
/// What the operating system said.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<(sweeps::Digest, u64)> {
    let mut file = File::open(from)?;
    let mut out = File::create(to)?;
    hash(&mut file, &mut |bytes| out.write_all(bytes))
}

/// Makes everything below a folder durable: files, folders, names.
///
/// # Errors
/// What the operating system said.
#[cfg(target_os = "linux")]
pub(crate) fn sync_all_below(folder: &Path) -> io::Result<()> {
    // One call for the whole file system, instead of one for each of a hundred thousand artifacts.
    Ok(nix::unistd::syncfs(File::open(folder)?)?)
}

/// Makes everything below a folder durable: files, folders, names.
///
/// # Errors
/// What the operating system said.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_all_below(folder: &Path) -> io::Result<()> {
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

/// The digest and the number of the bytes that are left in a file, each of which is shown.
///
/// # Errors
/// What the operating system or `each` said.
pub(crate) fn hash(
    file: &mut impl io::Read,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(sweeps::Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        each(&buffer[..read])?;
        total += read as u64;
    }
    Ok((sweeps::Digest(*hasher.finalize().as_bytes()), total))
}

/// The folder of a path; a bare name is in the one where the process is.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_and_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        std::fs::create_dir_all(parent(&path)).unwrap();
        write(&path, b"one", 0o600).unwrap();
        write(&path, b"two", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(parent(&path)).unwrap().count(), 1);
        let copy_to = folder.path().join("copy");
        assert_eq!(
            copy(&path, &copy_to).unwrap(),
            (sweeps::Digest::of(b"two"), 3)
        );
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(parent(Path::new("name")), Path::new("."));
    }
}
