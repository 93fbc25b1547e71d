//! The cache's folder: its user's alone, made where it is not there, and used by nobody else.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// A longer file is not one of ours: the longest artifacts have some hundred megabytes.
pub const LONGEST: u64 = 1 << 30;
/// The folder of the results, below the one that a user names: all of it is ours.
const RESULTS: &str = "results";

/// The folder of the results below the cache's folder, where there is one.
///
/// # Errors
/// It is not to be used, and why.
pub fn find(cache: &Path) -> Result<Option<PathBuf>, String> {
    let results = cache.join(RESULTS);
    match results.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot look at {}: {error}", results.display())),
        Ok(found) => {
            is_private(&results, &found)?;
            Ok(Some(results))
        }
    }
}

/// The same; it is made where it is not there.
///
/// # Errors
/// It is not to be used, or cannot be made, and why.
pub fn make(cache: &Path) -> Result<PathBuf, String> {
    let failed = |folder: &Path, error: io::Error| {
        format!("cannot make the folder {}: {error}", folder.display())
    };
    not_of_another(cache)?;
    durable::make_folders(cache).map_err(|error| failed(cache, error))?;
    is_ours(
        cache,
        &cache.metadata().map_err(|error| failed(cache, error))?,
    )?;
    let results = cache.join(RESULTS);
    match DirBuilder::new().mode(0o700).create(&results) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(|error| failed(&results, error))?,
    }
    find(cache)?.ok_or_else(|| format!("{} is gone", results.display()))
}

/// Refuses root a folder below another user's, which root alone could make there: that user could not use it then.
fn not_of_another(cache: &Path) -> Result<(), String> {
    let above = cache.ancestors().find_map(|above| {
        let found = above.metadata().ok()?;
        Some((above, found.uid()))
    });
    match above {
        Some((above, owner)) if geteuid().is_root() && owner != 0 => Err(format!(
            "{} belongs to another user, and this is root",
            above.display()
        )),
        _ => Ok(()),
    }
}

fn is_ours(folder: &Path, found: &Metadata) -> Result<(), String> {
    if !found.is_dir() {
        return Err(format!("{} is not a folder", folder.display()));
    }
    if found.uid() != geteuid().as_raw() {
        return Err(format!("{} belongs to another user", folder.display()));
    }
    Ok(())
}

/// Ours, and for us alone: what is wider is narrowed, since nobody but us made it.
fn is_private(folder: &Path, found: &Metadata) -> Result<(), String> {
    is_ours(folder, found)?;
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(|error| {
            format!(
                "others may write into {}, and that cannot be changed: {error}",
                folder.display()
            )
        })?;
    }
    Ok(())
}

/// The bytes of a file of ours; `None` where there is none.
///
/// # Errors
/// It is none of ours, or cannot be read.
pub fn read(path: &Path) -> Result<Option<(File, Vec<u8>)>, String> {
    let opened = OpenOptions::new()
        .read(true)
        // A link leads who knows where; a pipe would have us wait.
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| format!("it cannot be read: {error}"))?,
    };
    let found = file
        .metadata()
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if !found.is_file() || found.uid() != geteuid().as_raw() {
        return Err("it is not a file of this user".to_owned());
    }
    if found.len() > LONGEST {
        return Err(format!("it has {} bytes", found.len()));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    io::Read::by_ref(&mut file)
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(Some((file, bytes)))
}
