//! Checkpoints on disk: one file a job, replaced whole, checked when read, bounded together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use durable::{UNFINISHED, Writing, discard, replace};
use sweeps::{Digest, JobId};
use tokio::time::Instant;
use tracing::{info, warn};

/// First bytes of a file: what it is, and the revision of its layout.
const MAGIC: &[u8; 8] = b"GCLSAVE1";
/// Magic, digest of what follows, seconds trained, times resumed.
const HEAD: usize = 8 + 32 + 8 + 4;
const EXTENSION: &str = "checkpoint";
/// Between two listings of the folder: other workers write to a shared one too.
const LISTED_EVERY: Duration = Duration::from_mins(10);
/// New files of this process after which the folder is listed again, as a share of its limit: as far as the folder may grow
/// beyond its limit by what each worker does not know of the others.
const UNLISTED_SHARE: u64 = 16;
/// A file that is not whole after so long was left by a process that died.
const ABANDONED: Duration = Duration::from_hours(24);

/// The folder of checkpoints.
pub(super) struct Scratch {
    folder: PathBuf,
    limit: u64,
    known: Mutex<Known>,
}

/// What is known of the folder's files. *Because* a shared folder may hold the checkpoints of thousands of jobs, and one is saved
/// each second, the folder is listed now and then and not at each save.
#[derive(Default)]
struct Known {
    listed: Option<Instant>,
    /// When each file was written last, and its bytes.
    files: BTreeMap<PathBuf, (SystemTime, u64)>,
    oldest_first: BTreeSet<(SystemTime, PathBuf)>,
    total: u64,
    /// Bytes of new files since the listing.
    unlisted: u64,
}

impl Known {
    fn set(&mut self, path: PathBuf, modified: SystemTime, bytes: u64) {
        self.remove(&path);
        self.total += bytes;
        self.oldest_first.insert((modified, path.clone()));
        self.files.insert(path, (modified, bytes));
    }

    fn remove(&mut self, path: &Path) -> Option<u64> {
        let (modified, bytes) = self.files.remove(path)?;
        self.oldest_first.remove(&(modified, path.to_owned()));
        self.total -= bytes;
        Some(bytes)
    }
}

/// A job that was interrupted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Saved {
    /// Where it stands; `None` at its start.
    pub(super) checkpoint: Option<Vec<u8>>,
    /// Seconds that it trained.
    pub(super) duration_s: f64,
    /// How often it was taken up again.
    pub(super) resumed: u32,
}

impl Scratch {
    pub(super) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            limit,
            known: Mutex::default(),
        })
    }

    /// Replaces the job's checkpoint. Where that makes the folder too large, the oldest ones of other jobs go.
    pub(super) fn save(&self, job: JobId, saved: &Saved) -> io::Result<()> {
        let checkpoint = saved.checkpoint.as_deref().unwrap_or_default();
        let mut head = Vec::with_capacity(HEAD);
        head.extend(MAGIC);
        head.extend([0; 32]);
        head.extend(saved.duration_s.to_le_bytes());
        head.extend(saved.resumed.to_le_bytes());
        // The file is replaced without waiting for the disk: what a power loss leaves of it is told by this. In two parts,
        // since a copy of the checkpoint would be a seventh of what a job needs.
        let mut digest = blake3::Hasher::new();
        digest.update(&head[40..]).update(checkpoint);
        head[8..40].copy_from_slice(digest.finalize().as_bytes());
        let bytes = (head.len() + checkpoint.len()) as u64;
        let path = self.path(job);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_room(&mut known, &path, bytes)?;
        replace(&path, &[&head, checkpoint], Writing::ATOMIC)?;
        let modified = fs::metadata(&path)
            .and_then(|file| file.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        if !known.files.contains_key(&path) {
            known.unlisted += bytes;
        }
        known.set(path, modified, bytes);
        Ok(())
    }

    /// The job's checkpoint, if there is one that is whole.
    pub(super) fn load(&self, job: JobId) -> Option<Saved> {
        let path = self.path(job);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(cause) => {
                warn!(file = %path.display(), %cause, "a checkpoint cannot be read; training begins anew");
                return None;
            }
        };
        let saved = parse(&bytes);
        if saved.is_none() {
            warn!(file = %path.display(), "a checkpoint is damaged; training begins anew");
            self.remove(job);
        }
        saved
    }

    pub(super) fn remove(&self, job: JobId) {
        let path = self.path(job);
        if let Err(cause) = discard(&path) {
            warn!(file = %path.display(), %cause, "a checkpoint cannot be removed");
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&path);
    }

    fn make_room(&self, known: &mut Known, own: &Path, bytes: u64) -> io::Result<()> {
        if bytes > self.limit {
            return Err(io::Error::other(format!(
                "it has {bytes} bytes, and the scratch folder may hold {}",
                self.limit
            )));
        }
        let stale = known
            .listed
            .is_none_or(|listed| listed.elapsed() >= LISTED_EVERY)
            || known.unlisted > self.limit / UNLISTED_SHARE;
        if stale {
            self.list(known)?;
        }
        let replaced = known.files.get(own).map_or(0, |(_, bytes)| *bytes);
        while (known.total - replaced).saturating_add(bytes) > self.limit {
            let oldest = known.oldest_first.iter().find(|(_, path)| path != own);
            let Some((modified, path)) = oldest.cloned() else {
                break;
            };
            // Another worker may have gone on with the job, or finished it, since the listing.
            match fs::metadata(&path).and_then(|file| Ok((file.modified()?, file.len()))) {
                Ok((newer, bytes)) if newer > modified => known.set(path, newer, bytes),
                _ => {
                    info!(file = %path.display(), "an old checkpoint makes room");
                    discard(&path)?;
                    known.remove(&path);
                }
            }
        }
        Ok(())
    }

    /// Reads what is in the folder. What a process that died did not finish goes.
    fn list(&self, known: &mut Known) -> io::Result<()> {
        *known = Known {
            listed: Some(Instant::now()),
            ..Known::default()
        };
        let mut unfinished = Vec::new();
        let mut newest = SystemTime::UNIX_EPOCH;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            // Another worker may remove its file between the listing and this.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            newest = newest.max(modified);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(EXTENSION) => known.set(path, modified, metadata.len()),
                Some(UNFINISHED) => unfinished.push((path, modified)),
                _ => {}
            }
        }
        // The folder's own clock, whichever host keeps it.
        for (path, modified) in unfinished {
            if newest
                .duration_since(modified)
                .is_ok_and(|age| age >= ABANDONED)
            {
                discard(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, job: JobId) -> PathBuf {
        self.folder.join(format!("{job}.{EXTENSION}"))
    }
}

fn parse(bytes: &[u8]) -> Option<Saved> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (digest, content) = rest.split_first_chunk::<32>()?;
    if magic != MAGIC || Digest::of(content).0 != *digest {
        return None;
    }
    let (duration, rest) = content.split_first_chunk::<8>()?;
    let (resumed, checkpoint) = rest.split_first_chunk::<4>()?;
    let duration_s = f64::from_le_bytes(*duration);
    Some(Saved {
        checkpoint: (!checkpoint.is_empty()).then(|| checkpoint.to_vec()),
        duration_s: if duration_s.is_finite() {
            duration_s
        } else {
            0.0
        },
        resumed: u32::from_le_bytes(*resumed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(byte: u8, length: usize) -> Saved {
        Saved {
            checkpoint: Some(vec![byte; length]),
            duration_s: 1.25,
            resumed: 3,
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 1 << 20).unwrap();
        let job = JobId([1; 32]);
        assert_eq!(scratch.load(job), None);
        scratch.save(job, &saved(7, 1000)).unwrap();
        assert_eq!(scratch.load(job), Some(saved(7, 1000)));

        let path = scratch.path(job);
        let whole = fs::read(&path).unwrap();
        for length in [0, 7, 39, 51, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(scratch.load(job), None, "{length}");
            assert!(!path.exists());
        }
        let mut flipped = whole.clone();
        flipped[600] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert_eq!(scratch.load(job), None);
        scratch.remove(job);
    }

    #[test]
    fn a_folder_of_many_jobs_is_listed_once_and_not_at_each_save() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 1 << 20).unwrap();
        scratch.save(JobId([1; 32]), &saved(1, 100)).unwrap();
        let listed = scratch.known.lock().unwrap().listed;
        assert!(listed.is_some());
        // A file of another worker is not looked for at each save.
        fs::write(folder.path().join("other.checkpoint"), [0; 100]).unwrap();
        for _ in 0..100 {
            scratch.save(JobId([1; 32]), &saved(1, 100)).unwrap();
        }
        let known = scratch.known.lock().unwrap();
        assert_eq!(known.listed, listed);
        assert_eq!(known.files.len(), 1);
        assert_eq!(known.total, 152);
    }

    #[test]
    fn a_checkpoint_that_another_worker_goes_on_with_is_not_the_oldest_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 3500).unwrap();
        let age = |job: u8, seconds: u64| {
            let file = fs::File::options()
                .write(true)
                .open(scratch.path(JobId([job; 32])))
                .unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
                .unwrap();
        };
        for job in 0..3 {
            let other = Scratch::open(folder.path(), 1 << 20).unwrap();
            other.save(JobId([job; 32]), &saved(job, 1000)).unwrap();
            age(job, u64::from(job));
        }
        // Known at the listing of this save as the oldest; then another worker writes it again.
        scratch.save(JobId([9; 32]), &saved(9, 10)).unwrap();
        age(0, 1_000_000);
        scratch.save(JobId([8; 32]), &saved(8, 300)).unwrap();
        assert!(scratch.path(JobId([0; 32])).exists());
        assert!(!scratch.path(JobId([1; 32])).exists());
    }

    #[test]
    fn the_folder_stays_below_its_limit_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 3500).unwrap();
        for job in 0..6 {
            scratch.save(JobId([job; 32]), &saved(job, 1000)).unwrap();
            // Files of one instant are in no order.
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(job));
            let file = fs::File::options()
                .write(true)
                .open(scratch.path(JobId([job; 32])))
                .unwrap();
            file.set_modified(time).unwrap();
        }
        let kept: Vec<u8> = (0..6)
            .filter(|job| scratch.path(JobId([*job; 32])).exists())
            .collect();
        assert_eq!(kept, [3, 4, 5]);
        assert!(scratch.save(JobId([9; 32]), &saved(0, 4000)).is_err());
    }
}
