//! Artifacts that no record names: uploads whose record never came, records that were cut off by a repair.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use proto::nouns::Collected;

use crate::store::artifacts::{Claims, artifacts_in, names_in};
use crate::store::backup::artifacts_of;
use crate::store::journal::{self, JournalError};
use crate::store::lock::StateLock;
use crate::store::mark;

/// An artifact that nobody names is left alone for so long: its record may be on its way.
const YOUNG_SECONDS: u64 = 3600;

/// Removes the artifacts of a state folder that no record in its journal names. No coordinator may be running on it.
///
/// # Errors
/// [`JournalError`]: the journal is in use or damaged; nothing was removed then.
pub fn collect_stopped(state: &Path, dry_run: bool) -> Result<Collected, JournalError> {
    mark::be_whole(state)?;
    let _lock = StateLock::take(state)?;
    let mut collected = collect(state, None, &|_| false, dry_run)?;
    let incoming = state.join("artifacts").join("incoming");
    for name in names_in(&incoming).map_err(JournalError::io("list", &incoming))? {
        let path = incoming.join(name);
        let remove = || -> io::Result<u64> {
            let bytes = path.metadata()?.len();
            if !dry_run {
                std::fs::remove_file(&path)?;
            }
            Ok(bytes)
        };
        collected.removed_bytes += remove().map_err(JournalError::io("remove", &path))?;
        collected.removed += 1;
    }
    Ok(collected)
}

/// The same beside a running coordinator, which notes in `claims` what it is asked to store or to name meanwhile.
/// `age_seconds` says how long ago a time was.
pub(crate) fn collect_running(
    state: &Path,
    claims: &Claims,
    dry_run: bool,
    age_seconds: &dyn Fn(SystemTime) -> u64,
) -> Result<Collected, JournalError> {
    let is_young = |at| age_seconds(at) < YOUNG_SECONDS;
    collect(state, Some(claims), &is_young, dry_run)
}

fn collect(
    state: &Path,
    claims: Option<&Claims>,
    is_young: &dyn Fn(SystemTime) -> bool,
    dry_run: bool,
) -> Result<Collected, JournalError> {
    let mut named = BTreeSet::new();
    journal::visit(&state.join("journal"), &mut |scanned| {
        named.extend(artifacts_of(&scanned.entry));
        Ok(())
    })?;
    let mut collected = Collected::default();
    for artifact in artifacts_in(&state.join("artifacts"))? {
        let (digest, path) = artifact?;
        let metadata = path
            .metadata()
            .map_err(JournalError::io("look at", &path))?;
        if named.contains(&digest) {
            collected.kept += 1;
            collected.kept_bytes += metadata.len();
            continue;
        }
        let is_young = metadata.modified().is_ok_and(is_young);
        let remove = || {
            if dry_run {
                return Ok(());
            }
            std::fs::remove_file(&path)
        };
        let removed = match claims {
            _ if is_young => Ok(false),
            Some(claims) => claims.remove_unless_held(digest, &remove),
            None => remove().map(|()| true),
        };
        if !removed.map_err(JournalError::io("remove", &path))? {
            collected.young += 1;
            continue;
        }
        collected.removed += 1;
        collected.removed_bytes += metadata.len();
    }
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::tests::world::World;
    use crate::store::artifacts::ArtifactStore;
    use crate::store::journal::{Journal, Options};
    use sweeps::Digest;

    /// A state folder whose one record names one of two artifacts.
    fn state(folder: &Path) -> [Digest; 2] {
        let contents = [b"named", b"lost!"];
        let digests = contents.map(|bytes| Digest::of(bytes));
        for (digest, bytes) in digests.iter().zip(contents) {
            let name = digest.to_string();
            let within = folder.join("artifacts").join(&name[..2]);
            std::fs::create_dir_all(&within).unwrap();
            std::fs::write(within.join(&name), bytes).unwrap();
        }
        let mut world = World::new();
        world.sweep("s", 1);
        let worker = world.worker("w");
        let job = world.one(worker);
        let mut record = crate::scheduler::fixture::record(job.job_id, job.attempt, "w");
        record.outcome.artifacts.push(sweeps::ArtifactRef {
            name: "scores".into(),
            digest: digests[0],
            bytes: 5,
        });
        world.deliver(worker, record).unwrap();
        let options = Options::default();
        let mut journal =
            Journal::open_in(&folder.join("journal"), options, &mut |_| Ok(())).unwrap();
        journal.append(&world.entries).unwrap();
        digests
    }

    fn exists(folder: &Path, digest: Digest) -> bool {
        let name = digest.to_string();
        folder
            .join("artifacts")
            .join(&name[..2])
            .join(&name)
            .exists()
    }

    #[test]
    fn what_no_record_names_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [named, lost] = state(folder.path());
        std::fs::create_dir_all(folder.path().join("artifacts/incoming")).unwrap();
        std::fs::write(folder.path().join("artifacts/incoming/x.1"), b"half").unwrap();
        let strange = folder.path().join("artifacts/ab");
        std::fs::create_dir_all(&strange).unwrap();
        std::fs::write(strange.join("README"), b"mine").unwrap();

        let would = collect_stopped(folder.path(), true).unwrap();
        assert!(exists(folder.path(), lost));
        let did = collect_stopped(folder.path(), false).unwrap();
        assert_eq!(would, did);
        assert_eq!((did.removed, did.removed_bytes, did.kept), (2, 9, 1));
        assert!(exists(folder.path(), named) && !exists(folder.path(), lost));
        assert!(strange.join("README").exists());
        assert_eq!(collect_stopped(folder.path(), false).unwrap().removed, 0);
    }

    #[tokio::test]
    async fn beside_a_running_coordinator_the_young_and_the_claimed_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [_, lost] = state(folder.path());
        let store = ArtifactStore::open(&folder.path().join("artifacts"), 100).unwrap();
        let claims = store.claims().unwrap();
        assert!(store.claims().is_none(), "one at a time");
        let young = collect_running(folder.path(), &claims, false, &|_| 0).unwrap();
        assert_eq!((young.removed, young.young), (0, 1));
        // Somebody is about to name it.
        assert!(store.begin(lost, 5).await.unwrap().is_none());
        let claimed = collect(folder.path(), Some(&claims), &|_| false, false).unwrap();
        assert_eq!((claimed.removed, claimed.young), (0, 1));
        drop(claims);
        let claims = store.claims().unwrap();
        let old = collect(folder.path(), Some(&claims), &|_| false, false).unwrap();
        assert_eq!(old.removed, 1);
        assert!(!store.contains(lost).await);
    }
}
