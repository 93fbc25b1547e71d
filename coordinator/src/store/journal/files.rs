//! The files of a journal: their names, their order, and where reading begins.
//!
//! `N.journal` is the segment whose first entry is number N. `N.snapshot` replaces all entries with numbers below N;
//! segment N follows it. Reading starts at the newest snapshot. Files older than the second-newest snapshot are obsolete,
//! so losing either snapshot loses no data.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use durable::{Disk, sync_folder};

use super::error::JournalError;
use super::frame::{self, HEADER, Header};

/// Ends the name of a segment.
const SEGMENT: &str = "journal";
/// Ends the name of a snapshot.
const SNAPSHOT: &str = "snapshot";
/// Ends the name of a snapshot that is being written.
const PART: &str = "snapshot-part";

/// A segment or a snapshot, opened: it can be read to its end also when it is removed meanwhile.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) is_snapshot: bool,
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) length: u64,
    /// `None`: it cannot be read.
    pub(super) header: Option<Header>,
}

/// The segments of a folder.
pub(super) struct Segments {
    /// In order; the first is a snapshot, or where everything began.
    pub(super) current: Vec<Segment>,
    /// Those that nothing needs any more.
    pub(super) obsolete: Vec<PathBuf>,
    /// A last segment that holds nothing, not even a header.
    pub(super) unfinished: Option<(u64, PathBuf)>,
}

/// Selection of the files of a folder are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    All,
    /// Those that hold entries before that one.
    Before(u64),
    /// All but the snapshot of that number.
    Without(u64),
}

impl Selection {
    fn takes(self, number: u64, is_snapshot: bool) -> bool {
        match self {
            Self::All => true,
            Self::Before(first) => number < first,
            Self::Without(without) => !(is_snapshot && number == without),
        }
    }
}

/// The file of the segment that begins with that entry.
pub(super) fn path_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.{SEGMENT}"))
}

/// The file of the snapshot of everything before that entry.
pub(super) fn snapshot_of(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{SNAPSHOT}"))
}

/// The file of a snapshot that is being written.
pub(super) fn part_of(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{PART}"))
}

/// Whether a file of that name belongs to a journal.
pub(crate) fn is_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(stem, end)| {
        (end == SEGMENT || end == SNAPSHOT)
            && stem.len() == 20
            && stem.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The numbers of the files in a folder, in order, and whether each is a snapshot. A snapshot comes before its segment.
fn numbers(folder: &Path) -> Result<Vec<(u64, bool)>, JournalError> {
    let read = |folder: &Path| -> io::Result<Vec<(u64, bool)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let Some((stem, end)) = name.to_str().and_then(|name| name.split_once('.')) else {
                continue;
            };
            if let Ok(number) = stem.parse::<u64>()
                && (end == SEGMENT || end == SNAPSHOT)
            {
                found.push((number, end == SNAPSHOT));
            }
        }
        found.sort_unstable_by_key(|(number, is_snapshot)| (*number, !is_snapshot));
        Ok(found)
    };
    read(folder).map_err(JournalError::io("list", folder))
}

/// The segments of a folder from that number on.
pub(super) fn later(folder: &Path, number: u64) -> Result<Vec<u64>, JournalError> {
    Ok(numbers(folder)?
        .into_iter()
        .filter(|(other, is_snapshot)| *other >= number && !is_snapshot)
        .map(|(other, _)| other)
        .collect())
}

/// Makes durable what the last segment of a folder holds, without changing it.
pub(super) fn sync_last(folder: &Path) -> Result<(), JournalError> {
    let Some((number, _)) = numbers(folder)?.pop() else {
        return Ok(());
    };
    let path = path_of(folder, number);
    let sync = || match File::open(&path) {
        Ok(file) => file.sync_data(),
        // A snapshot whose segment is missing is damage, which reading tells.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    sync().map_err(JournalError::io("sync", &path))
}

/// Opens the segments of a folder.
pub(super) fn open(folder: &Path, selection: Selection) -> Result<Segments, JournalError> {
    // A running coordinator may remove what is obsolete while it is opened. That is rare, and over in milliseconds.
    let mut tries = 5;
    loop {
        match open_once(folder, selection) {
            Err(JournalError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && tries > 0 =>
            {
                if !folder.is_dir() {
                    return open_once(folder, selection);
                }
                tries -= 1;
            }
            other => return other,
        }
    }
}

fn open_once(folder: &Path, selection: Selection) -> Result<Segments, JournalError> {
    let mut found = Vec::new();
    for (number, is_snapshot) in numbers(folder)? {
        if !selection.takes(number, is_snapshot) {
            continue;
        }
        let path = if is_snapshot {
            snapshot_of(folder, number)
        } else {
            path_of(folder, number)
        };
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let length = file
            .metadata()
            .map_err(JournalError::io("look at", &path))?
            .len();
        let header = header_of(&file, length).map_err(JournalError::io("read", &path))?;
        found.push(Segment {
            number,
            is_snapshot,
            path,
            file,
            length,
            header,
        });
    }
    // A segment whose header was not yet written when the power went holds nothing.
    let is_unfinished = match found.last() {
        Some(last) if !last.is_snapshot && last.header.is_none() => {
            last.length <= HEADER
                || is_zeros(&last.file, last.length)
                    .map_err(JournalError::io("read", &last.path))?
        }
        _ => false,
    };
    let unfinished = found
        .pop_if(|_| is_unfinished)
        .map(|last| (last.number, last.path));
    let starts: Vec<(usize, u64)> = found
        .iter()
        .enumerate()
        .filter(|(_, segment)| segment.is_snapshot)
        .map(|(position, segment)| (position, segment.number))
        .collect();
    let needed = starts.iter().rev().nth(1).map_or(0, |(_, number)| *number);
    let begin = starts.last().map_or(0, |(position, _)| *position);
    let obsolete = found
        .drain(..begin)
        .filter(|segment| segment.number < needed)
        .map(|segment| segment.path)
        .collect();
    Ok(Segments {
        current: found,
        obsolete,
        unfinished,
    })
}

fn header_of(file: &File, length: u64) -> io::Result<Option<Header>> {
    if length < HEADER {
        return Ok(None);
    }
    let mut bytes = [0; HEADER as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(frame::read_header(&bytes).ok())
}

/// Whether a file holds nothing but zeros.
fn is_zeros(file: &File, length: u64) -> io::Result<bool> {
    let mut bytes = vec![0; 1 << 16];
    let mut at = 0;
    while at < length {
        let part = &mut bytes[..(length - at).min(1 << 16) as usize];
        file.read_exact_at(part, at)?;
        if part.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += part.len() as u64;
    }
    Ok(true)
}

/// The file in which the torn end of a segment is kept.
pub(super) fn cut_of(folder: &Path, segment: u64, offset: u64) -> PathBuf {
    folder.join(format!("{segment:020}.{SEGMENT}.cut-{offset}"))
}

/// The torn ends that were kept of segments before that number.
pub(super) fn cuts_before(folder: &Path, number: u64) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((stem, end)) = name.and_then(|name| name.split_once('.')) else {
            continue;
        };
        let of = stem.parse::<u64>().ok();
        if end.starts_with("journal.cut-") && of.is_some_and(|of| of < number) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Removes what a snapshot that was not written to its end has left.
pub(super) fn remove_parts(folder: &Path, disk: &dyn Disk) -> io::Result<()> {
    let mut found = false;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == PART) {
            disk.remove(&path)?;
            found = true;
        }
    }
    if found { sync_folder(folder) } else { Ok(()) }
}
