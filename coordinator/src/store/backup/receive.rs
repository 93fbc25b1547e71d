//! Pieces of a backup to files. What comes over the network names files: only those of a state folder are made.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sweeps::Digest;

use super::{Copied, Piece};
use crate::store::entries::verify;
use crate::store::journal::{JournalError, is_name};
use crate::store::mark::{Filling, Mark};

/// Why a backup was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// A file cannot be written, or the journal that arrived is not whole.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The pieces make up no backup.
    #[error("the backup that arrives is invalid: {0}")]
    Invalid(String),
}

/// Writes a backup into its folder, which is marked as unfinished until it is whole.
#[derive(Debug)]
pub struct Receiver {
    target: PathBuf,
    /// Gone where it failed, and with it everything that arrived.
    filling: Option<Filling>,
    file: Option<Incoming>,
    damaged: BTreeSet<Digest>,
    files: u64,
    bytes: u64,
    is_whole: bool,
}

/// A file on its way.
#[derive(Debug)]
struct Incoming {
    file: File,
    path: PathBuf,
    left: u64,
    hasher: blake3::Hasher,
}

impl Receiver {
    /// Of a backup in the folder `target`, which must be new, empty, or one that a backup into it left unfinished.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn new(target: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            target: target.to_owned(),
            filling: Some(Filling::begin("back up to", target)?),
            file: None,
            damaged: BTreeSet::new(),
            files: 0,
            bytes: 0,
            is_whole: false,
        })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn take(&mut self, piece: Piece) -> Result<(), ReceiveError> {
        let taken = self.take_piece(piece);
        if taken.is_err() {
            self.is_whole = false;
            self.file = None;
            self.filling = None;
        }
        taken
    }

    fn take_piece(&mut self, piece: Piece) -> Result<(), ReceiveError> {
        if self.filling.is_none() {
            return Err(ReceiveError::Invalid("it failed before".into()));
        }
        if self.is_whole {
            return Err(ReceiveError::Invalid("something follows its end".into()));
        }
        match piece {
            Piece::File { path, bytes } => {
                self.close()?;
                if !is_of_a_state_folder(&path) {
                    let path: String = path.chars().take(100).collect();
                    return Err(ReceiveError::Invalid(format!("a file `{path}`")));
                }
                let path = self.target.join(path);
                let make = || {
                    durable::make_folders(durable::parent(&path))?;
                    File::create_new(&path)
                };
                let file = make().map_err(JournalError::io("make", &path))?;
                self.file = Some(Incoming {
                    file,
                    path,
                    left: bytes,
                    hasher: blake3::Hasher::new(),
                });
                self.files += 1;
            }
            Piece::Data(data) => {
                let Some(Incoming {
                    file,
                    path,
                    left,
                    hasher,
                }) = &mut self.file
                else {
                    return Err(ReceiveError::Invalid("bytes of no file".into()));
                };
                *left = left.checked_sub(data.len() as u64).ok_or_else(|| {
                    ReceiveError::Invalid(format!("{} is longer than announced", path.display()))
                })?;
                hasher.update(&data);
                file.write_all(&data)
                    .map_err(JournalError::io("write", path))?;
                self.bytes += data.len() as u64;
            }
            Piece::End { files, bytes } => {
                self.close()?;
                if (files, bytes) != (self.files, self.bytes) {
                    return Err(ReceiveError::Invalid(format!(
                        "{} of {files} files, {} of {bytes} bytes",
                        self.files, self.bytes
                    )));
                }
                self.is_whole = true;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), ReceiveError> {
        let Some(Incoming {
            file,
            path,
            left,
            hasher,
        }) = self.file.take()
        else {
            return Ok(());
        };
        if left > 0 {
            return Err(ReceiveError::Invalid(format!(
                "{} is too short",
                path.display()
            )));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let digest: Option<Digest> = name.and_then(|name| name.parse().ok());
        let found = Digest(*hasher.finalize().as_bytes());
        if let Some(digest) = digest.filter(|digest| *digest != found) {
            // Damaged where it was kept. Whoever needs it is told that it is missing, not given something else.
            std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            self.damaged.insert(digest);
            return Ok(());
        }
        let sync = || -> io::Result<()> {
            file.sync_all()?;
            durable::sync_folder(durable::parent(&path))
        };
        Ok(sync().map_err(JournalError::io("sync", &path))?)
    }

    /// Verifies what arrived; the folder counts from then on.
    ///
    /// # Errors
    /// [`ReceiveError`], where the last piece is missing or the journal is not whole.
    pub fn finish(mut self) -> Result<Copied, ReceiveError> {
        if !self.is_whole {
            return Err(ReceiveError::Invalid("its end is missing".into()));
        }
        let journal = verify(&self.target.join("journal"))?;
        Mark::Copied.put(&self.target)?;
        self.filling
            .take()
            .ok_or_else(|| ReceiveError::Invalid("it failed before".into()))?
            .complete()?;
        Ok(Copied {
            journal,
            bytes: self.bytes,
            damaged: self.damaged,
        })
    }
}

/// `journal/DIGITS.journal`, `journal/DIGITS.snapshot`, `artifacts/XX/XX…` and `guarded`, nothing else.
fn is_of_a_state_folder(path: &str) -> bool {
    let hexadecimal = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [name] => name == Mark::Guarded.name(),
        ["journal", name] => is_name(name),
        ["artifacts", folder, name] => {
            folder.len() == 2 && name.len() == 64 && hexadecimal(name) && name.starts_with(folder)
        }
        _ => false,
    }
}
