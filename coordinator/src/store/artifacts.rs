//! Artifacts: content-addressed files. Written beside, checked, synced, renamed: a name is never seen before its bytes
//! are whole and on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sweeps::Digest;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::message::Refusal;
use crate::store::blocking::blocking;
use crate::store::journal::{JournalError, sync_folder};

/// A folder of artifacts.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    folder: Arc<Path>,
    longest: u64,
    uploads: Arc<AtomicU64>,
    claimed: Arc<Mutex<Option<BTreeSet<Digest>>>>,
}

/// As long as it lives, what is asked for is noted: a collection of garbage must not take away what somebody was told is
/// there.
#[derive(Debug)]
pub(crate) struct Claims(Arc<Mutex<Option<BTreeSet<Digest>>>>);

impl Claims {
    /// Removes it, unless somebody asked for it since; whether it was removed. Nobody can ask meanwhile.
    pub(crate) fn remove_unless_held(
        &self,
        digest: Digest,
        remove: &dyn Fn() -> std::io::Result<()>,
    ) -> std::io::Result<bool> {
        let claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.as_ref().is_some_and(|held| held.contains(&digest)) {
            return Ok(false);
        }
        remove().map(|()| true)
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
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
        std::fs::create_dir_all(&incoming)
            .map_err(JournalError::io("make the folder", &incoming))?;
        Ok(Self {
            folder: folder.into(),
            longest,
            uploads: Arc::default(),
            claimed: Arc::default(),
        })
    }

    /// The name is made of the digest alone, so that nothing from outside can lead elsewhere.
    fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.folder.join(&name[..2]).join(&name)
    }

    /// Begins to note what is asked for; `None` where somebody does so already.
    pub(crate) fn claims(&self) -> Option<Claims> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.is_some() {
            return None;
        }
        *claimed = Some(BTreeSet::new());
        Some(Claims(self.claimed.clone()))
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
        if self.contains(digest).await {
            return Ok(None);
        }
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let part = self
            .folder
            .join("incoming")
            .join(format!("{digest}.{number}"));
        let file = File::create(&part)
            .await
            .map_err(|error| storage(&part, &error))?;
        Ok(Some(Upload {
            file,
            part: Part(part),
            target: self.path(digest),
            digest,
            bytes,
            written: 0,
            hasher: blake3::Hasher::new(),
        }))
    }

    /// Opens a stored one: its file and its length.
    ///
    /// # Errors
    /// [`Refusal::Storage`].
    pub async fn open_file(&self, digest: Digest) -> Result<Option<(File, u64)>, Refusal> {
        let path = self.path(digest);
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
            let folder = target.parent().unwrap_or(Path::new("."));
            let publish = || {
                if !folder.exists() {
                    std::fs::create_dir_all(folder)?;
                    sync_folder(folder.parent().unwrap_or(folder))?;
                }
                std::fs::rename(&part.0, &target)?;
                sync_folder(folder)
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
}
