//! The bytes of a segment.
//!
//! ```text
//! header  magic 8 | version u16 | kind u16 | first sequence u64 | chain before 32 | check 8                  60 bytes
//! frame   magic 4 | length u32 | sequence u64 | batch at u64 | batch bytes u64 | check 8 | chain 32 | payload
//!                                                                                               72 bytes + length
//! ```
//! Numbers are little-endian. `check` covers what stands before it, so that a flipped bit in a length is told from a tail
//! that is missing. `chain` is BLAKE3 of the chain before, length, sequence and payload: an entry cannot be changed,
//! dropped, doubled or moved without every later one showing it. What the payload says is the
//! business of whoever keeps a journal.
//!
//! A batch is what one append wrote and synced: where its first frame begins in the file, and how long it is. A batch is
//! begun only when the one before it is on disk for certain, so a frame that names a later batch proves that everything
//! before that batch was acknowledged.
//!
//! A snapshot has the number and the chain of the segment that goes on behind it in its header; its own entries are
//! numbered from 1, and their chain begins with that one. Each of them is a batch of its own.

use std::ops::Range;

use sweeps::Digest;

use super::payload::Payload;

pub(super) const VERSION: u16 = 4;
/// Length of a segment's header.
pub(super) const HEADER: u64 = 60;
/// Length of a frame before its payload.
pub(super) const FRAME: u64 = 72;
/// The chain before the first entry.
pub(super) const GENESIS: [u8; 32] = [0; 32];
/// No entry is longer: a sweep of a million jobs takes a tenth of it.
pub(super) const LONGEST: u32 = 1 << 30;

const SEGMENT_MAGIC: &[u8; 8] = b"GCLSWEEP";
/// Begins every frame.
pub(super) const FRAME_MAGIC: &[u8; 4] = b"ENTR";
/// What a frame's check covers.
const CHECKED: usize = 32;

/// Where an entry's payload lies, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The number of the segment, or of the snapshot.
    pub segment: u64,
    /// Whether it is in a snapshot.
    pub in_snapshot: bool,
    /// Where the payload begins in it.
    pub offset: u64,
    /// Its length.
    pub length: u32,
    /// The digest of the payload.
    pub digest: Digest,
    /// The entry's number; in a snapshot the number there.
    pub sequence: u64,
}

/// Of the segment's number as bytes: it is a snapshot's.
const IN_SNAPSHOT: u64 = 1 << 63;

impl Location {
    /// As bytes of the index.
    pub fn to_bytes(self) -> [u8; 60] {
        let mut bytes = [0; 60];
        let flag = if self.in_snapshot { IN_SNAPSHOT } else { 0 };
        bytes[..8].copy_from_slice(&(self.segment | flag).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[28..].copy_from_slice(&self.digest.0);
        bytes
    }

    /// Reads [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 60).then_some(())?;
        let segment = u64_at(bytes, 0)?;
        Some(Self {
            segment: segment & !IN_SNAPSHOT,
            in_snapshot: segment & IN_SNAPSHOT != 0,
            offset: u64_at(bytes, 8)?,
            length: u32_at(bytes, 16)?,
            sequence: u64_at(bytes, 20)?,
            digest: Digest(bytes[28..].try_into().ok()?),
        })
    }
}

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It goes on from the segment before it.
    Plain,
    /// It replaces everything before the segment of its number. It was whole and on disk before it got its name.
    Snapshot,
}

pub(super) fn header(kind: Kind, first: u64, chain: &[u8; 32]) -> [u8; HEADER as usize] {
    let mut bytes = [0; HEADER as usize];
    bytes[..8].copy_from_slice(SEGMENT_MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[10..12].copy_from_slice(&(kind as u16).to_le_bytes());
    bytes[12..20].copy_from_slice(&first.to_le_bytes());
    bytes[20..52].copy_from_slice(chain);
    let check = check(&bytes[..52]);
    bytes[52..].copy_from_slice(&check);
    bytes
}

/// What a segment's header says.
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) kind: Kind,
    pub(super) first: u64,
    pub(super) chain: [u8; 32],
}

pub(super) fn read_header(bytes: &[u8; HEADER as usize]) -> Result<Header, String> {
    if &bytes[..8] != SEGMENT_MAGIC {
        return Err("it does not begin like a segment".into());
    }
    if bytes[52..] != check(&bytes[..52]) {
        return Err("the check of its header fails".into());
    }
    (|| {
        let field = u32_at(bytes, 8)?;
        Some(Header {
            version: (field & 0xffff) as u16,
            // Another version may have other kinds: its number is looked at first.
            kind: match field >> 16 {
                1 => Kind::Snapshot,
                _ => Kind::Plain,
            },
            first: u64_at(bytes, 12)?,
            chain: bytes[20..52].try_into().ok()?,
        })
    })()
    .ok_or_else(|| "its header is short".into())
}

/// Where a batch lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) at: u64,
    pub(super) bytes: u64,
}

impl Batch {
    /// Where it ends, or would end had it been written wholly.
    pub(super) fn end(self) -> u64 {
        self.at.saturating_add(self.bytes)
    }
}

/// What a frame says before its payload.
pub(super) struct FrameHeader {
    pub(super) length: u32,
    pub(super) sequence: u64,
    pub(super) batch: Batch,
    pub(super) chain: [u8; 32],
}

pub(super) fn read_frame(bytes: &[u8; FRAME as usize]) -> Result<FrameHeader, String> {
    if &bytes[..4] != FRAME_MAGIC {
        return Err("there is no entry where one should begin".into());
    }
    if bytes[CHECKED..CHECKED + 8] != check(&bytes[..CHECKED]) {
        return Err("the check of an entry's header fails".into());
    }
    let frame = (|| {
        Some(FrameHeader {
            length: u32_at(bytes, 4)?,
            sequence: u64_at(bytes, 8)?,
            batch: Batch {
                at: u64_at(bytes, 16)?,
                bytes: u64_at(bytes, 24)?,
            },
            chain: bytes[40..72].try_into().ok()?,
        })
    })()
    .ok_or("an entry's header is short")?;
    if frame.length > LONGEST {
        return Err(format!("an entry claims {} bytes", frame.length));
    }
    Ok(frame)
}

/// Frames that are written together. Sealed when all of them are known.
pub(super) struct Encoder<'a> {
    /// Where the frames are written to; what stands there before is not touched.
    out: &'a mut Vec<u8>,
    /// Where the batch will begin in the file.
    at: u64,
    /// Where each frame stands in `out`.
    frames: Vec<Range<usize>>,
    start: usize,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, at: u64) -> Self {
        Self {
            start: out.len(),
            out,
            at,
            frames: Vec::new(),
        }
    }

    /// Adds an entry.
    pub(super) fn entry<P: Payload>(&mut self, entry: &P) -> Result<(), String> {
        self.add(|out| entry.encode(out))
    }

    /// Adds a payload that was read, which stays the same to the byte.
    pub(super) fn payload(&mut self, payload: &[u8]) -> Result<(), String> {
        self.add(|out| {
            out.extend_from_slice(payload);
            Ok(())
        })
    }

    fn add(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        let start = self.out.len();
        self.out.resize(start + FRAME as usize, 0);
        write(self.out)?;
        self.frames.push(start..self.out.len());
        Ok(())
    }

    /// Writes the frames before their payloads, the first of the number behind `sequence`, and moves `sequence` and `chain`
    /// on. The segment of the answers is for the caller.
    pub(super) fn seal(
        self,
        sequence: &mut u64,
        chain: &mut [u8; 32],
    ) -> Result<Vec<Location>, String> {
        let bytes = (self.out.len() - self.start) as u64;
        let mut locations = Vec::with_capacity(self.frames.len());
        for frame in self.frames {
            let offset = self.at + (frame.start - self.start) as u64 + FRAME;
            let (head, payload) = self.out[frame].split_at_mut(FRAME as usize);
            let length = u32::try_from(payload.len())
                .ok()
                .filter(|length| *length <= LONGEST)
                .ok_or("it is longer than 1 GiB")?;
            *sequence += 1;
            *chain = link(chain, length, *sequence, payload);
            head[..4].copy_from_slice(FRAME_MAGIC);
            head[4..8].copy_from_slice(&length.to_le_bytes());
            head[8..16].copy_from_slice(&sequence.to_le_bytes());
            head[16..24].copy_from_slice(&self.at.to_le_bytes());
            head[24..32].copy_from_slice(&bytes.to_le_bytes());
            let check = check(&head[..CHECKED]);
            head[CHECKED..CHECKED + 8].copy_from_slice(&check);
            head[40..72].copy_from_slice(chain);
            locations.push(Location {
                segment: 0,
                in_snapshot: false,
                offset,
                length,
                digest: Digest::of(payload),
                sequence: *sequence,
            });
        }
        Ok(locations)
    }
}

/// The hash of everything up to an entry.
pub(super) fn link(chain: &[u8; 32], length: u32, sequence: u64, payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(chain);
    hasher.update(&length.to_le_bytes());
    hasher.update(&sequence.to_le_bytes());
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}

fn check(bytes: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    check
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
