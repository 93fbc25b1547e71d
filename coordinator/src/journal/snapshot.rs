//! Compaction: a snapshot takes the place of the segments before it.
//!
//! Written beside, synced, renamed, the folder synced; only then does the journal go on behind it, and only when the index
//! has followed are the old segments removed. Whatever happens in between, the folder holds either what was, or the
//! snapshot, or both, in which case the snapshot counts.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sweeps::JobId;

use super::files::{part_of, path_of};
use super::frame::{self, HEADER, Kind, Location};
use super::scan::{Size, scan};
use super::{Journal, JournalError, Operation, Options, sync_folder};
use crate::entry::Entry;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// A record that a snapshot took over, and where it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The job.
    pub job: JobId,
    /// Its place.
    pub location: Location,
}

/// Whether an entry stays in a snapshot as it is: what the image of the state does not hold.
fn is_kept(entry: &Entry, recorded: &mut BTreeSet<JobId>) -> bool {
    match entry {
        Entry::Finished { record, .. } => recorded.insert(record.job_id),
        Entry::Compared { record, .. } => record.is_some(),
        _ => false,
    }
}

impl Journal {
    /// Whether so much was written since the last snapshot that another one is due.
    pub fn is_snapshot_due(&self) -> bool {
        let Size { snapshot, since } = self.size;
        let options = &self.options;
        since.1 > 0
            && since.0 >= self.snapshot_not_before
            && (since.0 >= options.snapshot_bytes.max(snapshot.0)
                || since.1 >= options.snapshot_entries.max(snapshot.1))
    }

    /// Writes a snapshot: every record, then `image`, which stands for everything else. Answers where the records are now.
    /// The segments before it stay until [`Self::remove_obsolete`].
    ///
    /// # Errors
    /// [`JournalError`]: the journal is as it was, and can be appended to.
    pub fn compact(&mut self, image: &[Entry]) -> Result<Vec<Kept>, JournalError> {
        self.remove_failed_snapshot()?;
        if self.end <= HEADER || self.is_sealed {
            // Nothing came since the last one.
            return Ok(Vec::new());
        }
        let compacted = self.write_snapshot(image);
        if compacted.is_err() {
            // Not at each turn: it reads everything.
            self.snapshot_not_before = self.size.since.0 + self.options.snapshot_bytes / 8;
        }
        compacted
    }

    fn write_snapshot(&mut self, image: &[Entry]) -> Result<Vec<Kept>, JournalError> {
        let first = self.sequence + 1;
        let part = part_of(&self.folder, first);
        let mut writer = Writer::create(&part, first, self.chain, &self.options)
            .map_err(JournalError::io("make", &part))?;
        let written = self.fill(&mut writer, image);
        let kept = match written.and_then(|kept| {
            writer.finish().map_err(JournalError::io("sync", &part))?;
            Ok(kept)
        }) {
            Ok(kept) => kept,
            Err(error) => {
                // Where it cannot be removed either, the next start does.
                let _ = self.remove(&part);
                return Err(error);
            }
        };
        let path = path_of(&self.folder, first);
        let publish = || {
            self.options.ask(Operation::Rename)?;
            std::fs::rename(&part, &path)
        };
        if let Err(error) = publish() {
            let _ = self.remove(&part);
            return Err(JournalError::io("rename", &part)(error));
        }
        let file = self.sync_names().and_then(|()| File::open(&path));
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                // It may or may not be there after a crash: it must go before anything else is written.
                self.failed_snapshot = Some(path.clone());
                let _ = self.remove_failed_snapshot();
                return Err(JournalError::io("sync the name of", &path)(error));
            }
        };
        let (end, sequence, chain) = (writer.end, writer.sequence, writer.chain);
        // Where the folder cannot be listed now, the next start removes them.
        let numbers = super::files::numbers(&self.folder).unwrap_or_default();
        self.obsolete = numbers
            .into_iter()
            .filter(|number| *number < first)
            .map(|number| path_of(&self.folder, number))
            .collect();
        self.segment = first;
        self.path = path;
        self.file = file;
        self.end = end;
        self.is_sealed = true;
        self.size = Size {
            snapshot: (end, sequence - self.sequence),
            since: (0, 0),
        };
        self.snapshot_not_before = 0;
        self.sequence = sequence;
        self.chain = chain;
        Ok(kept)
    }

    fn fill(&self, writer: &mut Writer<'_>, image: &[Entry]) -> Result<Vec<Kept>, JournalError> {
        let mut recorded = BTreeSet::new();
        let mut kept = Vec::new();
        scan(&self.folder, &mut |scanned| {
            if is_kept(&scanned.entry, &mut recorded) {
                let location = writer.payload(&scanned.payload)?;
                if let Some(record) = scanned.entry.finished() {
                    let job = record.job_id;
                    kept.push(Kept { job, location });
                }
            }
            Ok(())
        })?;
        for entry in image {
            writer.entry(entry)?;
        }
        Ok(kept)
    }

    /// Removes the segments that a snapshot stands for. What cannot be removed is tried again at the next start.
    pub fn remove_obsolete(&mut self) {
        for path in std::mem::take(&mut self.obsolete) {
            if let Err(error) = self.remove(&path) {
                tracing::warn!(path = %path.display(), cause = %error, "a segment that is not needed any more cannot be removed");
            }
        }
    }

    pub(super) fn remove_failed_snapshot(&mut self) -> Result<(), JournalError> {
        let Some(path) = &self.failed_snapshot else {
            return Ok(());
        };
        self.remove(path)
            .and_then(|()| self.sync_names())
            .map_err(JournalError::io("remove the unfinished", path))?;
        self.failed_snapshot = None;
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fault(Operation::Remove)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_names(&self) -> io::Result<()> {
        self.fault(Operation::SyncFolder)?;
        sync_folder(&self.folder)
    }
}

/// Writes a segment that nobody reads yet.
struct Writer<'a> {
    options: &'a Options,
    path: &'a Path,
    file: File,
    buffer: Vec<u8>,
    first: u64,
    /// Bytes that were written.
    written: u64,
    /// Those and the buffer's.
    end: u64,
    sequence: u64,
    chain: [u8; 32],
}

impl<'a> Writer<'a> {
    fn create(
        path: &'a Path,
        first: u64,
        chain: [u8; 32],
        options: &'a Options,
    ) -> io::Result<Self> {
        options.ask(Operation::Create)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        Ok(Self {
            options,
            path,
            file,
            buffer: frame::header(Kind::Snapshot, first, &chain).to_vec(),
            first,
            written: 0,
            end: HEADER,
            sequence: first - 1,
            chain,
        })
    }

    fn entry(&mut self, entry: &Entry) -> Result<Location, JournalError> {
        let location = frame::encode(entry, self.sequence + 1, &mut self.chain, &mut self.buffer)?;
        self.framed(location)
    }

    fn payload(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        let next = self.sequence + 1;
        let location = frame::encode_payload(payload, next, &mut self.chain, &mut self.buffer)?;
        self.framed(location)
    }

    fn framed(&mut self, location: Location) -> Result<Location, JournalError> {
        self.sequence += 1;
        let start = self.end;
        self.end = self.written + self.buffer.len() as u64;
        if self.buffer.len() >= BUFFER {
            self.flush().map_err(JournalError::io("write", self.path))?;
        }
        Ok(Location {
            segment: self.first,
            offset: start + frame::FRAME,
            ..location
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Err(error) = self.options.ask(Operation::Write) {
            let half = &self.buffer[..self.buffer.len() / 2];
            self.file.write_all_at(half, self.written)?;
            return Err(error);
        }
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.options.ask(Operation::Sync)?;
        self.file.sync_all()
    }
}
