//! Reading a journal: every segment, every hash.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sweeps::Digest;

use super::error::JournalError;
use super::files::{self, Segment, Segments, Selection, path_of};
use super::frame::{self, Batch, FRAME, HEADER, Kind, Location};
use super::needed::Needed;
use super::payload::Payload;
use super::tail::{TailVerdict, Unreadable};

/// An entry that was read.
#[derive(Debug)]
pub struct Scanned<P> {
    /// The entry.
    pub entry: P,
    /// Where it lies.
    pub location: Location,
    /// Hash of everything up to it.
    pub chain: Digest,
    /// Hash of everything before it.
    pub before: Digest,
    /// Its bytes as they are on disk.
    pub payload: Vec<u8>,
    /// In a snapshot: the number of the first entry that the snapshot does not replace, and the hash of everything before
    /// that entry.
    pub snapshot: Option<(u64, Digest)>,
}

impl<P> Scanned<P> {
    /// How far the journal was read with this entry: the number of the last entry, and the hash of everything up to it.
    pub fn reached(&self) -> (u64, Digest) {
        match self.snapshot {
            Some((first, chain)) => (first.saturating_sub(1), chain),
            None => (self.location.sequence, self.chain),
        }
    }
}

/// What is done with each entry that is read; an error ends the reading.
pub type Visit<'a, P> = dyn FnMut(Scanned<P>) -> Result<(), JournalError> + 'a;

/// What a scan found at the end.
pub(super) struct Scan {
    /// `None`: there is no segment yet.
    pub(super) last: Option<Last>,
    pub(super) size: Size,
    /// The files that were read.
    pub(super) needed: Vec<Needed>,
    /// Segments that a snapshot replaces.
    pub(super) obsolete: Vec<PathBuf>,
    /// A last segment that holds nothing, not even a header.
    pub(super) unfinished: Option<PathBuf>,
}

/// How large a journal is: bytes and entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) snapshot: (u64, u64),
    pub(super) since: (u64, u64),
}

pub(super) struct Last {
    pub(super) segment: u64,
    /// End of the last whole entry in it.
    pub(super) end: u64,
    /// Something unfinished follows.
    pub(super) torn: bool,
    /// The last append lacks entries: what comes now must not be mistaken for them.
    pub(super) is_partial: bool,
    pub(super) sequence: u64,
    pub(super) chain: [u8; 32],
}

impl Last {
    /// Of a journal that was just made.
    pub(super) fn nothing() -> Self {
        Self {
            segment: 1,
            end: HEADER,
            torn: false,
            is_partial: false,
            sequence: 0,
            chain: frame::GENESIS,
        }
    }
}

/// Hands every entry to `visit`, in order, every hash verified. Changes nothing, and may be done while a coordinator is
/// running: it then ends somewhere in what is being written.
///
/// # Errors
/// [`JournalError`], after what was before the damage.
pub fn visit<P: Payload>(folder: &Path, visit: &mut Visit<'_, P>) -> Result<(), JournalError> {
    scan(folder, Selection::All, visit).map(drop)
}

/// Reads and verifies everything.
pub(super) fn scan<P: Payload>(
    folder: &Path,
    selection: Selection,
    visit: &mut Visit<'_, P>,
) -> Result<Scan, JournalError> {
    scan_open(files::open(folder, selection)?, folder, selection, visit)
}

pub(super) fn scan_open<P: Payload>(
    segments: Segments,
    folder: &Path,
    selection: Selection,
    visit: &mut Visit<'_, P>,
) -> Result<Scan, JournalError> {
    let needed: Vec<Needed> =
        (segments.current.iter().map(Needed::read)).collect::<Result<_, _>>()?;
    let mut reader = Reader {
        sequence: 0,
        chain: frame::GENESIS,
        visit,
    };
    let mut size = Size::default();
    let mut last = None;
    let count = segments.current.len();
    // The segment that goes on behind a snapshot was there before it.
    let mut expected = None;
    for (position, segment) in segments.current.into_iter().enumerate() {
        let number = segment.number;
        if segment.is_snapshot {
            size.snapshot = reader.snapshot(segment)?;
            expected = Some(number);
            continue;
        }
        expected.take_if(|expected| *expected == number);
        let first = reader.sequence;
        let is_last = position + 1 == count && !matches!(selection, Selection::Before(_));
        let End {
            offset: end,
            torn,
            is_partial,
        } = reader.segment(segment, is_last)?;
        size.since.0 += end;
        size.since.1 += reader.sequence - first;
        last = Some(Last {
            segment: number,
            end,
            torn,
            is_partial,
            sequence: reader.sequence,
            chain: reader.chain,
        });
    }
    if let Some(number) = expected {
        return Err(JournalError::Damaged {
            path: path_of(folder, number),
            offset: 0,
            what: "the segment behind the snapshot is missing".into(),
        });
    }
    // Only a segment that would have come next may be unfinished: anything else was whole once.
    if let Some((number, path)) = &segments.unfinished
        && *number != reader.sequence + 1
    {
        return Err(JournalError::Damaged {
            path: path.clone(),
            offset: 0,
            what: "its header is missing".into(),
        });
    }
    Ok(Scan {
        last,
        size,
        needed,
        obsolete: segments.obsolete,
        unfinished: segments.unfinished.map(|(_, path)| path),
    })
}

/// Where reading a file came to its end.
struct End {
    /// Behind the last whole entry.
    offset: u64,
    /// Something unfinished follows.
    torn: bool,
    /// The append of the last entry goes on behind it.
    is_partial: bool,
}

struct Reader<'a, 'v, P> {
    sequence: u64,
    chain: [u8; 32],
    visit: &'a mut Visit<'v, P>,
}

impl<P: Payload> Reader<'_, '_, P> {
    /// Reads a snapshot, from selection reading goes on as if everything before it had been read; answers its length and the
    /// number of its entries.
    fn snapshot(&mut self, segment: Segment) -> Result<(u64, u64), JournalError> {
        let number = segment.number;
        let path = segment.path.clone();
        let damaged = |offset: u64, what: String| JournalError::DamagedSnapshot {
            path: path.clone(),
            offset,
            what,
        };
        let chain = match &segment.header {
            Some(header) if header.version != frame::VERSION => {
                return Err(JournalError::other_version(path, header.version));
            }
            Some(header) if header.kind == Kind::Snapshot && header.first == number => header.chain,
            _ => return Err(damaged(0, "its header is damaged or another's".into())),
        };
        let covers = (number, Digest(chain));
        (self.sequence, self.chain) = (0, chain);
        let read = self.entries(segment, false, Kind::Snapshot, Some(covers));
        let End { offset: end, .. } = read.map_err(|error| match error {
            JournalError::Damaged { offset, what, .. } => damaged(offset, what),
            other => other,
        })?;
        let entries = self.sequence;
        (self.sequence, self.chain) = (number - 1, chain);
        Ok((end, entries))
    }

    /// Reads a segment.
    fn segment(&mut self, segment: Segment, is_last: bool) -> Result<End, JournalError> {
        let damaged = |what: &str| JournalError::Damaged {
            path: segment.path.clone(),
            offset: 0,
            what: what.into(),
        };
        let Some(header) = &segment.header else {
            let bytes = header_bytes(&segment).map_err(|_| damaged("its header is missing"))?;
            let what = frame::read_header(&bytes).err().unwrap_or_default();
            return Err(damaged(&what));
        };
        if header.version != frame::VERSION {
            return Err(JournalError::other_version(segment.path, header.version));
        }
        if header.kind == Kind::Snapshot {
            return Err(damaged("it is a snapshot under the name of a segment"));
        }
        if header.first != segment.number
            || header.first != self.sequence + 1
            || header.chain != self.chain
        {
            return Err(damaged("a segment before it is missing or another"));
        }
        self.entries(segment, is_last, Kind::Plain, None)
    }

    /// Reads the entries behind a header.
    fn entries(
        &mut self,
        segment: Segment,
        may_be_torn: bool,
        kind: Kind,
        snapshot: Option<(u64, Digest)>,
    ) -> Result<End, JournalError> {
        let Segment {
            number: segment,
            path,
            file,
            length,
            ..
        } = segment;
        let damaged = |offset: u64, what: String| JournalError::Damaged {
            path: path.clone(),
            offset,
            what,
        };
        let reader = file.try_clone().map_err(JournalError::io("open", &path))?;
        let mut reader = BufReader::with_capacity(1 << 18, reader);
        reader
            .seek(SeekFrom::Start(HEADER))
            .map_err(JournalError::io("read", &path))?;
        let mut offset = HEADER;
        let mut is_whole = false;
        let mut batch: Option<Batch> = None;
        loop {
            let left = length - offset;
            if left == 0 && kind == Kind::Snapshot && !is_whole {
                return Err(damaged(offset, "the end of the snapshot is missing".into()));
            }
            let before = batch.filter(|batch| batch.end() > offset);
            let end = |torn: bool| End {
                offset,
                torn,
                is_partial: before.is_some(),
            };
            if left == 0 {
                return Ok(end(false));
            }
            // The last append of the last segment may be torn: what was being written when the power went.
            let unreadable = |claims: Option<(u64, Batch)>, what: String| {
                if !may_be_torn {
                    return Err(damaged(offset, what));
                }
                let unreadable = Unreadable {
                    file: &file,
                    length,
                    offset,
                    claims,
                    before,
                };
                match unreadable
                    .judge()
                    .map_err(JournalError::io("read", &path))?
                {
                    TailVerdict::Torn => Ok(end(true)),
                    TailVerdict::Damaged(why) => {
                        Err(damaged(offset, what + why.unwrap_or_default()))
                    }
                }
            };
            if left < FRAME {
                return unreadable(None, "its end is missing".into());
            }
            let mut bytes = [0; FRAME as usize];
            reader
                .read_exact(&mut bytes)
                .map_err(JournalError::io("read", &path))?;
            let head = match frame::read_frame(&bytes) {
                Ok(head) => head,
                Err(what) => return unreadable(None, what),
            };
            let end = offset + FRAME + u64::from(head.length);
            let claims = Some((end, head.batch));
            if end > length {
                return unreadable(claims, "its end is missing".into());
            }
            let mut payload = vec![0; head.length as usize];
            reader
                .read_exact(&mut payload)
                .map_err(JournalError::io("read", &path))?;
            let chain = frame::link(&self.chain, head.length, head.sequence, &payload);
            if chain != head.chain || head.sequence != self.sequence + 1 {
                return unreadable(claims, "the hash of an entry is wrong".into());
            }
            // An entry goes on with the batch before it, or begins one.
            let is_expected = before.map_or(head.batch.at == offset, |before| before == head.batch);
            if head.batch.end() < end || !is_expected {
                return Err(damaged(offset, "an entry names another append".into()));
            }
            batch = Some(head.batch);
            let entry = P::decode(&payload).map_err(|error| {
                damaged(
                    offset,
                    format!("an entry is whole but this version cannot read it: {error}"),
                )
            })?;
            is_whole = entry.ends_snapshot();
            let before = Digest(self.chain);
            self.sequence = head.sequence;
            self.chain = chain;
            (self.visit)(Scanned {
                entry,
                before,
                snapshot,
                location: Location {
                    segment,
                    in_snapshot: snapshot.is_some(),
                    offset: offset + FRAME,
                    length: head.length,
                    digest: Digest::of(&payload),
                    sequence: head.sequence,
                },
                chain: Digest(chain),
                payload,
            })?;
            offset = end;
        }
    }
}

fn header_bytes(segment: &Segment) -> io::Result<[u8; HEADER as usize]> {
    let mut bytes = [0; HEADER as usize];
    segment.file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
