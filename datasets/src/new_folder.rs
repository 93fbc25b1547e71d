//! A folder that is whole under its name or not there: made beside its place and renamed, or, where the place is an empty folder
//! already, within it.
//!
//! *Because* a mount point, a link's target, a folder with rights of its own or one in a folder that is not ours can be filled and not
//! replaced, a folder that is there stays the one that it is. It is no data set before its last file, `dataset.toml`, has its name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::write_error::WriteError;

/// The file without which a folder is no data set.
const LAST: &str = "dataset.toml";
/// What may be in a folder that counts as empty: every ext4 volume has one.
const IGNORED: &str = "lost+found";

/// A folder that is being made. Dropped unfinished, it leaves nothing.
pub(crate) struct NewFolder {
    /// As it was asked for.
    asked: PathBuf,
    /// Where it will be: what links lead to.
    place: PathBuf,
    /// Where it is made.
    part: PathBuf,
    /// Locked for as long as this lives: what is not locked was left behind.
    lock: Option<File>,
    /// Whether `place` is there and stays.
    is_within: bool,
}

impl NewFolder {
    /// Finds out whether there can be a folder of that name, and begins it.
    ///
    /// # Errors
    /// It is there and not empty, or the system does not let it be made.
    pub(crate) fn begin(asked: &Path) -> Result<Self, WriteError> {
        let fault = |cause| WriteError::new(asked, cause);
        let place = durable::behind_links(asked).map_err(fault)?;
        let is_within = match fs::metadata(&place) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(fault(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    "it is a file: give the name of a folder",
                )));
            }
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(fault(error)),
        };
        let start = if is_within {
            ".part-".to_owned()
        } else {
            let name = place.file_name().ok_or_else(|| {
                fault(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the path does not end in a name",
                ))
            })?;
            format!("{}.part-", name.to_string_lossy())
        };
        let above = if is_within {
            &place
        } else {
            durable::parent(&place)
        };
        remove_leftovers(above, &start);
        if is_within && !is_empty(&place, &start).map_err(fault)? {
            return Err(fault(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "it exists already and is not empty: remove it, or give another name",
            )));
        }
        let part = above.join(format!("{start}{}", durable::word()));
        fs::create_dir_all(&part).map_err(|cause| fault(said_of(above, cause)))?;
        let lock = File::open(&part)
            .ok()
            .filter(|file| file.try_lock().is_ok());
        Ok(Self {
            asked: asked.to_owned(),
            place,
            part,
            lock,
            is_within,
        })
    }

    /// Where its files are made.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// What the system says; nothing of it is left.
    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        let done = if self.is_within {
            self.move_up()
        } else {
            fs::rename(&self.part, &self.place)
        };
        done.map_err(|cause| WriteError::new(&self.asked, cause))?;
        self.lock = None;
        Ok(())
    }

    /// Moves everything to the folder that is there; all of it or nothing.
    fn move_up(&self) -> io::Result<()> {
        let mut names: Vec<_> = fs::read_dir(&self.part)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort_by_key(|name| name == LAST);
        let mut moved: Vec<PathBuf> = Vec::new();
        for name in names {
            let to = self.place.join(&name);
            if let Err(error) = fs::rename(self.part.join(&name), &to) {
                for path in moved {
                    let _ = fs::rename(&path, self.part.join(path.file_name().unwrap_or_default()));
                }
                return Err(error);
            }
            moved.push(to);
        }
        fs::remove_dir(&self.part)
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // Finished, it is not there any more.
        let _ = fs::remove_dir_all(&self.part);
    }
}

/// What the system said of the folder in which another cannot be made.
fn said_of(above: &Path, cause: io::Error) -> io::Error {
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => io::Error::new(
            cause.kind(),
            format!("nothing can be made in {}: {cause}", above.display()),
        ),
        _ => cause,
    }
}

fn is_empty(folder: &Path, start: &str) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != IGNORED && !name.to_string_lossy().starts_with(start) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes what killed processes left: what can be locked is nobody's.
fn remove_leftovers(above: &Path, start: &str) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(start) {
            continue;
        }
        let path = entry.path();
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            // Only room is lost if it stays.
            let _ = fs::remove_dir_all(&path);
        }
    }
}
