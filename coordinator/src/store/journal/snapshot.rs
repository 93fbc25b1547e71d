//! Compaction: a snapshot replaces the segments before it.
//!
//! The journal goes on in a new segment. A thread of its own reads the files before that segment, as a start would, and
//! writes the snapshot beside them: written, synced, renamed, the folder synced.
//!
//! *Invariant:* numbers and hashes of the segments go on as if the snapshot were not there. So at whatever moment the
//! process dies, the folder reads the same with the snapshot and without it.
//!
//! Files older than the second-newest snapshot are removed when whoever keeps locations has followed.

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use durable::{Disk, DiskFile};
use sweeps::Digest;

use super::appender::Journal;
use super::error::JournalError;
use super::files::{self, Selection, part_of, snapshot_of};
use super::frame::{self, Encoder, HEADER, Kind, Location};
use super::needed::Needed;
use super::payload::Payload;
use super::scan::{Scanned, Size, scan};
use crate::store::lock::StateLock;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// What a snapshot is made of: the state that follows from entries. It begins as that of no entry.
pub trait SnapshotSource<P> {
    /// Takes in the next entry. Answers whether the snapshot takes it over as it is, *because* the image lacks it.
    ///
    /// # Errors
    /// The entry contradicts those before it.
    fn replay(&mut self, entry: &P) -> Result<bool, JournalError>;
    /// The entry was taken over, and lies there now.
    fn taken_over(&mut self, entry: &P, location: Location);
    /// Hands out the entries that replace all those that were not taken over. It is asked once, at the end.
    ///
    /// # Errors
    /// What `each` answered.
    fn image(
        &mut self,
        each: &mut dyn FnMut(&P) -> Result<(), JournalError>,
    ) -> Result<(), JournalError>;
}

/// A snapshot that is due: of everything before an entry. It may be written while the journal goes on.
pub struct Snapshot<P> {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    first: u64,
    chain: [u8; 32],
    /// What the journal had grown by when this was begun.
    since: (u64, u64),
    /// The folder stays this process's own while this is written.
    _lock: StateLock,
    payload: PhantomData<fn(P)>,
}

/// A snapshot that was written.
#[derive(Debug)]
pub struct SnapshotFile {
    /// It replaces every entry before that one.
    pub first: u64,
    /// Hash of everything before it.
    pub chain: Digest,
    size: (u64, u64),
    since: (u64, u64),
}

impl<P: Payload> Journal<P> {
    /// Whether so much was written since the last snapshot that another one is due.
    pub fn is_snapshot_due(&self) -> bool {
        let Size { snapshot, since } = self.size;
        let options = &self.options;
        since.1 > 0
            && since.0 >= self.snapshot_not_before
            && (since.0 >= options.snapshot_bytes.max(snapshot.0)
                || since.1 >= options.snapshot_entries.max(snapshot.1))
    }

    /// Bytes that a snapshot of everything would read.
    pub fn bytes(&self) -> u64 {
        self.size.snapshot.0 + self.size.since.0
    }

    /// Begins a snapshot of everything that was appended so far: the journal goes on in a new segment. `None`: nothing
    /// came since the last one.
    ///
    /// # Errors
    /// [`JournalError`]: the journal is as it was, and can be appended to.
    pub fn begin_snapshot(&mut self) -> Result<Option<Snapshot<P>>, JournalError> {
        if self.size.since.1 == 0 {
            return Ok(None);
        }
        let begun = self.clean().and_then(|()| {
            if self.is_sealed || self.end > HEADER {
                self.rotate()?;
            }
            Ok(())
        });
        if begun.is_err() {
            self.put_off_snapshot();
        }
        begun?;
        Ok(Some(Snapshot {
            folder: self.folder.clone(),
            disk: self.options.disk.clone(),
            first: self.sequence + 1,
            chain: self.chain,
            since: self.size.since,
            _lock: self.lock.clone(),
            payload: PhantomData,
        }))
    }

    /// Takes note of a snapshot that was written, and removes what is obsolete by it: files older than the snapshot before
    /// it. Whoever keeps locations must have followed. What cannot be removed is tried again at the next start.
    ///
    /// # Errors
    /// [`JournalError`]: the folder cannot be listed, or something that a start would read is gone. Nothing is removed then.
    pub fn adopt(&mut self, written: &SnapshotFile) -> Result<(), JournalError> {
        self.check_all()?;
        let snapshot = Needed::snapshot(&self.folder, written.first)?;
        self.needed.retain(|needed| needed.is_behind(written.first));
        self.needed.push(snapshot);
        let (snapshot, since) = (written.size, self.size.since);
        self.size = Size {
            snapshot,
            since: (since.0 - written.since.0, since.1 - written.since.1),
        };
        self.snapshot_not_before = 0;
        self.obsolete = files::open(&self.folder, Selection::All)?.obsolete;
        // What was torn off segments that are gone tells nobody anything any more.
        let cuts = files::cuts_before(&self.folder, written.first)
            .map_err(JournalError::io("list", &self.folder))?;
        self.obsolete.extend(cuts);
        self.remove_obsolete();
        Ok(())
    }

    /// A snapshot failed: not again at each turn, since it reads everything.
    pub fn put_off_snapshot(&mut self) {
        self.snapshot_not_before = self.size.since.0 + self.options.snapshot_bytes / 8;
    }

    /// Removes the files that nothing needs any more. What cannot be removed is tried again at the next start.
    pub fn remove_obsolete(&mut self) {
        for path in std::mem::take(&mut self.obsolete) {
            if let Err(error) = self.options.disk.remove(&path) {
                tracing::warn!(path = %path.display(), cause = %error, "a file of the journal that is not needed any more cannot be removed");
            }
        }
    }
}

impl<P: Payload> Snapshot<P> {
    /// Reads everything before it into `source`, which must be new, and writes it: the entries that are taken over, then
    /// the image. When it returns the snapshot is on disk. Ends early where `stop` says so.
    ///
    /// # Errors
    /// [`JournalError`]: there is no snapshot, and none is needed.
    pub fn write(
        &self,
        source: &mut dyn SnapshotSource<P>,
        stop: &AtomicBool,
    ) -> Result<SnapshotFile, JournalError> {
        let part = part_of(&self.folder, self.first);
        let written = self.write_part(&part, source, stop);
        let publish = || -> Result<(), JournalError> {
            let path = snapshot_of(&self.folder, self.first);
            // Whether it is there after a crash or not: both say the same.
            durable::publish(self.disk.as_ref(), &part, &path)
                .map_err(JournalError::io("put in place", &path))
        };
        let written = written.and_then(|written| publish().map(|()| written));
        if written.is_err() {
            // Where it cannot be removed either, the next start does.
            let _ = self.disk.remove(&part);
        }
        written
    }

    fn write_part(
        &self,
        part: &Path,
        source: &mut dyn SnapshotSource<P>,
        stop: &AtomicBool,
    ) -> Result<SnapshotFile, JournalError> {
        let go_on = || {
            if stop.load(Ordering::Relaxed) {
                let stopped = io::Error::new(io::ErrorKind::Interrupted, "the coordinator stops");
                return Err(JournalError::io("write", part)(stopped));
            }
            Ok(())
        };
        let mut writer = Writer::create(part, self.first, self.chain, self.disk.as_ref())
            .map_err(JournalError::io("make", part))?;
        let mut take = |scanned: Scanned<P>| {
            go_on()?;
            if source.replay(&scanned.entry)? {
                let location = writer.payload(&scanned.payload)?;
                source.taken_over(&scanned.entry, location);
            }
            Ok(())
        };
        let read = scan(&self.folder, Selection::Before(self.first), &mut take)?;
        let (sequence, chain) = read
            .last
            .map_or((0, frame::GENESIS), |last| (last.sequence, last.chain));
        if sequence + 1 != self.first || chain != self.chain {
            return Err(JournalError::Damaged {
                path: self.folder.clone(),
                offset: 0,
                what: format!(
                    "it ends with entry {sequence} where {} was written",
                    self.first - 1
                ),
            });
        }
        source.image(&mut |entry| {
            go_on()?;
            writer.entry(entry).map(drop)
        })?;
        writer.finish().map_err(JournalError::io("sync", part))?;
        Ok(SnapshotFile {
            first: self.first,
            chain: Digest(self.chain),
            size: (writer.end, writer.entries),
            since: self.since,
        })
    }
}

/// Writes a snapshot that nobody reads yet. Its entries are numbered from 1, and their chain begins where it stands.
struct Writer<'a> {
    path: &'a Path,
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    first: u64,
    /// Bytes that were written.
    written: u64,
    /// Those and the buffer's.
    end: u64,
    entries: u64,
    chain: [u8; 32],
}

impl<'a> Writer<'a> {
    fn create(path: &'a Path, first: u64, chain: [u8; 32], disk: &dyn Disk) -> io::Result<Self> {
        Ok(Self {
            path,
            file: disk.create(path)?,
            buffer: frame::header(Kind::Snapshot, first, &chain).to_vec(),
            first,
            written: 0,
            end: HEADER,
            entries: 0,
            chain,
        })
    }

    fn entry<P: Payload>(&mut self, entry: &P) -> Result<Location, JournalError> {
        self.framed(|encoder| encoder.entry(entry))
    }

    fn payload(&mut self, payload: &[u8]) -> Result<Location, JournalError> {
        self.framed(|encoder| encoder.payload(payload))
    }

    fn framed(
        &mut self,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), String>,
    ) -> Result<Location, JournalError> {
        let mut encoder = Encoder::new(&mut self.buffer, self.end);
        write(&mut encoder).map_err(JournalError::Encode)?;
        let sealed = encoder.seal(&mut self.entries, &mut self.chain);
        let sealed = sealed.map_err(JournalError::Encode)?;
        self.end = self.written + self.buffer.len() as u64;
        if self.buffer.len() >= BUFFER {
            self.flush().map_err(JournalError::io("write", self.path))?;
        }
        let location = sealed
            .first()
            .ok_or_else(|| JournalError::Encode("no entry was written".into()))?;
        Ok(Location {
            segment: self.first,
            in_snapshot: true,
            ..*location
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_all()
    }
}
