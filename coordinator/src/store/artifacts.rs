//! Artifacts: content-addressed files. Written beside, checked, synced, renamed: a name is never seen before its bytes
//! are whole and on disk.

mod claims;
mod files;
mod room;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use sweeps::Digest;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::store::blocking::blocking;
use crate::store::journal::JournalError;
use proto::nouns::Refusal;

use claims::Claimed;
pub(crate) use claims::Claims;
pub(crate) use files::{artifacts_in, names_in, path_of, set_damaged_aside};
use files::{is_good, set_aside};
use room::is_full;
pub(crate) use room::{free, reserve, reserve_beside};

/// After so many bytes of an upload it is looked again whether there is room.
const ROOM_EVERY: u64 = 16 << 20;

/// A folder of artifacts.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    folder: Arc<Path>,
    longest: u64,
    /// Bytes that an upload leaves free.
    reserve: u64,
    uploads: Arc<AtomicU64>,
    damaged: Arc<AtomicU64>,
    claimed: Claimed,
}

impl ArtifactStore {
    /// Opens the store in `folder`, making it if there is none. Takes no artifact of more than `longest` bytes.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn open(folder: &Path, longest: u64) -> Result<Self, JournalError> {
        let incoming = folder.join("incoming");
        // What was being uploaded when the process ended is sent again.
        match std::fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(JournalError::io("empty the folder", &incoming)(error));
            }
            _ => {}
        }
        match std::fs::create_dir_all(&incoming) {
            // Everything else can be done meanwhile; the first upload that finds room makes it.
            Err(error) if is_full(&error) && folder.is_dir() => {}
            made => made.map_err(JournalError::io("make the folder", &incoming))?,
        }
        Ok(Self {
            folder: folder.into(),
            longest,
            reserve: 0,
            uploads: Arc::default(),
            damaged: Arc::default(),
            claimed: Arc::default(),
        })
    }

    /// The same, with so many bytes that uploads leave free on the disk.
    #[must_use]
    pub fn leaving(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    /// How many damaged ones were found since the start.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        path_of(&self.folder, digest)
    }

    /// Begins to note what is asked for; `None` where somebody does so already.
    pub(crate) fn claims(&self) -> Option<Claims> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.is_some() {
            return None;
        }
        *claimed = Some(BTreeSet::new());
        Some(Claims::new(self.claimed.clone()))
    }

    /// Whether it is stored.
    pub async fn contains(&self, digest: Digest) -> bool {
        {
            let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(claimed) = claimed.as_mut() {
                claimed.insert(digest);
            }
        }
        tokio::fs::try_exists(self.path(digest))
            .await
            .unwrap_or(false)
    }

    /// Whether it is stored, for a record that says how long it is. One that has another length is looked at: a damaged
    /// one is set aside, so that whoever has it stores it again.
    pub async fn holds(&self, digest: Digest, bytes: u64) -> Result<bool, Refusal> {
        if !self.contains(digest).await {
            return Ok(false);
        }
        let length = tokio::fs::metadata(self.path(digest)).await;
        if length.is_ok_and(|found| found.len() == bytes) {
            return Ok(true);
        }
        self.is_good(digest).await
    }

    /// Reads a stored one to its end: whether it is what its name says. A damaged one is set aside.
    async fn is_good(&self, digest: Digest) -> Result<bool, Refusal> {
        let path = self.path(digest);
        let damaged = self.damaged.clone();
        blocking(move || {
            let good = is_good(&path, digest).map_err(|error| storage(&path, &error))?;
            if !good && path.exists() {
                damaged.fetch_add(1, Ordering::Relaxed);
                tracing::error!(path = %path.display(), "an artifact is damaged: its bytes are not those of its name. It is set aside; the disk deserves a look");
                set_aside(&path).map_err(|error| storage(&path, &error))?;
            }
            Ok(good)
        })
        .await?
    }

    /// Whether the disk has room for any upload at all.
    ///
    /// # Errors
    /// [`Refusal::Storage`]: every upload is refused.
    pub(crate) fn has_room(&self) -> Result<(), Refusal> {
        self.leave_room(0)
    }

    /// Makes the file of an upload. Cleaners of temporary files take away the folder that it is in, which is empty for
    /// most of the time: it is made again, as long as the folder of the artifacts itself is there.
    async fn make_part(&self, part: &Path) -> io::Result<File> {
        match File::create(part).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made,
        }
        match tokio::fs::create_dir(durable::parent(part)).await {
            // Another upload was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        File::create(part).await
    }

    /// Refuses what would not leave free what is kept for others: the journal, where it is on the same disk.
    fn leave_room(&self, bytes: u64) -> Result<(), Refusal> {
        match free(&self.folder) {
            Some(free) if free.saturating_sub(bytes) < self.reserve => {
                Err(Refusal::Storage(format!(
                    "the disk is nearly full: {} MiB are free at {}, an upload of {bytes} bytes must leave {} MiB",
                    free >> 20,
                    self.folder.display(),
                    self.reserve >> 20
                )))
            }
            _ => Ok(()),
        }
    }

    /// Begins to store one; `None`: it is stored already.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::Storage`].
    pub async fn begin(&self, digest: Digest, bytes: u64) -> Result<Option<Upload>, Refusal> {
        if bytes > self.longest {
            return Err(Refusal::TooLarge(format!(
                "an artifact of {bytes} bytes: at most {} are taken",
                self.longest
            )));
        }
        // One that is sent again although it is here may be sent because it is damaged here.
        if self.contains(digest).await && self.is_good(digest).await? {
            return Ok(None);
        }
        self.leave_room(bytes)?;
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let part = self
            .folder
            .join("incoming")
            .join(format!("{digest}.{number}"));
        let file = self
            .make_part(&part)
            .await
            .map_err(|error| storage(&part, &error))?;
        Ok(Some(Upload {
            store: self.clone(),
            file,
            part: Part(part),
            target: self.path(digest),
            digest,
            bytes,
            written: 0,
            hasher: blake3::Hasher::new(),
        }))
    }

    /// Opens a stored one: its file and its length. One that is damaged is set aside, and not there.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn open_file(&self, digest: Digest) -> Result<Option<(File, u64)>, Refusal> {
        let path = self.path(digest);
        if !path.exists() || !self.is_good(digest).await? {
            return Ok(None);
        }
        let file = match File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(storage(&path, &error)),
        };
        let bytes = file
            .metadata()
            .await
            .map_err(|error| storage(&path, &error))?
            .len();
        Ok(Some((file, bytes)))
    }
}

/// An artifact on its way. Dropped before [`Self::finish`], it leaves nothing.
#[derive(Debug)]
pub struct Upload {
    store: ArtifactStore,
    file: File,
    part: Part,
    target: PathBuf,
    digest: Digest,
    bytes: u64,
    written: u64,
    hasher: blake3::Hasher,
}

/// A file that is removed when it is not wanted any more.
#[derive(Debug)]
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed files are not there any more, and that is well.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for more bytes than announced, [`Refusal::Storage`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.written = self.written.saturating_add(chunk.len() as u64);
        if self.written > self.bytes {
            return Err(Refusal::Invalid(format!(
                "artifact {} has more than the announced {} bytes",
                self.digest.short(),
                self.bytes
            )));
        }
        // Others write too.
        if self.written / ROOM_EVERY != (self.written - chunk.len() as u64) / ROOM_EVERY {
            self.store
                .leave_room(self.bytes.saturating_sub(self.written))?;
        }
        self.hasher.update(chunk);
        self.file
            .write_all(chunk)
            .await
            .map_err(|error| storage(&self.part.0, &error))
    }

    /// Checks length and digest, and makes it durable.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] where the bytes are others than announced, [`Refusal::Storage`].
    pub async fn finish(mut self) -> Result<(), Refusal> {
        let found = Digest(*self.hasher.finalize().as_bytes());
        if self.written != self.bytes || found != self.digest {
            return Err(Refusal::Invalid(format!(
                "artifact {} arrived with {} of {} bytes and the digest {}",
                self.digest.short(),
                self.written,
                self.bytes,
                found.short()
            )));
        }
        let sync = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        sync.await.map_err(|error| storage(&self.part.0, &error))?;
        let target = self.target.clone();
        let part = self.part;
        blocking(move || {
            let publish = || {
                durable::make_folders(durable::parent(&target))?;
                durable::publish(&durable::RealDisk, &part.0, &target)
            };
            publish().map_err(|error| storage(&target, &error))
        })
        .await?
    }
}

fn storage(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::Storage(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn an_artifact_is_there_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(folder.path(), 100).unwrap();
        let bytes = b"scores".repeat(10);
        let digest = Digest::of(&bytes);

        assert!(store.begin(digest, 101).await.is_err());
        let mut torn = store.begin(digest, 60).await.unwrap().unwrap();
        torn.write(&bytes[..20]).await.unwrap();
        assert!(torn.finish().await.is_err());
        let mut other = store.begin(digest, 60).await.unwrap().unwrap();
        other.write(&b"errors".repeat(10)).await.unwrap();
        assert!(other.finish().await.is_err());
        let mut long = store.begin(digest, 60).await.unwrap().unwrap();
        assert!(long.write(&b"errors".repeat(11)).await.is_err());
        drop(long);
        assert!(!store.contains(digest).await);
        assert_eq!(
            std::fs::read_dir(folder.path().join("incoming"))
                .unwrap()
                .count(),
            0
        );

        let mut upload = store.begin(digest, 60).await.unwrap().unwrap();
        upload.write(&bytes[..7]).await.unwrap();
        upload.write(&bytes[7..]).await.unwrap();
        upload.finish().await.unwrap();
        assert!(store.begin(digest, 60).await.unwrap().is_none());
        let (mut file, length) = store.open_file(digest).await.unwrap().unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).await.unwrap();
        assert_eq!((read, length), (bytes, 60));
    }

    #[tokio::test]
    async fn a_damaged_artifact_is_never_taken_for_what_it_was_and_can_be_stored_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(folder.path(), 100).unwrap();
        let bytes = b"scores".repeat(10);
        let digest = Digest::of(&bytes);
        let put = async || {
            let mut upload = store.begin(digest, 60).await.unwrap()?;
            upload.write(&bytes).await.unwrap();
            upload.finish().await.unwrap();
            Some(())
        };
        put().await.unwrap();
        assert!(store.holds(digest, 60).await.unwrap());
        // A record that does not know how long it is is no reason to doubt.
        assert!(store.holds(digest, 0).await.unwrap());
        assert_eq!((put().await, store.damaged()), (None, 0));
        let mut other = bytes.clone();
        other[7] ^= 1;
        let longer = [&bytes[..], b"x"].concat();
        for (times, damaged) in [&other[..], &bytes[..59], b"", &longer].iter().enumerate() {
            // Found by a reader.
            std::fs::write(store.path(digest), damaged).unwrap();
            assert!(store.open_file(digest).await.unwrap().is_none());
            assert!(!store.contains(digest).await);
            put().await.unwrap();
            // Found by who stores it again.
            std::fs::write(store.path(digest), damaged).unwrap();
            put().await.unwrap();
            assert_eq!(store.damaged(), 2 * (times as u64 + 1));
            assert!(store.open_file(digest).await.unwrap().is_some());
        }
        // Found by a record that names it.
        std::fs::write(store.path(digest), b"torn").unwrap();
        assert!(!store.holds(digest, 60).await.unwrap());
        // Found by a repair.
        put().await.unwrap();
        std::fs::write(store.path(digest), &other).unwrap();
        let state = tempfile::tempdir().unwrap();
        std::fs::rename(folder.path(), state.path().join("artifacts")).unwrap();
        assert_eq!(set_damaged_aside(state.path()).unwrap(), [digest].into());
        assert!(set_damaged_aside(state.path()).unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_folder_of_uploads_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("artifacts");
        let store = ArtifactStore::open(&artifacts, 100).unwrap();
        let digest = Digest::of(b"x");
        std::fs::remove_dir(artifacts.join("incoming")).unwrap();
        let mut upload = store.begin(digest, 1).await.unwrap().unwrap();
        upload.write(b"x").await.unwrap();
        upload.finish().await.unwrap();
        assert!(store.contains(digest).await);
        // The folder of the artifacts is never made anew: what is missing there must be noticed.
        std::fs::remove_dir_all(&artifacts).unwrap();
        assert!(matches!(
            store.begin(digest, 1).await,
            Err(Refusal::Storage(_))
        ));
        assert!(!artifacts.exists());
    }

    #[test]
    fn what_was_set_aside_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for bytes in [b"1", b"2", b"3"] {
            std::fs::write(&path, bytes).unwrap();
            set_aside(&path).unwrap();
        }
        assert_eq!(
            names_in(folder.path()).unwrap(),
            ["x.2.damaged", "x.3.damaged", "x.damaged"]
        );
        assert_eq!(
            std::fs::read(folder.path().join("x.damaged")).unwrap(),
            b"1"
        );
    }

    #[tokio::test]
    async fn uploads_leave_the_journal_its_reserve() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(folder.path(), u64::MAX).unwrap();
        let digest = Digest::of(b"x");
        let free = free(folder.path()).unwrap();
        let full = store.clone().leaving(free);
        let refused = full.begin(digest, free / 2).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Storage(why) if why.contains("nearly full")),
            "{refused}"
        );
        assert!(refused.is_transient());
        assert!(store.begin(digest, 1).await.unwrap().is_some());
        assert!(reserve(folder.path()) <= 256 << 20);
    }
}
