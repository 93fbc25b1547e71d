//! Digests of videos, kept beside the data set: a hundred gigabytes are not read again for typing a command again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use extract::list::Listed;
use proto::error_chain;
use serde::{Deserialize, Serialize};
use sweeps::Digest;

use crate::error::CommandError;

/// Digests by the videos' names.
#[derive(Debug)]
pub(super) struct Digests {
    file: PathBuf,
    known: BTreeMap<String, Known>,
}

/// A digest, and what tells that the file may have changed since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    digest: Digest,
    bytes: u64,
    /// Nanoseconds since 1970 of its last change; of a folder of images, of the folder's.
    changed: u64,
}

impl Digests {
    /// Those that are kept in the data set's folder; none where they cannot be read.
    pub(super) fn open(out: &Path) -> Self {
        let file = out.join(".extract/digests.json");
        let known = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { file, known }
    }

    /// The digest of a video, read if it has to be.
    pub(super) fn of(&mut self, listed: &Listed) -> Result<Digest, CommandError> {
        let path = &listed.video.path;
        let changed = std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_nanos() as u64);
        let bytes = extract::size(&listed.video);
        if let Some(known) = self.known.get(&listed.video.name)
            && (known.bytes, known.changed) == (bytes, changed)
        {
            return Ok(known.digest);
        }
        let digest = extract::video::digest(&listed.video)
            .map(Digest)
            .map_err(|error| CommandError::Input(error_chain(&error)))?;
        let known = Known {
            digest,
            bytes,
            changed,
        };
        self.known.insert(listed.video.name.clone(), known);
        Ok(digest)
    }

    /// Keeps them. Where that fails the next run reads the videos again.
    pub(super) fn keep(&self) {
        if let Ok(text) = serde_json::to_string_pretty(&self.known) {
            let _ = std::fs::write(&self.file, text + "\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use extract::list::by_folders;
    use extract::video::find;

    #[test]
    fn a_changed_file_is_read_again_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let video = folder.path().join("a.mp4");
        std::fs::write(&video, "one").unwrap();
        let listed = by_folders(&find(folder.path()).unwrap().videos).remove(0);
        std::fs::create_dir(folder.path().join(".extract")).unwrap();
        let mut digests = Digests::open(folder.path());
        assert_eq!(digests.of(&listed).unwrap(), Digest::of(b"one"));
        digests.keep();
        let mut again = Digests::open(folder.path());
        // Kept, not read: what was kept is believed.
        again.known.get_mut("a").unwrap().digest = Digest([3; 32]);
        assert_eq!(again.of(&listed).unwrap(), Digest([3; 32]));
        std::fs::write(&video, "three").unwrap();
        assert_eq!(again.of(&listed).unwrap(), Digest::of(b"three"));
    }
}
