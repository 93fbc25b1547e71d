//! A state folder piece by piece.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use proto::limits::CHUNK_BYTES;
use proto::nouns::Piece;

use crate::store::artifacts::{artifacts_in, path_of};
use crate::store::journal::{self, JournalError};
use crate::store::mark::Mark;

/// Reads the state folder of a coordinator that may be running, and hands out its pieces until `take` says that nobody
/// wants them any more.
///
/// # Errors
/// [`JournalError::Io`].
pub fn send(state: &Path, take: &mut dyn FnMut(Piece) -> bool) -> Result<(), JournalError> {
    let (mut files, mut total) = (0, 0);
    for part in journal::parts(&state.join("journal"))? {
        let path = format!("journal/{}", part.name);
        let doing = JournalError::io("read", &state.join(&path));
        if !send_file(path, part.file, part.bytes, take).map_err(doing)? {
            return Ok(());
        }
        files += 1;
        total += part.bytes;
    }
    if super::is_guarded(state) {
        let path = Mark::Guarded.name().to_owned();
        if !take(Piece::File { path, bytes: 0 }) {
            return Ok(());
        }
        files += 1;
    }
    for artifact in artifacts_in(&state.join("artifacts"))? {
        let (digest, path) = artifact?;
        let file = match File::open(&path) {
            Ok(file) => file,
            // Collected as garbage since it was listed: no record names it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(JournalError::io("open", &path)(error)),
        };
        let metadata = file.metadata();
        let bytes = metadata.map_err(JournalError::io("look at", &path))?.len();
        let relative = path_of(Path::new("artifacts"), digest);
        let relative = relative.to_string_lossy().into_owned();
        if !send_file(relative, file, bytes, take).map_err(JournalError::io("read", &path))? {
            return Ok(());
        }
        files += 1;
        total += bytes;
    }
    take(Piece::End {
        files,
        bytes: total,
    });
    Ok(())
}

fn send_file(
    path: String,
    mut file: File,
    bytes: u64,
    take: &mut dyn FnMut(Piece) -> bool,
) -> io::Result<bool> {
    if !take(Piece::File { path, bytes }) {
        return Ok(false);
    }
    let mut left = bytes;
    while left > 0 {
        let mut data = vec![0; left.min(CHUNK_BYTES as u64) as usize];
        file.read_exact(&mut data)?;
        left -= data.len() as u64;
        if !take(Piece::Data(data)) {
            return Ok(false);
        }
    }
    Ok(true)
}
