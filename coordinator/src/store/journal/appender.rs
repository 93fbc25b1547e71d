//! An open journal, and how entries are appended to it.

use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use durable::DiskFile;
use sweeps::Digest;

use super::error::JournalError;
use super::files::cut_of;
use super::frame::{self, Encoder, Location};
use super::needed::{Needed, be_there};
use super::options::Options;
use super::payload::Payload;
use super::scan::Size;
use super::segment::create;
use crate::store::lock::StateLock;

/// Room that is found ahead of what is written: where a file system has found it, a sync need not say where the bytes lie.
const AHEAD: u64 = 256 << 10;
/// Bytes of a torn end that are kept at most.
const LONGEST_TAIL: u64 = 64 << 20;

/// An open journal, locked against others.
pub struct Journal<P> {
    pub(super) folder: PathBuf,
    pub(super) options: Options,
    pub(super) file: Box<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// Number of the first entry of the current segment: its name.
    pub(super) segment: u64,
    /// End of what is on disk for certain.
    pub(super) end: u64,
    /// The file system has found room up to here.
    pub(super) reserved: u64,
    /// Bytes beyond `end` may have been written by an append that failed.
    pub(super) dirty_tail: bool,
    /// Number of the last entry.
    pub(super) sequence: u64,
    /// Hash of everything up to it.
    pub(super) chain: [u8; 32],
    pub(super) size: Size,
    /// Nothing may be written behind the current segment: the next append begins another.
    pub(super) is_sealed: bool,
    /// The other files that a start would read: the newest snapshot, and the segments since.
    pub(super) needed: Vec<Needed>,
    /// Files that nothing needs any more.
    pub(super) obsolete: Vec<PathBuf>,
    /// No snapshot before the journal has so many bytes since the last: one failed.
    pub(super) snapshot_not_before: u64,
    pub(super) lock: StateLock,
    pub(super) payload: PhantomData<fn(P)>,
}

impl<P: Payload> Journal<P> {
    /// Writes entries and syncs once. When it returns, they are on disk.
    ///
    /// # Errors
    /// [`JournalError::Io`]: none of them counts as written; try again with the same.
    pub fn append(&mut self, entries: &[P]) -> Result<Vec<Location>, JournalError> {
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
            encoder.entry(entry).map_err(JournalError::Encode)?;
        }
        let (mut sequence, mut chain) = (self.sequence, self.chain);
        let sealed = encoder.seal(&mut sequence, &mut chain);
        let mut locations = sealed.map_err(JournalError::Encode)?;
        for location in &mut locations {
            location.segment = self.segment;
        }
        // What is written behind the end of a file that was cut short leaves a hole, and the length that it should have.
        self.check()?;
        self.dirty_tail = true;
        self.reserve(self.end + bytes.len() as u64);
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

    /// Finds room up to `end` and a little beyond. Where that fails, the write says what is wrong, or nothing is.
    fn reserve(&mut self, end: u64) {
        if end > self.reserved {
            let from = self.reserved.max(self.end);
            let to = end + AHEAD;
            // Asked for once, whatever the answer: a file system that cannot would be asked with every append.
            self.reserved = to;
            let _ = self.file.reserve(from, to - from);
        }
    }

    /// Whether what is written here would be found again: the folders of the state and the current segment are where they
    /// were, and nobody has cut it short.
    ///
    /// # Errors
    /// [`JournalError::Lock`], of which there is no way back.
    pub fn check(&self) -> Result<(), JournalError> {
        self.check_to(self.end)
    }

    /// The same of everything that a start would read. As cheap as two `stat`s of each file, of which there are as many as
    /// segments since the newest snapshot.
    ///
    /// # Errors
    /// [`JournalError::Lock`], of which there is no way back.
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
    pub(super) fn clean(&mut self) -> Result<(), JournalError> {
        if self.dirty_tail {
            // To cut a file that is shorter is to let it grow.
            self.check()?;
            self.cut()?;
            self.reserved = self.end;
            self.dirty_tail = false;
        }
        Ok(())
    }

    /// Keeps the torn end that is about to be cut off beside the segment, as far as it is not zeros. A start does not fail
    /// for it: nobody was told of what is in it.
    pub(super) fn keep_tail(&self) {
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

    pub(super) fn cut(&self) -> Result<(), JournalError> {
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.sync_all())
            .map_err(JournalError::io("cut", &self.path))
    }

    pub(super) fn rotate(&mut self) -> Result<(), JournalError> {
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
        self.reserved = self.end;
        self.is_sealed = false;
        Ok(())
    }
}
