//! Single entries of a journal that was read, found again by their locations.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sweeps::Digest;

use super::error::JournalError;
use super::files::{self, Selection, path_of, snapshot_of};
use super::frame::{FRAME, Location};
use super::payload::Payload;
use super::scan::{Visit, scan_open};

/// The files of a journal that was read: what was in them can be read again also when they are removed.
pub struct OpenSegments(Vec<(u64, bool, PathBuf, File)>);

impl OpenSegments {
    /// Reads the payload at `location` and verifies its digest.
    ///
    /// # Errors
    /// [`JournalError`], when it is not what was written.
    pub fn payload(&self, location: &Location) -> Result<Vec<u8>, JournalError> {
        let wanted = (location.segment, location.in_snapshot);
        let mut segments = self.0.iter();
        let segment = segments.find(|(number, is_snapshot, ..)| (*number, *is_snapshot) == wanted);
        let Some((_, _, path, file)) = segment else {
            let absent = io::Error::new(io::ErrorKind::NotFound, "it was not there");
            return Err(JournalError::io("open", &path_of(Path::new(""), wanted.0))(
                absent,
            ));
        };
        payload_at(file, path, location)
    }
}

/// Like [`super::visit`]; keeps the files open.
///
/// # Errors
/// [`JournalError`], after what was before the damage.
pub fn read<P: Payload>(
    folder: &Path,
    visit: &mut Visit<'_, P>,
) -> Result<OpenSegments, JournalError> {
    let segments = files::open(folder, Selection::All)?;
    let mut open = Vec::new();
    for segment in &segments.current {
        let file = segment.file.try_clone();
        let file = file.map_err(JournalError::io("open", &segment.path))?;
        open.push((
            segment.number,
            segment.is_snapshot,
            segment.path.clone(),
            file,
        ));
    }
    scan_open(segments, folder, Selection::All, visit)?;
    Ok(OpenSegments(open))
}

/// Reads the payload at `location` and verifies its digest.
///
/// # Errors
/// [`JournalError`], when it is not what was written.
pub fn read_payload(folder: &Path, location: &Location) -> Result<Vec<u8>, JournalError> {
    let path = if location.in_snapshot {
        snapshot_of(folder, location.segment)
    } else {
        path_of(folder, location.segment)
    };
    let file = File::open(&path).map_err(JournalError::io("open", &path))?;
    payload_at(&file, &path, location)
}

fn payload_at(file: &File, path: &Path, location: &Location) -> Result<Vec<u8>, JournalError> {
    let length = file
        .metadata()
        .map_err(JournalError::io("look at", path))?
        .len();
    let damaged = |what: &str| JournalError::Damaged {
        path: path.to_owned(),
        offset: location.offset.saturating_sub(FRAME),
        what: what.into(),
    };
    if location
        .offset
        .checked_add(u64::from(location.length))
        .is_none_or(|end| end > length)
    {
        return Err(damaged("an entry is missing"));
    }
    let mut payload = vec![0; location.length as usize];
    file.read_exact_at(&mut payload, location.offset)
        .map_err(JournalError::io("read", path))?;
    if Digest::of(&payload) != location.digest {
        return Err(damaged("the digest of an entry is wrong"));
    }
    Ok(payload)
}
