//! Pieces of a backup to files. What comes over the network names files: only those of a state folder are made.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Piece;
use crate::store::journal::{JournalError, Verified, is_name, sync_folder, verify};

/// Why a backup was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// A file cannot be written, or the journal that arrived is not whole.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The pieces make no sense.
    #[error("the backup that arrives makes no sense: {0}")]
    Nonsense(String),
}

/// Writes a backup beside its folder, and gives it its name when it is whole.
#[derive(Debug)]
pub struct Receiver {
    target: PathBuf,
    part: PathBuf,
    file: Option<(File, PathBuf, u64)>,
    files: u64,
    bytes: u64,
    is_whole: bool,
}

impl Receiver {
    /// Of a backup in the folder `target`, which must be new or empty.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn new(target: &Path) -> Result<Self, JournalError> {
        super::be_empty("back up to", target)?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = target.with_file_name(name);
        super::be_empty("back up to", &part)?;
        Ok(Self {
            target: target.to_owned(),
            part,
            file: None,
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
        if self.is_whole {
            return Err(ReceiveError::Nonsense("something follows its end".into()));
        }
        match piece {
            Piece::File { path, bytes } => {
                self.close()?;
                if !is_of_a_state_folder(&path) {
                    let path: String = path.chars().take(100).collect();
                    return Err(ReceiveError::Nonsense(format!("a file `{path}`")));
                }
                let path = self.part.join(path);
                let make = || {
                    std::fs::create_dir_all(path.parent().unwrap_or(&self.part))?;
                    File::create_new(&path)
                };
                let file = make().map_err(JournalError::io("make", &path))?;
                self.file = Some((file, path, bytes));
                self.files += 1;
            }
            Piece::Data(data) => {
                let Some((file, path, left)) = &mut self.file else {
                    return Err(ReceiveError::Nonsense("bytes of no file".into()));
                };
                *left = left.checked_sub(data.len() as u64).ok_or_else(|| {
                    ReceiveError::Nonsense(format!("{} is longer than announced", path.display()))
                })?;
                file.write_all(&data)
                    .map_err(JournalError::io("write", path))?;
                self.bytes += data.len() as u64;
            }
            Piece::End { files, bytes } => {
                self.close()?;
                if (files, bytes) != (self.files, self.bytes) {
                    return Err(ReceiveError::Nonsense(format!(
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
        let Some((file, path, left)) = self.file.take() else {
            return Ok(());
        };
        if left > 0 {
            return Err(ReceiveError::Nonsense(format!(
                "{} is too short",
                path.display()
            )));
        }
        let sync = || -> io::Result<()> {
            file.sync_all()?;
            sync_folder(path.parent().unwrap_or(&self.part))
        };
        Ok(sync().map_err(JournalError::io("sync", &path))?)
    }

    /// Verifies what arrived and gives the folder its name. Answers the journal and the number of bytes.
    ///
    /// # Errors
    /// [`ReceiveError`], where the last piece is missing or the journal is not whole.
    pub fn finish(self) -> Result<(Verified, u64), ReceiveError> {
        if !self.is_whole {
            return Err(ReceiveError::Nonsense("its end is missing".into()));
        }
        let verified = verify(&self.part.join("journal"))?;
        let publish = || -> io::Result<()> {
            sync_folder(&self.part)?;
            std::fs::remove_dir(&self.target)?;
            std::fs::rename(&self.part, &self.target)?;
            let beside = self
                .target
                .parent()
                .filter(|path| !path.as_os_str().is_empty());
            sync_folder(beside.unwrap_or(Path::new(".")))
        };
        publish().map_err(JournalError::io("name", &self.target))?;
        Ok((verified, self.bytes))
    }
}

/// `journal/DIGITS.journal`, `journal/DIGITS.snapshot` and `artifacts/XX/XX…`, nothing else.
fn is_of_a_state_folder(path: &str) -> bool {
    let hexadecimal = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["journal", name] => is_name(name),
        ["artifacts", folder, name] => {
            folder.len() == 2 && name.len() == 64 && hexadecimal(name) && name.starts_with(folder)
        }
        _ => false,
    }
}
