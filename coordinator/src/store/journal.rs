//! The journal: the truth on disk. Append-only segments of framed, hash-chained entries.
//!
//! Opening reads everything and verifies each hash. A tail that was being written when the power went is cut off; any
//! other difference between what was written and what is read is [`JournalError::Damaged`], which names file and offset
//! and never passes in silence. What [`Journal::append`] returned for is on disk (fdatasync, and fsync of the folder for a
//! new file).
//!
//! A failed append leaves the journal usable: the next one cuts what may have been written and writes again, since after
//! a failed sync the kernel may have dropped the pages that it could not write.
//!
//! So that neither the folder nor the time that opening takes grows for ever, [`Journal::begin_snapshot`] lets a snapshot be
//! written beside it: a file that holds what still matters of the segments before it. Numbers and hashes of the segments
//! go on as if it were not there; what the snapshot before it stands for is removed.

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
pub(crate) mod failing;
mod files;
mod frame;
mod needed;
#[cfg(test)]
mod needed_tests;
#[cfg(test)]
pub(crate) mod power_loss;
#[cfg(test)]
mod power_loss_tests;
mod repair;
mod scan;
mod snapshot;
#[cfg(test)]
mod snapshot_tests;
mod tail;
#[cfg(test)]
mod tail_tests;
#[cfg(test)]
mod tests;

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sweeps::Digest;

use crate::model::entry::Entry;

pub(crate) use super::disk::sync_folder;
pub use super::disk::{Disk, DiskFile, RealDisk};
use super::lock::{LockError, StateLock};
pub(crate) use files::is_name;
pub use frame::Location;
pub use repair::{Mended, Verified, copy, parts, repair, verify};
pub use scan::{OpenSegments, Scanned, export, read, read_payload, visit};
pub use snapshot::{Kept, Snapshot, State, Written};

use files::{Which, cut_of, path_of};
use frame::{Encoder, Kind};
use needed::{Needed, be_there};
use scan::Size;

/// Bytes of a torn end that are kept at most.
const LONGEST_TAIL: u64 = 64 << 20;

/// How the journal is kept.
#[derive(Clone)]
pub struct Options {
    /// A segment that is longer than this is followed by a new one.
    pub segment_bytes: u64,
    /// A snapshot is due when so many bytes came since the last one, or as many as it has itself where that is more: so
    /// an entry is rewritten a bounded number of times.
    pub snapshot_bytes: u64,
    /// The same in entries.
    pub snapshot_entries: u64,
    /// What it is written to.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Large enough that a month's sweep has tens of files, small enough to copy one.
            segment_bytes: 64 << 20,
            // Read in less than a second; a thousand real jobs stay below it.
            snapshot_bytes: 64 << 20,
            snapshot_entries: 500_000,
            disk: Arc::new(RealDisk),
        }
    }
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The state folder is another's, or is gone.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A backup or a restore into the state folder was interrupted.
    #[error(
        "{0} is not whole: a backup or a restore into it was interrupted. Run the same command again, which begins anew; nothing in this folder is used"
    )]
    Unfinished(PathBuf),
    /// The operating system said no.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// What is read is not what was written.
    #[error(
        "the journal is damaged: {path} at byte {offset}: {what}. Restore a backup, or cut it there with `gcl-sweep coordinator repair --cut`; entries from there on are then lost"
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A snapshot is not what was written.
    #[error(
        "the journal's snapshot is damaged: {path} at byte {offset}: {what}. `gcl-sweep coordinator repair` sets it aside where what it stands for is still there, so that nothing is lost; where it is not, restore a backup"
    )]
    DamagedSnapshot {
        /// The segment.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It ends before an entry that was acknowledged.
    #[error(
        "the journal in {folder} ends with entry {ends}, but the index beside it has seen entry {seen}: {} acknowledged entries are lost. Put the journal's files back or restore a backup, or go on without those entries with `gcl-sweep coordinator repair --cut`",
        seen - ends
    )]
    Lost {
        /// The folder.
        folder: PathBuf,
        /// The number of its last entry.
        ends: u64,
        /// The number of the last entry that the index has seen.
        seen: u64,
    },
    /// It was written by a later version.
    #[error(
        "{path} has format version {version}, and this program reads {}: use the program that wrote it, or a later one",
        frame::VERSION
    )]
    TooNew {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// It was written by a version that was never released.
    #[error(
        "{path} has format version {version}, and this program reads {} alone: write the results out with the program that wrote it (`gcl-sweep report SWEEP --state DIR --out OUT`), and give this one a new state folder",
        frame::VERSION
    )]
    TooOld {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// An entry cannot be written as JSON.
    #[error("an entry cannot be encoded: {0}")]
    Encode(String),
}

impl JournalError {
    /// Whether trying again is no use: the files that were written to are not where they were.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Lock(LockError::Gone(_)))
    }

    fn other_version(path: PathBuf, version: u16) -> Self {
        if version < frame::VERSION {
            Self::TooOld { path, version }
        } else {
            Self::TooNew { path, version }
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> JournalError + use<> {
        let path = path.to_owned();
        move |source| JournalError::Io {
            doing,
            path,
            source,
        }
    }
}

/// An open journal, locked against others.
pub struct Journal {
    folder: PathBuf,
    options: Options,
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// Number of the first entry of the current segment: its name.
    segment: u64,
    /// End of what is on disk for certain.
    end: u64,
    /// Bytes beyond `end` may have been written by an append that failed.
    dirty_tail: bool,
    /// Number of the last entry.
    sequence: u64,
    /// Hash of everything up to it.
    chain: [u8; 32],
    size: Size,
    /// Nothing may be written behind the current segment: the next append begins another.
    is_sealed: bool,
    /// The other files that a start would read: the newest snapshot, and the segments since.
    needed: Vec<Needed>,
    /// Files that nothing needs any more.
    obsolete: Vec<PathBuf>,
    /// No snapshot before the journal has so many bytes since the last: one failed.
    snapshot_not_before: u64,
    lock: StateLock,
}

/// A journal that was read to its end, and not touched: whoever finds that it is not what it should be leaves it as it is.
pub struct Untouched {
    lock: StateLock,
    options: Options,
    scan: scan::Scan,
}

impl Untouched {
    /// Reads the journal of a locked state folder and hands every entry to `visit` in order.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(
        lock: &StateLock,
        options: Options,
        visit: &mut dyn FnMut(Scanned) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        // What a process that was killed wrote and did not sync is told from here on.
        files::sync_last(lock.journal())?;
        Ok(Self {
            scan: scan::scan(lock.journal(), Which::All, visit)?,
            lock: lock.clone(),
            options,
        })
    }

    /// Number of the last entry; 0 of an empty journal.
    pub fn sequence(&self) -> u64 {
        self.scan.last.as_ref().map_or(0, |last| last.sequence)
    }

    /// Opens it, its torn end cut off, and makes it where there is none.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(self) -> Result<Journal, JournalError> {
        let Self {
            lock,
            options,
            scan,
        } = self;
        let folder = lock.journal();
        files::remove_parts(folder, options.disk.as_ref())
            .map_err(JournalError::io("tidy", folder))?;
        if let Some(path) = scan.unfinished {
            let disk = &options.disk;
            disk.remove(&path)
                .and_then(|()| disk.sync_folder(folder))
                .map_err(JournalError::io("remove the unfinished", &path))?;
        }
        let (size, obsolete, mut needed) = (scan.size, scan.obsolete, scan.needed);
        let (last, file, path) = if let Some(last) = scan.last {
            let path = path_of(folder, last.segment);
            let opened = options.disk.open(&path);
            let file = opened.map_err(JournalError::io("open", &path))?;
            be_ours(file.as_ref(), &path)?;
            file.sync_data().map_err(JournalError::io("sync", &path))?;
            (last, file, path)
        } else {
            let (file, path) = create(folder, 1, frame::GENESIS, &options)?;
            (scan::Last::nothing(), file, path)
        };
        needed.retain(|needed| !needed.is_at(&path));
        let journal = Journal {
            folder: folder.to_owned(),
            options,
            file,
            path,
            segment: last.segment,
            end: last.end,
            dirty_tail: false,
            sequence: last.sequence,
            chain: last.chain,
            size,
            // A frame of another append would stand where one of the torn append is missed.
            is_sealed: last.is_partial,
            needed,
            obsolete,
            snapshot_not_before: 0,
            lock: lock.clone(),
        };
        if last.torn {
            journal.keep_tail();
            journal.cut()?;
        }
        Ok(journal)
    }
}

impl Journal {
    #[cfg(test)]
    /// Reads the journal of a locked state folder, hands every entry to `visit` in order, and opens it.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was changed on disk then, unless it was a torn tail.
    pub fn open(
        lock: &StateLock,
        options: Options,
        visit: &mut dyn FnMut(Scanned) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        Untouched::read(lock, options, visit)?.open()
    }

    /// Writes entries and syncs once. When it returns, they are on disk.
    ///
    /// # Errors
    /// [`JournalError::Io`]: none of them counts as written; try again with the same.
    pub fn append(&mut self, entries: &[Entry]) -> Result<Vec<Location>, JournalError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        self.clean()?;
        if self.is_sealed || (self.end >= self.options.segment_bytes && self.end > frame::HEADER) {
            self.rotate()?;
        }
        let mut bytes = Vec::with_capacity(entries.len() * 512);
        let mut encoder = Encoder::new(&mut bytes, self.end);
        for entry in entries {
            encoder.entry(entry)?;
        }
        let (mut sequence, mut chain) = (self.sequence, self.chain);
        let mut locations = encoder.seal(&mut sequence, &mut chain)?;
        for location in &mut locations {
            location.segment = self.segment;
        }
        // What is written behind the end of a file that was cut short leaves a hole, and the length that it should have.
        self.check()?;
        self.dirty_tail = true;
        self.file
            .write_all_at(&bytes, self.end)
            .map_err(JournalError::io("write", &self.path))?;
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.path))?;
        let end = self.end + bytes.len() as u64;
        self.check_to(end)?;
        self.dirty_tail = false;
        self.end = end;
        self.size.since.0 += bytes.len() as u64;
        self.size.since.1 += entries.len() as u64;
        self.sequence = sequence;
        self.chain = chain;
        Ok(locations)
    }

    /// Whether what is written here would be found again: the folders of the state and the current segment are where they
    /// were, and nobody has cut it short.
    ///
    /// # Errors
    /// [`LockError::Gone`], of which there is no way back.
    pub fn check(&self) -> Result<(), JournalError> {
        self.check_to(self.end)
    }

    /// The same of everything that a start would read. As cheap as two `stat`s of each file, of which there are as many as
    /// segments since the newest snapshot.
    ///
    /// # Errors
    /// [`LockError::Gone`], of which there is no way back.
    pub fn check_all(&self) -> Result<(), JournalError> {
        self.check()?;
        Ok(self.needed.iter().try_for_each(Needed::check)?)
    }

    fn check_to(&self, end: u64) -> Result<(), JournalError> {
        self.lock.check()?;
        Ok(be_there(self.file.as_ref(), &self.path, end)?)
    }

    /// The lock that it holds.
    pub fn lock(&self) -> &StateLock {
        &self.lock
    }

    /// Number of the last entry that is on disk; 0 of an empty journal.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Hash of everything up to it.
    pub fn chain(&self) -> Digest {
        Digest(self.chain)
    }

    /// Where the segments are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cuts off what an append that failed may have written.
    fn clean(&mut self) -> Result<(), JournalError> {
        if self.dirty_tail {
            // To cut a file that is shorter is to let it grow.
            self.check()?;
            self.cut()?;
            self.dirty_tail = false;
        }
        Ok(())
    }

    /// Keeps the torn end that is about to be cut off beside the segment, as far as it is not zeros. A start does not fail
    /// for it: nobody was told of what is in it.
    fn keep_tail(&self) {
        let kept = cut_of(&self.folder, self.segment, self.end);
        let keep = || -> io::Result<u64> {
            let segment = std::fs::File::open(&self.path)?;
            let length = segment.metadata()?.len().saturating_sub(self.end);
            let mut tail = vec![0; length.min(LONGEST_TAIL) as usize];
            segment.read_exact_at(&mut tail, self.end)?;
            tail.truncate(
                tail.iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |at| at + 1),
            );
            if !tail.is_empty() {
                let disk = self.options.disk.as_ref();
                let file = disk.create(&kept)?;
                file.write_all_at(&tail, 0)?;
                file.sync_all()?;
                disk.sync_folder(&self.folder)?;
            }
            Ok(length)
        };
        let path = self.path.display();
        let kept = kept.display();
        match keep() {
            Ok(bytes) => {
                tracing::warn!(%path, offset = self.end, bytes, %kept, "cut off an append that was not written to its end: nobody was told of it; what is not zeros is kept");
            }
            Err(error) => {
                tracing::warn!(%path, offset = self.end, cause = %error, "cut off an append that was not written to its end: nobody was told of it; it cannot be kept");
            }
        }
    }

    fn cut(&self) -> Result<(), JournalError> {
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.sync_all())
            .map_err(JournalError::io("cut", &self.path))
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        self.check_all()?;
        let segment = self.sequence + 1;
        // Where this fails a file may be left, which must be the next one: nothing is written behind this segment any more.
        self.is_sealed = true;
        let (file, path) = create(&self.folder, segment, self.chain, &self.options)?;
        let sealed = std::mem::replace(&mut self.file, file);
        let path = std::mem::replace(&mut self.path, path);
        let needed = Needed::segment(self.segment, path, sealed, self.end);
        self.needed.push(needed);
        self.segment = segment;
        self.end = frame::HEADER;
        self.is_sealed = false;
        Ok(())
    }
}

/// Bytes that opening a journal reads; 0 where that cannot be told.
pub(crate) fn length(folder: &Path) -> u64 {
    files::open(folder, Which::All).map_or(0, |files| {
        files.current.iter().map(|segment| segment.length).sum()
    })
}

/// A segment is locked, too: a copy of a state folder by hard links shares it.
fn be_ours(file: &dyn DiskFile, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(false) => Err(LockError::InUse(path.to_owned()).into()),
        // Where a file system has no locks, the lock of the folder was not had either.
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Makes a segment: a file with a header, on disk with its name.
fn create(
    folder: &Path,
    segment: u64,
    chain: [u8; 32],
    options: &Options,
) -> Result<(Box<dyn DiskFile>, PathBuf), JournalError> {
    let path = path_of(folder, segment);
    let make = || {
        let file = options.disk.create(&path)?;
        if !file.try_lock().unwrap_or(true) {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process has it open",
            ));
        }
        file.write_all_at(&frame::header(Kind::Plain, segment, &chain), 0)?;
        file.sync_all()?;
        options.disk.sync_folder(folder)?;
        Ok(file)
    };
    let file = make().map_err(JournalError::io("make", &path))?;
    Ok((file, path))
}
