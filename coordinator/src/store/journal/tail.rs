//! What an entry that cannot be read means: the torn end of the last append, which nobody was told of, or damage.
//!
//! Appends follow each other: one begins when the one before it is on disk for certain. So of all batches in a journal
//! only the last can be incomplete after a power cut. It can lack any of its sectors, since they are written in any
//! order: what lacks is zeros, or behind the end of the file. Everything else (a flipped bit, a batch that others follow)
//! is damage to what was acknowledged. That others follow is told by their frames, and where none can be read, by any
//! byte behind a batch that is not zero: an append that failed is cut off, and that is on disk, before the next begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::frame::{self, Batch, FRAME, FRAME_MAGIC};

/// What disks write at least at once.
const SECTOR: u64 = 512;
/// Bytes that are read at a time.
const CHUNK: u64 = 1 << 20;

/// An entry that cannot be read.
pub(super) struct Unreadable<'a> {
    pub(super) file: &'a File,
    pub(super) length: u64,
    /// Where its frame begins.
    pub(super) offset: u64,
    /// Where it ends and to which batch it belongs, where its frame says so.
    pub(super) claims: Option<(u64, Batch)>,
    /// The batch of the entry before it, where that is not complete without it.
    pub(super) before: Option<Batch>,
}

/// What it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TailVerdict {
    /// It was being written when the power went, or the process ended.
    Torn,
    /// It was acknowledged; a reason, where one is known.
    Damaged(Option<&'static str>),
}

/// What frames behind it name.
enum Behind {
    /// There are none that can be read.
    Nothing,
    /// Its own append.
    Same(Batch),
    /// A later one.
    Later,
}

impl Unreadable<'_> {
    pub(super) fn judge(&self) -> io::Result<TailVerdict> {
        let behind = match self.behind()? {
            Behind::Later => {
                return Ok(TailVerdict::Damaged(Some(
                    "; entries behind it are whole, so that it had been acknowledged",
                )));
            }
            Behind::Same(batch) => Some(batch),
            Behind::Nothing => None,
        };
        let batch = self
            .claims
            .map(|(_, batch)| batch)
            .or(behind)
            .or(self.before);
        if let Some(batch) = batch
            && self.is_something_behind(batch.end())?
        {
            return Ok(TailVerdict::Damaged(Some(
                "; something was written behind its append, so that it had been acknowledged",
            )));
        }
        let is_short = self.length - self.offset < FRAME;
        if is_short || batch.is_some_and(|batch| batch.end() > self.length) {
            return Ok(TailVerdict::Torn);
        }
        // What explains an entry that differs from its hash lacks in the entry; what explains a frame, in the frame.
        let end = self.claims.map_or_else(
            || (self.offset + FRAME).next_multiple_of(SECTOR),
            |(end, _)| end,
        );
        let end = end.min(batch.map_or(u64::MAX, Batch::end)).min(self.length);
        if self.lacks_a_sector(end)? {
            Ok(TailVerdict::Torn)
        } else {
            Ok(TailVerdict::Damaged(None))
        }
    }

    fn behind(&self) -> io::Result<Behind> {
        let mut found = Behind::Nothing;
        let mut at = self.offset + 1;
        while at + FRAME <= self.length {
            let mut bytes = vec![0; (self.length - at).min(CHUNK) as usize];
            self.file.read_exact_at(&mut bytes, at)?;
            let starts = bytes.len() - FRAME as usize + 1;
            let candidates = bytes[..starts].iter().enumerate();
            for (start, _) in candidates.filter(|(_, byte)| **byte == FRAME_MAGIC[0]) {
                let Some(Ok(frame)) = bytes[start..].first_chunk().map(frame::read_frame) else {
                    continue;
                };
                if frame.batch.at > self.offset {
                    return Ok(Behind::Later);
                }
                found = Behind::Same(frame.batch);
            }
            at += starts as u64;
        }
        Ok(found)
    }

    /// Whether there is anything from there on. Zeros are nothing: a file may have grown without its bytes.
    fn is_something_behind(&self, mut at: u64) -> io::Result<bool> {
        while at < self.length {
            let mut bytes = vec![0; (self.length - at).min(CHUNK) as usize];
            self.file.read_exact_at(&mut bytes, at)?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(true);
            }
            at += bytes.len() as u64;
        }
        Ok(false)
    }

    /// Whether a part of it that fills a sector, or what it has of one, is zeros. No entry has so many, and none begins or
    /// ends with one.
    fn lacks_a_sector(&self, end: u64) -> io::Result<bool> {
        let mut at = self.offset;
        let mut bytes = [0; SECTOR as usize];
        while at < end {
            let next = ((at / SECTOR + 1) * SECTOR).min(end);
            let part = &mut bytes[..(next - at) as usize];
            self.file.read_exact_at(part, at)?;
            if part.iter().all(|byte| *byte == 0) {
                return Ok(true);
            }
            at = next;
        }
        Ok(false)
    }
}
