//! Reading a journal: every segment, every hash.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sweeps::Digest;

use super::frame::{self, FRAME, HEADER, Location};
use super::{JournalError, sync_folder};
use crate::entry::Entry;

/// An entry that was read.
#[derive(Debug)]
pub struct Scanned {
    /// The entry.
    pub entry: Entry,
    /// Where it lies.
    pub location: Location,
    /// Hash of everything up to it.
    pub chain: Digest,
}

/// What a scan found at the end.
pub(super) struct Scan {
    /// `None`: there is no segment yet.
    pub(super) last: Option<Last>,
    /// A last segment that holds nothing, not even a header.
    pub(super) unfinished: Option<PathBuf>,
}

pub(super) struct Last {
    pub(super) segment: u64,
    /// End of the last whole entry in it.
    pub(super) end: u64,
    /// Something unfinished follows.
    pub(super) torn: bool,
    pub(super) sequence: u64,
    pub(super) chain: [u8; 32],
}

/// The file of the segment that begins with that entry.
pub(super) fn path_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.journal"))
}

/// The segments of a folder in order.
fn segments(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let read = |folder: &Path| -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number: Option<u64> = name
                .to_str()
                .and_then(|name| name.strip_suffix(".journal"))
                .and_then(|stem| stem.parse().ok());
            found.extend(number);
        }
        found.sort_unstable();
        Ok(found)
    };
    read(folder).map_err(JournalError::io("list", folder))
}

/// Reads and verifies everything.
pub(super) fn scan(
    folder: &Path,
    visit: &mut dyn FnMut(Scanned) -> Result<(), JournalError>,
) -> Result<Scan, JournalError> {
    let mut segments = segments(folder)?;
    // A segment whose header was not yet written when the power went holds nothing.
    let mut unfinished = None;
    if let Some(last) = segments.last().copied() {
        let path = path_of(folder, last);
        let length = std::fs::metadata(&path)
            .map_err(JournalError::io("look at", &path))?
            .len();
        if length < HEADER || (length == HEADER && !has_header(&path)?) {
            segments.pop();
            unfinished = Some(path);
        }
    }
    let mut reader = Reader {
        folder,
        sequence: 0,
        chain: frame::GENESIS,
        visit,
    };
    let mut last = None;
    for (position, segment) in segments.iter().enumerate() {
        let is_last = position + 1 == segments.len();
        let (end, torn) = reader.segment(*segment, is_last)?;
        last = Some(Last {
            segment: *segment,
            end,
            torn,
            sequence: reader.sequence,
            chain: reader.chain,
        });
    }
    Ok(Scan { last, unfinished })
}

struct Reader<'a> {
    folder: &'a Path,
    sequence: u64,
    chain: [u8; 32],
    visit: &'a mut dyn FnMut(Scanned) -> Result<(), JournalError>,
}

impl Reader<'_> {
    /// Reads a segment; answers the end of its last whole entry and whether something unfinished follows.
    fn segment(&mut self, segment: u64, is_last: bool) -> Result<(u64, bool), JournalError> {
        let path = path_of(self.folder, segment);
        let damaged = |offset: u64, what: String| JournalError::Damaged {
            path: path.clone(),
            offset,
            what,
        };
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let length = file
            .metadata()
            .map_err(JournalError::io("look at", &path))?
            .len();
        let unwritten =
            is_last && ends_in_zeros(&file, length).map_err(JournalError::io("read", &path))?;
        let mut file = BufReader::with_capacity(1 << 18, file);

        let mut header = [0; HEADER as usize];
        file.read_exact(&mut header)
            .map_err(|_| damaged(0, "its header is missing".into()))?;
        let header = frame::read_header(&header).map_err(|what| damaged(0, what))?;
        if header.version > frame::VERSION {
            return Err(JournalError::TooNew {
                path,
                version: header.version,
            });
        }
        if header.first != segment
            || header.first != self.sequence + 1
            || header.chain != self.chain
        {
            return Err(damaged(
                0,
                "a segment before it is missing or another".into(),
            ));
        }

        let mut offset = HEADER;
        loop {
            let left = length - offset;
            if left == 0 {
                return Ok((offset, false));
            }
            // The end of the last segment may be missing: what was being written when the power went. It may also be
            // there as zeros, where the file had grown but its pages were not written.
            let torn = |what: &str| {
                if is_last {
                    Ok((offset, true))
                } else {
                    Err(damaged(offset, what.into()))
                }
            };
            if left < FRAME {
                return torn("its end is missing");
            }
            let mut bytes = [0; FRAME as usize];
            file.read_exact(&mut bytes)
                .map_err(JournalError::io("read", &path))?;
            let head = match frame::read_frame(&bytes) {
                Ok(head) => head,
                Err(_) if unwritten => return torn("its end is missing"),
                Err(what) => return Err(damaged(offset, what)),
            };
            if left - FRAME < u64::from(head.length) {
                return torn("its end is missing");
            }
            let mut payload = vec![0; head.length as usize];
            file.read_exact(&mut payload)
                .map_err(JournalError::io("read", &path))?;
            let chain = frame::link(&self.chain, head.length, head.sequence, &payload);
            if chain != head.chain || head.sequence != self.sequence + 1 {
                if unwritten {
                    return torn("its end is missing");
                }
                return Err(damaged(offset, "the hash of an entry is wrong".into()));
            }
            let entry = serde_json::from_slice(&payload).map_err(|error| {
                damaged(
                    offset,
                    format!("an entry is whole but this version cannot read it: {error}"),
                )
            })?;
            self.sequence = head.sequence;
            self.chain = chain;
            (self.visit)(Scanned {
                entry,
                location: Location {
                    segment,
                    offset: offset + FRAME,
                    length: head.length,
                    digest: Digest::of(&payload),
                    sequence: head.sequence,
                },
                chain: Digest(chain),
            })?;
            offset += FRAME + u64::from(head.length);
        }
    }
}

/// Whether the file's last bytes are zeros, which no whole entry ends in: it had grown, but its pages were not written.
/// Sixteen of them: a single damaged byte must not look like that.
fn ends_in_zeros(file: &File, length: u64) -> io::Result<bool> {
    let mut tail = [1; 16];
    if length < HEADER + 16 {
        return Ok(false);
    }
    file.read_exact_at(&mut tail, length - 16)?;
    Ok(tail == [0; 16])
}

fn has_header(path: &Path) -> Result<bool, JournalError> {
    let bytes = std::fs::read(path).map_err(JournalError::io("read", path))?;
    Ok(bytes
        .as_slice()
        .try_into()
        .is_ok_and(|bytes| frame::read_header(bytes).is_ok()))
}

/// Writes every entry as a line of JSON, with its number and the hash of everything up to it. Changes nothing, and may be
/// done while a coordinator is running: it then ends somewhere in what is being written.
///
/// # Errors
/// [`JournalError`]; what was written before the damage is good.
pub fn export(folder: &Path, out: &mut dyn io::Write) -> Result<u64, JournalError> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        sequence: u64,
        chain: Digest,
        #[serde(flatten)]
        entry: &'a Entry,
    }
    let mut lines = 0;
    scan(folder, &mut |scanned| {
        let line = Line {
            sequence: scanned.location.sequence,
            chain: scanned.chain,
            entry: &scanned.entry,
        };
        lines += 1;
        serde_json::to_writer(&mut *out, &line)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(JournalError::io("export", folder))
    })?;
    Ok(lines)
}

/// Copies the segments to another folder, in order, synced. May be done while a coordinator is running: what is copied is
/// a prefix of what is written. Answers the number of bytes.
///
/// # Errors
/// [`JournalError::Io`].
pub fn copy(folder: &Path, target: &Path) -> Result<u64, JournalError> {
    std::fs::create_dir_all(target).map_err(JournalError::io("make the folder", target))?;
    let mut bytes = 0;
    for segment in segments(folder)? {
        let to = path_of(target, segment);
        bytes += std::fs::copy(path_of(folder, segment), &to)
            .and_then(|bytes| File::open(&to)?.sync_all().map(|()| bytes))
            .map_err(JournalError::io("copy to", &to))?;
    }
    sync_folder(target).map_err(JournalError::io("sync", target))?;
    Ok(bytes)
}

/// Reads the payload at `location` and verifies its digest.
///
/// # Errors
/// [`JournalError`], when it is not what was written.
pub fn read_payload(folder: &Path, location: &Location) -> Result<Vec<u8>, JournalError> {
    let path = path_of(folder, location.segment);
    let file = File::open(&path).map_err(JournalError::io("open", &path))?;
    let length = file
        .metadata()
        .map_err(JournalError::io("look at", &path))?
        .len();
    let damaged = |what: &str| JournalError::Damaged {
        path: path.clone(),
        offset: location.offset.saturating_sub(FRAME),
        what: what.into(),
    };
    if location
        .offset
        .checked_add(u64::from(location.length))
        .is_none_or(|end| end > length)
    {
        return Err(damaged("an entry is missing"));
    }
    let mut payload = vec![0; location.length as usize];
    file.read_exact_at(&mut payload, location.offset)
        .map_err(JournalError::io("read", &path))?;
    if Digest::of(&payload) != location.digest {
        return Err(damaged("the digest of an entry is wrong"));
    }
    Ok(payload)
}

/// Cuts a damaged journal at the damage. What is cut off is kept beside it, in files that end in `.damaged`. Answers the
/// damage, `None` where there was none. No coordinator may be running on the folder.
///
/// # Errors
/// [`JournalError`], when the folder is in use or cannot be written.
pub fn repair(folder: &Path) -> Result<Option<String>, JournalError> {
    let _lock = super::lock(folder)?;
    let Err(error) = scan(folder, &mut |_| Ok(())) else {
        return Ok(None);
    };
    let JournalError::Damaged { path, offset, .. } = &error else {
        return Err(error);
    };
    let all = segments(folder)?;
    let position = all
        .iter()
        .position(|segment| path_of(folder, *segment) == *path)
        .unwrap_or(0);
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(JournalError::io("open", path))?;
    let keep = path.with_extension("journal.damaged");
    let mut copy = || -> io::Result<()> {
        let mut cut = File::create(&keep)?;
        file.seek(SeekFrom::Start(*offset))?;
        io::copy(&mut file, &mut cut)?;
        cut.sync_all()?;
        sync_folder(folder)?;
        if *offset < HEADER {
            std::fs::remove_file(path)?;
        } else {
            file.set_len(*offset)?;
            file.sync_all()?;
        }
        for later in &all[position + 1..] {
            let later = path_of(folder, *later);
            std::fs::rename(&later, later.with_extension("journal.damaged"))?;
        }
        sync_folder(folder)
    };
    copy().map_err(JournalError::io("repair", path))?;
    Ok(Some(error.to_string()))
}
