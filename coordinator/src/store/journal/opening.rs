//! Opening a journal: everything is read first, and nothing is changed before it is known to be whole.

use std::marker::PhantomData;
use std::path::Path;

use super::appender::Journal;
use super::error::JournalError;
use super::files::{self, Selection, path_of};
use super::frame;
use super::options::Options;
use super::payload::Payload;
use super::scan::{Last, Scan, Visit, scan};
use super::segment::{be_ours, create};
use crate::store::lock::StateLock;

/// A journal that was read to its end, and not touched: whoever finds that it is not what it should be leaves it as it is.
pub struct Untouched<P> {
    lock: StateLock,
    options: Options,
    scan: Scan,
    payload: PhantomData<fn(P)>,
}

impl<P: Payload> Untouched<P> {
    /// Reads the journal of a locked state folder and hands every entry to `visit` in order.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(
        lock: &StateLock,
        options: Options,
        visit: &mut Visit<'_, P>,
    ) -> Result<Self, JournalError> {
        // What a process that was killed wrote and did not sync is told from here on.
        files::sync_last(lock.journal())?;
        Ok(Self {
            scan: scan(lock.journal(), Selection::All, visit)?,
            lock: lock.clone(),
            options,
            payload: PhantomData,
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
    pub fn open(self) -> Result<Journal<P>, JournalError> {
        let Self {
            lock,
            options,
            scan,
            payload,
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
            (Last::nothing(), file, path)
        };
        needed.retain(|needed| !needed.is_at(&path));
        let journal = Journal {
            folder: folder.to_owned(),
            options,
            file,
            path,
            segment: last.segment,
            end: last.end,
            reserved: last.end,
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
            payload,
        };
        if last.torn {
            journal.keep_tail();
            journal.cut()?;
        }
        Ok(journal)
    }
}

/// Bytes that opening a journal reads; 0 where that cannot be told.
pub fn length(folder: &Path) -> u64 {
    files::open(folder, Selection::All).map_or(0, |files| {
        files.current.iter().map(|segment| segment.length).sum()
    })
}
