//! Checkpoints on disk: one file a job, replaced whole, checked when read, bounded together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sweeps::{Digest, JobId};
use tracing::{info, warn};

use crate::files::{remove, write_parts_atomically};

/// First bytes of a file: what it is, and the revision of its layout.
const MAGIC: &[u8; 8] = b"GCLSAVE1";
/// Magic, digest of what follows, seconds trained, times resumed.
const HEAD: usize = 8 + 32 + 8 + 4;
const EXTENSION: &str = "checkpoint";

/// The folder of checkpoints.
pub(super) struct Scratch {
    folder: PathBuf,
    limit: u64,
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
        self.make_room(job, (head.len() + checkpoint.len()) as u64)?;
        write_parts_atomically(&self.path(job), &[&head, checkpoint])
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
        if let Err(cause) = remove(&path) {
            warn!(file = %path.display(), %cause, "a checkpoint cannot be removed");
        }
    }

    fn make_room(&self, job: JobId, bytes: u64) -> io::Result<()> {
        if bytes > self.limit {
            return Err(io::Error::other(format!(
                "it has {bytes} bytes, and the scratch folder may hold {}",
                self.limit
            )));
        }
        let own = self.path(job);
        let mut others: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            let checkpoint = path
                .extension()
                .is_some_and(|extension| extension == EXTENSION);
            // Another worker may remove its file between the listing and this.
            if checkpoint
                && path != own
                && let Ok(metadata) = entry.metadata()
            {
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                others.push((modified, path, metadata.len()));
            }
        }
        others.sort();
        let mut total: u64 = others.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, path, length) in others {
            if total.saturating_add(bytes) <= self.limit {
                break;
            }
            info!(file = %path.display(), "an old checkpoint makes room");
            remove(&path)?;
            total -= length;
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
