//! The files of artifacts: each is called like the digest of its bytes, in a folder of the first two digits.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sweeps::Digest;

use crate::store::digests;
use crate::store::journal::JournalError;

/// Where the artifact is in that folder. The name is made of the digest alone, so that nothing from outside can lead
/// elsewhere.
pub(crate) fn path_of(artifacts: &Path, digest: Digest) -> PathBuf {
    let name = digest.to_string();
    artifacts.join(&name[..2]).join(&name)
}

/// Whether the bytes of a file have that digest; one that is not there does not.
pub(super) fn is_good(path: &Path, digest: Digest) -> io::Result<bool> {
    match std::fs::File::open(path) {
        Ok(mut file) => Ok(digests::hash(&mut file, &mut |_| Ok(()))?.0 == digest),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a damaged file a name under which nobody takes it for what it is not.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    std::fs::rename(path, durable::aside(path)?)?;
    durable::sync_folder(durable::parent(path))
}

/// Reads every artifact of a state folder that no coordinator has open. Damaged ones are set aside; answers which.
///
/// # Errors
/// [`JournalError::Io`].
pub(crate) fn set_damaged_aside(state: &Path) -> Result<BTreeSet<Digest>, JournalError> {
    let mut damaged = BTreeSet::new();
    for artifact in artifacts_in(&state.join("artifacts"))? {
        let (digest, path) = artifact?;
        if !is_good(&path, digest).map_err(JournalError::io("read", &path))? {
            set_aside(&path).map_err(JournalError::io("set aside", &path))?;
            damaged.insert(digest);
        }
    }
    Ok(damaged)
}

/// Every file of the folder that is called like an artifact, in order. What is called otherwise (damaged and set aside, on
/// its way, or not ours) is nobody's to touch.
///
/// # Errors
/// [`JournalError::Io`].
pub(crate) fn artifacts_in(
    artifacts: &Path,
) -> Result<impl Iterator<Item = Result<(Digest, PathBuf), JournalError>>, JournalError> {
    let mut folders = names_in(artifacts).map_err(JournalError::io("list", artifacts))?;
    // The first two digits of a digest.
    folders.retain(|folder| folder.len() == 2);
    Ok(folders.into_iter().flat_map(move |folder| {
        let within = artifacts.join(folder);
        let names = match names_in(&within) {
            Ok(names) => names,
            Err(error) => return vec![Err(JournalError::io("list", &within)(error))],
        };
        let named = |name: String| Some(Ok((name.parse().ok()?, within.join(&name))));
        names.into_iter().filter_map(named).collect()
    }))
}

/// The names in a folder, in order; none where there is no folder.
pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            let mut names = Vec::new();
            for entry in entries {
                names.extend(entry?.file_name().into_string());
            }
            names.sort();
            Ok(names)
        }
    }
}
